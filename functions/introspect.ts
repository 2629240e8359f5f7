/** introspect: tells a resource server whether a token is active (RFC 7662). It only reads. */

import { audClaim, registeredAudiences } from '../shared/domain/audience.ts'
import { hashSalt } from '../shared/domain/credential.ts'
import { isLive } from '../shared/domain/family.ts'
import { registeredScopes } from '../shared/domain/scope.ts'
import { refreshTokenLifetimes } from '../shared/grants/token-answer.ts'
import { readCredential } from '../shared/grants/verify-credential.ts'
import { type ClientCall, header } from '../shared/http/call.ts'
import { invalidClient } from '../shared/http/client-authentication.ts'
import { clientEndpoint } from '../shared/http/stack.ts'
import { liveToken, revokedBefore } from '../shared/sessions/live-session.ts'

export const handler = clientEndpoint('same-origin', async (call) => {
  // RFC 7662 §2.3: a caller without the right gets the same answer as one that failed to authenticate.
  if (!call.client.mayIntrospect) {
    const authorization = header(call.event, 'authorization')
    throw invalidClient(authorization, 'This client may not introspect.', 'may not introspect')
  }
  const token = call.parameters.required('token')
  const response = (await accessToken(call, token)) ?? (await refreshToken(call, token))
  // RFC 7662 §2.2: an inactive token gets no other member.
  return { status: 200, body: response ?? { active: false } }
})

async function accessToken(call: ClientCall, token: string): Promise<object | undefined> {
  const claims = await liveToken(call, token)
  return claims && { active: true, token_type: 'Bearer', ...claims }
}

async function refreshToken(call: ClientCall, token: string): Promise<object | undefined> {
  const { application, issuer, now } = call
  const { credential } = await readCredential(call, 'rt', token)
  if (credential === undefined) return undefined
  const family = await call.parts.families.read(credential.sid)
  if (family === undefined || family.saltHash !== hashSalt(credential.salt)) return undefined
  if (family.application !== application.name || family.generation !== credential.generation) return undefined
  const client = await call.parts.registrations.client(application.name, family.clientId)
  const before = await revokedBefore(call, family.clientId)
  if (client === undefined || before === undefined || !isLive(family, before, now)) return undefined
  const scopes = registeredScopes(client.scopes, family.scopes)
  const audiences = registeredAudiences(client.audiences, family.audiences)
  const endsAt = Math.min(family.rotatedAt! + client.idleSeconds * 1000, family.absoluteExpiresAt!)
  if (endsAt <= now) return undefined
  return {
    active: true,
    iss: issuer,
    sub: family.person!.sub,
    client_id: family.clientId,
    // A session without an audience stays, because the audience may be registered again.
    ...(audiences.length > 0 && { aud: audClaim(audiences) }),
    sid: family.sid,
    ...(scopes.length > 0 && { scope: scopes.join(' ') }),
    iat: Math.floor(family.rotatedAt! / 1000),
    exp: Math.floor(endsAt / 1000),
    ...refreshTokenLifetimes(family, client, now), // draft-ietf-oauth-refresh-token-expiration-03 §7
  }
}
