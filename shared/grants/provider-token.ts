/**
 * The provider's access token in place of ours, for a client that is entitled to it.
 *
 * Owns the order: the provider first, our own single-use credential last. So a provider that is down costs the caller
 * nothing but a 503, and a refused credential costs no request to the provider. Loaded only when it is needed, for the
 * providers are heavy.
 */

import type { Family } from '../domain/family.ts'
import { registeredScopes } from '../domain/scope.ts'
import type { RequestedAccess, VerifiedCredential } from '../domain/single-use.ts'
import { precheck, revoke, type Transition } from '../domain/transitions.ts'
import { audit, type Call, type ClientCall, momentOf } from '../http/call.ts'
import { OAuthError } from '../http/errors.ts'
import type { Session } from '../store/vaults.ts'
import { type FreshToken, freshToken } from '../vault/fresh-token.ts'
import { refuse } from './require-success.ts'

/**
 * A fresh token for the family that a transition is about to move on.
 *
 * @throws {OAuthError} as the transition itself would be refused, and with the family's end where the provider refuses it
 * @throws {Unavailable} with nothing spent
 */
export async function prepareProviderToken(
  call: ClientCall,
  credential: VerifiedCredential,
  transition: Transition,
  asked: RequestedAccess,
): Promise<FreshToken> {
  const session = await call.parts.vaults.readSession(credential.sid)
  const refusal = precheck(transition, session?.family)
  if (refusal !== undefined) throw await refuse(call, credential, refusal)
  refuseNarrowing(call, session!.family, asked)
  return providerTokenOf(call, session!, true)
}

/**
 * RFC 6749 §6 and RFC 8707 §2.2 let a client ask for less. The provider's token comes with what it has, and nobody is given
 * more than was asked for.
 */
function refuseNarrowing(
  { client }: ClientCall,
  family: Family,
  { scopes = [], audiences = [] }: RequestedAccess,
): void {
  const granted = registeredScopes(client.scopes, family.scopes)
  if (scopes.length > 0 && !granted.every((scope) => scopes.includes(scope))) {
    throw new OAuthError('invalid_scope', "The provider's access token can not be narrowed.")
  }
  if (audiences.length > 0 && audiences.length < family.audiences.length) {
    throw new OAuthError('invalid_target', "The provider's access token can not be narrowed.")
  }
}

/**
 * A fresh token for a session that stands.
 *
 * @param needsIt whether the session is worth nothing without it
 * @throws {OAuthError} invalid_grant where only a person can help
 * @throws {Unavailable}
 */
export async function providerTokenOf(call: Call, { family, vault }: Session, needsIt: boolean): Promise<FreshToken> {
  const { sid, clientId, person } = family
  if (vault === undefined) {
    // Signed in before its client was entitled to the provider's tokens.
    throw signInAgain("The provider's tokens of this session are not kept. Please sign in again.", 'no vault')
  }
  const token = await freshToken(call.parts, call.application, vault, person!.sub, (event, fields) =>
    audit(call, event, { sid, client_id: clientId, sub: person!.sub, ...fields }),
  )
  if (typeof token === 'object') return token
  if (token === 'other-provider') {
    await endFamily(call, family)
    throw signInAgain('The identity provider of this application has changed. Please sign in again.', 'other provider')
  }
  // Nobody has refused anything: it has run out, and there is no refresh token. A session that is given tokens of ours
  // goes on without it.
  if (!vault.isRefreshable && vault.sealed !== undefined && !needsIt) {
    throw signInAgain("The provider's access token has run out. Please sign in again for another.", 'run out')
  }
  await endFamily(call, family)
  throw signInAgain('The provider has ended this session. Please sign in again.', 'provider')
}

/** Whoever writes it tells it, so it is told once; a caller that comes later finds it done. */
async function endFamily(call: Call, { sid, clientId, person }: Family): Promise<void> {
  const by = { application: call.application.name, clientId, sid }
  const outcome = await call.parts.families.apply(revoke(by, 'provider', momentOf(call)))
  if (!outcome.done) return
  audit(call, 'session.revoked', { level: 'warn', sid, client_id: clientId, sub: person?.sub, reason: 'provider' })
}

function signInAgain(description: string, reason: string): OAuthError {
  return new OAuthError('invalid_grant', description, { reason })
}
