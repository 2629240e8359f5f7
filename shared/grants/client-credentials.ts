/** The client_credentials grant (RFC 6749 §4.4). It writes nothing and starts no session. */

import { audClaim } from '../domain/audience.ts'
import { conclude } from '../http/call.ts'
import { OAuthError } from '../http/errors.ts'
import { grantRequested } from '../http/requested.ts'
import { signAccessToken } from '../tokens/access-token.ts'
import type { Grant } from './token-endpoint.ts'

export const clientCredentialsGrant: Grant = {
  type: 'client_credentials',
  async exchange(call) {
    const { application, client, issuer, now } = call
    const requested = grantRequested(client, call.parameters)
    // OIDC Core §1: an ID token is about an End-User, and this grant has none.
    if (requested.scopes.includes('openid')) {
      throw new OAuthError('invalid_scope', 'openid is for people; nobody signs in here.')
    }
    // RFC 6749 §4.4.3: no refresh token, whatever else the client may do.
    const scope = requested.scopes.filter((word) => word !== 'offline_access').join(' ')
    const accessToken = signAccessToken(
      await call.parts.keyring(),
      application.accessTokenAlgorithm,
      {
        iss: issuer,
        sub: client.clientId, // RFC 9068 §2.2
        aud: audClaim(requested.audiences),
        client_id: client.clientId,
        ...(scope !== '' && { scope }),
      },
      client.accessTokenSeconds,
      now,
    )
    conclude(call, 'token.issued', { sub: client.clientId })
    return {
      status: 200,
      body: {
        access_token: accessToken,
        token_type: 'Bearer',
        expires_in: client.accessTokenSeconds,
        ...(scope !== '' && { scope }),
      },
    }
  },
}
