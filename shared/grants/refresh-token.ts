/** The refresh_token grant (RFC 6749 §6): a refresh token is exchanged for its successor and a new access token. */

import { rotate } from '../domain/transitions.ts'
import { momentOf } from '../http/call.ts'
import { OAuthError } from '../http/errors.ts'
import { audiencesRequested, scopesRequested } from '../http/requested.ts'
import { policyOf, sessionGrant } from './session-grant.ts'

export const refreshTokenGrant = sessionGrant({
  type: 'refresh_token',
  credential: { kind: 'rt', parameter: 'refresh_token' },
  // RFC 6749 §6: a narrower scope is for this access token alone; the next refresh may ask for everything again.
  request({ client, parameters }) {
    if (!client.scopes.includes('offline_access')) {
      throw new OAuthError('unauthorized_client', 'This client is not registered for offline_access.')
    }
    return { scopes: scopesRequested(client, parameters), audiences: audiencesRequested(client, parameters) }
  },
  transition: (call, credential, request) => rotate(credential, policyOf(call), request, momentOf(call)),
  event: 'session.rotated',
})
