/**
 * exchange-code: an authorization code is exchanged for tokens (RFC 6749 §4.1.3).
 *
 * One conditional write: `redeem`, whose condition holds redirect_uri and challenge, so a wrong one spends nothing.
 */

import { broker, drawId } from '../shared/broker.ts'
import { isCodeVerifier, s256 } from '../shared/domain/pkce.ts'
import { redeem } from '../shared/domain/transitions.ts'
import { audit } from '../shared/http/call.ts'
import { OAuthError } from '../shared/http/errors.ts'
import { settle } from '../shared/http/settle.ts'
import {
  firstTokenAnswer,
  type Grant,
  holdingOf,
  openShown,
  prepare,
  tokenEndpoint,
} from '../shared/http/token-endpoint.ts'

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
    const shown = await openShown(call, 'ac', parameters.required('code'))
    const binding = { redirectUri, codeChallenge: verifier === undefined ? undefined : s256(verifier) }
    const moment = { now: call.now, attempt: drawId() }
    const redemption = redeem(shown.presented, holdingOf(call), binding, moment)
    const { transition, providerToken } = await prepare(call, shown, redemption)
    const outcome = await broker().families.apply(transition)
    const family = await settle(call, shown.presented, outcome)
    audit(call, outcome.done && outcome.replay ? 'family.replayed' : 'family.redeemed', {
      sid: family.sid,
      sub: family.person?.sub,
      flow: family.flow,
      generation: family.generation,
    })
    return firstTokenAnswer(call, shown, family, providerToken)
  },
}

export const handler = tokenEndpoint(codeGrant)
