/**
 * exchange-code: an authorization code is exchanged for tokens (RFC 6749 §4.1.3).
 *
 * One conditional write: `redeem`, whose condition holds redirect_uri and challenge, so a wrong one spends nothing.
 */

import { isCodeVerifier, s256 } from '../shared/domain/pkce.ts'
import { redeem } from '../shared/domain/transitions.ts'
import { audiencesAsked } from '../shared/http/authorization-request.ts'
import { momentOf } from '../shared/http/call.ts'
import { OAuthError } from '../shared/http/errors.ts'
import { type Grant, policyOf, redeemed, tokenEndpoint, verifyCredential } from '../shared/http/token-endpoint.ts'

export const codeGrant: Grant = {
  type: 'authorization_code',
  async exchange(call) {
    const { parameters } = call
    const verifier = parameters.optional('code_verifier')
    // RFC 7636 §4.1: 43 to 128 unreserved characters.
    if (verifier !== undefined && !isCodeVerifier(verifier)) {
      throw new OAuthError('invalid_request', 'code_verifier must be 43 to 128 unreserved characters.')
    }
    const redirectUri = parameters.required('redirect_uri')
    const audiences = audiencesAsked(call.client, parameters)
    const shown = await verifyCredential(call, 'ac', parameters.required('code'))
    const binding = { redirectUri, codeChallenge: verifier === undefined ? undefined : s256(verifier) }
    const redemption = redeem(shown.presented, policyOf(call), binding, momentOf(call), audiences)
    return redeemed(call, shown, redemption, audiences)
  },
}

export const handler = tokenEndpoint(codeGrant)
