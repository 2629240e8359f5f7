/**
 * The token endpoint (RFC 6749 §3.2): picks the grant, and holds what the grants share.
 *
 * Owns how a credential is opened. Must not know what any one grant asks for, each of which stands in its Lambda's file,
 * what follows a refusal (settle.ts), nor what an answer looks like (token-answer.ts).
 */

import { type Credential, type CredentialKind, hashSalt } from '../domain/credential.ts'
import type { GrantType } from '../domain/registration.ts'
import type { Narrowing, SessionPolicy, VerifiedCredential } from '../domain/single-use.ts'
import type { Transition } from '../domain/transitions.ts'
import type { Keyring } from '../tokens/keyring.ts'
import type { FreshToken } from '../vault/fresh-token.ts'
import { type Answer, type ClientCall, conclude } from './call.ts'
import { grantError, OAuthError } from './errors.ts'
import { requireSuccess } from './require-success.ts'
import { clientEndpoint, type Handler } from './stack.ts'
import { tokenAnswer } from './token-answer.ts'
import { verifyCredentialText } from './verify-credential.ts'

/** One grant: what it is called on the wire, and how it answers a client that may use it. */
export type Grant = {
  readonly type: GrantType
  /** @default 400, as RFC 6749 §5.2 has it */
  readonly statusOfUnentitled?: number
  readonly exchange: (call: ClientCall) => Promise<Answer>
}

/** The handler of a token endpoint that serves these grants and no other. */
export function tokenEndpoint(...grants: readonly Grant[]): Handler {
  return clientEndpoint('cross-origin', async (call) => {
    const type = call.parameters.required('grant_type')
    const grant = grants.find((candidate) => candidate.type === type)
    if (grant === undefined)
      throw new OAuthError('unsupported_grant_type', 'This endpoint does not serve this grant_type.')
    // RFC 6749 §5.2: asked before anything is spent, so a client that gets its grant back finds its families alive.
    if (!call.client.grants.includes(grant.type)) {
      throw new OAuthError('unauthorized_client', 'This client is not registered for this grant_type.', {
        status: grant.statusOfUnentitled ?? 400,
      })
    }
    return grant.exchange(call)
  })
}

export type Verified = {
  readonly credential: Credential
  readonly presented: VerifiedCredential
  readonly keyring: Keyring
}

/**
 * Opens the credential that a grant was shown, without asking the table.
 *
 * @throws {OAuthError} invalid_grant for one that is not ours, of this kind and for this application
 */
export async function verifyCredential(call: ClientCall, kind: CredentialKind, text: string): Promise<Verified> {
  const { credential, keyring } = await verifyCredentialText(call, kind, text)
  if (credential === undefined) throw grantError({ kind: 'unknown' })
  const { sid, generation, salt } = credential
  const presented = {
    application: call.application.name,
    clientId: call.client.clientId,
    sid,
    generation,
    saltHash: hashSalt(salt),
  }
  return { credential, presented, keyring }
}

/** What the registrations say about the families of the call's client. */
export function policyOf({ application, client }: Pick<ClientCall, 'application' | 'client'>): SessionPolicy {
  const { accessTokenSeconds, idleSeconds, absoluteSeconds, graceSeconds, audiences } = client
  const revokedBefore = Math.max(application.revokedBefore, client.revokedBefore)
  return { accessTokenSeconds, idleSeconds, absoluteSeconds, graceSeconds, revokedBefore, audiences }
}

/** A transition that may be written, and the provider's access token, for a client that is given it in place of ours. */
export type Prepared = { readonly transition: Transition; readonly providerToken: FreshToken | undefined }

/**
 * What has to be at hand before a transition is written.
 *
 * @param asked for of all that was granted
 * @throws {OAuthError} as the transition would be refused
 * @throws {Unavailable} with nothing spent
 */
export async function prepare(
  call: ClientCall,
  shown: Verified,
  transition: Transition,
  asked: Narrowing,
): Promise<Prepared> {
  if (call.client.accessToken !== 'provider') return { transition, providerToken: undefined }
  // Loaded when it is needed: most refreshes never speak to a provider.
  const { tokenBefore } = await import('./provider-token.ts')
  const providerToken = await tokenBefore(call, shown.presented, transition, asked)
  // Whether the caller was in time is judged by when they came; but the generation begins with the write, and with it the
  // grace of the one before, which the wait for the provider would use up otherwise.
  return { transition: { ...transition, set: { ...transition.set, rotatedAt: call.parts.now() } }, providerToken }
}

/**
 * The answer to a device code or an authorization code, each of which is exchanged by the same transition.
 *
 * @param audiences asked for now; empty: all that were granted
 */
export async function redeemed(
  call: ClientCall,
  shown: Verified,
  redemption: Transition,
  audiences: readonly string[],
): Promise<Answer> {
  const { transition, providerToken } = await prepare(call, shown, redemption, { audiences })
  const outcome = await call.parts.families.apply(transition)
  const family = await requireSuccess(call, shown.presented, outcome)
  conclude(call, outcome.done && outcome.isGraceRetry ? 'session.grace_retry' : 'session.redeemed', {
    sid: family.sid,
    sub: family.person?.sub,
    flow: family.flow,
    generation: family.generation,
  })
  const { keyring, credential } = shown
  return tokenAnswer(call, { keyring, credential, family, asked: { audiences }, providerToken })
}
