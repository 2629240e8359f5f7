/**
 * revoke: a client ends a session (RFC 7009).
 *
 * One conditional write: `revoke`. Any refresh token of the family works, old or new. An access token cannot be revoked by
 * itself, so it ends its session as well (RFC 7009 §2.1). The provider's tokens are removed too.
 */

import { hashSalt } from '../shared/domain/credential.ts'
import type { Entitlement } from '../shared/domain/single-use.ts'
import { revoke } from '../shared/domain/transitions.ts'
import { maxKeyringAgeMs, readCredential } from '../shared/grants/verify-credential.ts'
import { audit, type ClientCall, momentOf } from '../shared/http/call.ts'
import { OAuthError } from '../shared/http/errors.ts'
import { clientEndpoint } from '../shared/http/stack.ts'
import { endProviderTokens } from '../shared/sessions/end-provider-tokens.ts'
import { isOfSession } from '../shared/tokens/access-token.ts'
import { isOfUnknownSigningKey, verifyAccessToken } from '../shared/tokens/verify-access-token.ts'

export const handler = clientEndpoint('cross-origin', async (call) => {
  // token_type_hint would only speed up a search (RFC 7009 §2.1), and nothing is searched.
  const entitlement = await entitlementIn(call, call.parameters.required('token'))
  if (entitlement !== undefined) await end(call, entitlement)
  // RFC 7009 §2.2: an invalid token counts as revoked.
  return { status: 200, body: {} }
})

async function entitlementIn(call: ClientCall, token: string): Promise<Entitlement | undefined> {
  const { application, client, issuer, now } = call
  const by = { application: application.name, clientId: client.clientId }
  const { credential, keyring: known } = await readCredential(call, 'rt', token)
  if (credential !== undefined) return { ...by, sid: credential.sid, saltHash: hashSalt(credential.salt) }
  // An answer of 200 says that the session has ended, so a new key must not make its token look forged.
  const keyring = isOfUnknownSigningKey(token, known) ? await call.parts.keyring(maxKeyringAgeMs) : known
  const claims = await verifyAccessToken(keyring, issuer, token, now)
  if (claims === undefined) return undefined
  if (isOfSession(claims)) return { ...by, sid: claims.sid }
  if (claims.client_id !== client.clientId) return undefined
  // RFC 7009 §2.2.1: a service's token has no session, so it cannot be revoked, and 200 would be wrong.
  throw new OAuthError('unsupported_token_type', 'An access token of the client itself can not be revoked.')
}

async function end(call: ClientCall, entitlement: Entitlement): Promise<void> {
  const { sid } = entitlement
  const moment = momentOf(call)
  const { revokeTokens } = call.application.provider
  const outcome = await call.parts.families.apply(revoke(entitlement, 'client', moment, revokeTokens))
  if (!outcome.done) {
    if (outcome.refusal.kind === 'foreign-client') audit(call, 'credential.foreign', { level: 'warn', sid })
    return
  }
  audit(call, 'session.revoked', { sid, sub: outcome.family.person?.sub, reason: 'client' })
  await endProviderTokens(call, outcome.family)
}
