/**
 * The steps of every grant that exchanges a credential for tokens. A grant defines what differs, and cannot leave out a step.
 *
 *     request ─► verify the credential ─► transition ─► provider's token ─► one conditional write ─► audit ─► answer
 *     nothing is read or spent            a poll may    only for some       a refusal becomes an error,
 *                                         end here      clients             and reuse revokes the family
 */

import type { CredentialKind } from '../domain/credential.ts'
import type { GrantType } from '../domain/registration.ts'
import type { RequestedAccess, SessionPolicy, VerifiedCredential } from '../domain/single-use.ts'
import type { Transition } from '../domain/transitions.ts'
import { type ClientCall, type ConclusionEvent, conclude } from '../http/call.ts'
import type { FreshToken } from '../vault/fresh-token.ts'
import { requireSuccess } from './require-success.ts'
import { tokenAnswer } from './token-answer.ts'
import type { Grant } from './token-endpoint.ts'
import { verifyCredential } from './verify-credential.ts'

export type SessionGrant<Request extends RequestedAccess> = {
  readonly type: GrantType
  readonly credential: { readonly kind: CredentialKind; readonly parameter: 'refresh_token' | 'code' | 'device_code' }
  /** Reads the request's own parameters, before the table is read or anything is spent. @throws {OAuthError} */
  readonly request: (call: ClientCall) => Request
  /** The transition that exchanges the credential. @throws {OAuthError} for a poll that has nothing to redeem */
  readonly transition: (
    call: ClientCall,
    credential: VerifiedCredential,
    request: Request,
  ) => Transition | Promise<Transition>
  /** The audit event of a success. */
  readonly event: ConclusionEvent
}

export function sessionGrant<Request extends RequestedAccess>(grant: SessionGrant<Request>): Grant {
  return {
    type: grant.type,
    async exchange(call) {
      const request = grant.request(call)
      const text = call.parameters.required(grant.credential.parameter)
      const { keyring, credential, verified } = await verifyCredential(call, grant.credential.kind, text)
      const intended = await grant.transition(call, verified, request)
      const { transition, providerToken } = await withProviderToken(call, verified, intended, request)
      const outcome = await call.parts.families.apply(transition)
      const family = await requireSuccess(call, verified, outcome)
      conclude(call, outcome.done && outcome.isGraceRetry ? 'session.grace_retry' : grant.event, {
        sid: family.sid,
        sub: family.person?.sub,
        ...(grant.event === 'session.redeemed' && { flow: family.flow }),
        generation: family.generation,
      })
      return tokenAnswer(call, { keyring, credential, family, request, providerToken })
    },
  }
}

/** The rules of the client's registration for its sessions, as they are now. */
export function policyOf({ application, client }: Pick<ClientCall, 'application' | 'client'>): SessionPolicy {
  const { accessTokenSeconds, idleSeconds, absoluteSeconds, graceSeconds, audiences } = client
  const revokedBefore = Math.max(application.revokedBefore, client.revokedBefore)
  return { accessTokenSeconds, idleSeconds, absoluteSeconds, graceSeconds, revokedBefore, audiences }
}

type Prepared = { readonly transition: Transition; readonly providerToken: FreshToken | undefined }

/**
 * For a client that gets the provider's access token, fetches that token first: an unavailable provider must not cost the
 * caller its single-use credential.
 */
async function withProviderToken(
  call: ClientCall,
  credential: VerifiedCredential,
  transition: Transition,
  request: RequestedAccess,
): Promise<Prepared> {
  if (call.client.accessToken !== 'provider') return { transition, providerToken: undefined }
  // Loaded on demand: most refreshes never ask a provider.
  const { prepareProviderToken } = await import('./provider-token.ts')
  const providerToken = await prepareProviderToken(call, credential, transition, request)
  // The grace begins with the write. Waiting for the provider must not use it up.
  return { transition: { ...transition, set: { ...transition.set, rotatedAt: call.parts.now() } }, providerToken }
}
