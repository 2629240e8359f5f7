/**
 * refresh: a refresh token is exchanged for its successor and a new access token (RFC 6749 §6).
 *
 * One conditional write: `rotate`. For a client that is given the provider's access token, that is made fresh before.
 */

import { rotate } from '../shared/domain/transitions.ts'
import { audiencesAsked, scopesAsked } from '../shared/http/authorization-request.ts'
import { conclude, momentOf } from '../shared/http/call.ts'
import { OAuthError } from '../shared/http/errors.ts'
import { requireSuccess } from '../shared/http/require-success.ts'
import { tokenAnswer } from '../shared/http/token-answer.ts'
import { type Grant, policyOf, prepare, tokenEndpoint, verifyCredential } from '../shared/http/token-endpoint.ts'

export const refreshGrant: Grant = {
  type: 'refresh_token',
  async exchange(call) {
    const { client, parameters } = call
    // Checked before anything is spent, so a client that gets the scope back finds its sessions alive.
    if (!client.scopes.includes('offline_access')) {
      throw new OAuthError('unauthorized_client', 'This client is not registered for offline_access.')
    }
    const asked = { scopes: scopesAsked(client, parameters), audiences: audiencesAsked(client, parameters) }
    const shown = await verifyCredential(call, 'rt', parameters.required('refresh_token'))
    const rotation = rotate(shown.presented, policyOf(call), asked, momentOf(call))
    const { transition, providerToken } = await prepare(call, shown, rotation, asked)
    const outcome = await call.parts.families.apply(transition)
    const family = await requireSuccess(call, shown.presented, outcome)
    conclude(call, outcome.done && outcome.isGraceRetry ? 'session.grace_retry' : 'session.rotated', {
      sid: family.sid,
      sub: family.person?.sub,
      generation: family.generation,
    })
    // RFC 6749 §6: what is asked for is this access token's alone; the next refresh may ask for all again.
    const { keyring, credential } = shown
    return tokenAnswer(call, { keyring, credential, family, asked, providerToken })
  },
}

export const handler = tokenEndpoint(refreshGrant)
