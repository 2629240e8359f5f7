/** The authorization_code grant (RFC 6749 §4.1.3). A wrong redirect_uri or code_verifier fails the write and spends nothing. */

import { isCodeVerifier, s256 } from '../domain/pkce.ts'
import { redeem } from '../domain/transitions.ts'
import { momentOf } from '../http/call.ts'
import { OAuthError } from '../http/errors.ts'
import { audiencesRequested } from '../http/requested.ts'
import { policyOf, sessionGrant } from './session-grant.ts'

export const authorizationCodeGrant = sessionGrant({
  type: 'authorization_code',
  credential: { kind: 'ac', parameter: 'code' },
  request({ client, parameters }) {
    const verifier = parameters.optional('code_verifier')
    // RFC 7636 §4.1: 43 to 128 unreserved characters.
    if (verifier !== undefined && !isCodeVerifier(verifier)) {
      throw new OAuthError('invalid_request', 'code_verifier must be 43 to 128 unreserved characters.')
    }
    return {
      redirectUri: parameters.required('redirect_uri'),
      codeChallenge: verifier === undefined ? undefined : s256(verifier),
      audiences: audiencesRequested(client, parameters),
    }
  },
  transition: (call, credential, request) =>
    redeem(credential, policyOf(call), request, momentOf(call), request.audiences),
  event: 'session.redeemed',
})
