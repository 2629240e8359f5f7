/**
 * The provider's access token for a client that is entitled to it.
 *
 * The provider is asked before the broker's own single-use credential is spent. So an unavailable provider costs the caller a
 * 503 and nothing else. A credential that would be refused causes no request to the provider.
 */

import { setTimeout as pause } from 'node:timers/promises'
import { registeredAudiences } from '../domain/audience.ts'
import type { Family } from '../domain/family.ts'
import { registeredScopes } from '../domain/scope.ts'
import type { RequestedAccess, VerifiedCredential } from '../domain/single-use.ts'
import { precheck, revoke, type Transition } from '../domain/transitions.ts'
import { audit, type Call, type ClientCall, momentOf } from '../http/call.ts'
import { OAuthError } from '../http/errors.ts'
import type { Session } from '../store/vaults.ts'
import { Unavailable } from '../unavailable.ts'
import { type FreshToken, freshToken, maxStoreTryMs, type ReportEvent } from '../vault/fresh-token.ts'
import { refuse } from './require-success.ts'

/**
 * Gets a fresh token for a family, before the transition that spends the credential.
 *
 * @throws {OAuthError} if the transition would be refused; invalid_grant if the provider refuses, which ends the family
 * @throws {Unavailable} with nothing spent
 */
export async function prepareProviderToken(
  call: ClientCall,
  credential: VerifiedCredential,
  transition: Transition,
  requested: RequestedAccess,
): Promise<FreshToken> {
  const session = await call.parts.vaults.readSession(credential.sid)
  const refusal = precheck(transition, session?.family)
  if (refusal !== undefined) throw await refuse(call, credential, refusal)
  refuseNarrowing(call, session!.family, requested)
  const token = await providerTokenOf(call, session!, true)
  // If the call ended during the write, nobody would look up whether it has spent the credential. The token is stored for a retry.
  if (call.remainingMs() < maxStoreTryMs) throw new Unavailable('provider', undefined, 1, 'it took too long')
  return token
}

/**
 * RFC 6749 §6 and RFC 8707 §2.2 let a client request less than was granted. The provider's token cannot be narrowed, and a
 * client must not get more than it requested.
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
  if (audiences.length > 0 && audiences.length < registeredAudiences(client.audiences, family.audiences).length) {
    throw new OAuthError('invalid_target', "The provider's access token can not be narrowed.")
  }
}

/**
 * Gets a fresh token for a live session.
 *
 * @param needsIt whether the session is useless without the token, and ends with it
 * @throws {OAuthError} invalid_grant if the person must sign in again
 * @throws {Unavailable}
 */
export async function providerTokenOf(call: Call, { family, vault }: Session, needsIt: boolean): Promise<FreshToken> {
  const { sid, clientId, person } = family
  if (vault === undefined) {
    // The sign-in was before the client became entitled to the provider's tokens.
    throw signInAgain("The provider's tokens of this session are not kept. Please sign in again.", 'no vault')
  }
  const report: ReportEvent = (event, fields) =>
    audit(call, event, { sid, client_id: clientId, sub: person!.sub, ...fields })
  const time = { remainingMs: call.remainingMs, pause }
  const token = await freshToken(call.parts, call.application, vault, person!.sub, report, time)
  if (typeof token === 'object') return token
  if (token === 'other-provider') {
    await endFamily(call, family)
    throw signInAgain('The identity provider of this application has changed. Please sign in again.', 'other provider')
  }
  // The token expired without a refresh token. The provider has refused nothing, so a session with the broker's own tokens
  // goes on.
  if (!vault.isRefreshable && vault.sealed !== undefined && !needsIt) {
    throw signInAgain("The provider's access token has run out. Please sign in again for another.", 'run out')
  }
  await endFamily(call, family)
  throw signInAgain('The provider has ended this session. Please sign in again.', 'provider')
}

/** Only the caller whose write succeeds audits it, so there is one event. */
async function endFamily(call: Call, { sid, clientId, person }: Family): Promise<void> {
  const by = { application: call.application.name, clientId, sid }
  const outcome = await call.parts.families.apply(revoke(by, 'provider', momentOf(call)))
  if (!outcome.done) return
  audit(call, 'session.revoked', { level: 'warn', sid, client_id: clientId, sub: person?.sub, reason: 'provider' })
}

function signInAgain(description: string, reason: string): OAuthError {
  return new OAuthError('invalid_grant', description, { reason })
}
