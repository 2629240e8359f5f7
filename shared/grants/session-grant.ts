/**
 * The steps of every grant that exchanges a credential for tokens. A grant says what differs; it cannot leave a step out.
 *
 *     request ─► verify the credential ─► transition ─► provider's token ─► one conditional write ─► audit ─► answer
 *     nothing read or spent               a poll may                       a refusal becomes an error,
 *                                         end here                         reuse revokes the family
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
  /** Reads what the client asks for. Nothing has been read from the table yet, and nothing is spent. @throws {OAuthError} */
  readonly request: (call: ClientCall) => Request
  /** The transition that exchanges the credential. @throws {OAuthError} when it is not time for it */
  readonly transition: (
    call: ClientCall,
    credential: VerifiedCredential,
    request: Request,
  ) => Transition | Promise<Transition>
  /** What the audit log calls a success. */
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

/** What the registration says at this moment about the client's sessions. */
export function policyOf({ application, client }: Pick<ClientCall, 'application' | 'client'>): SessionPolicy {
  const { accessTokenSeconds, idleSeconds, absoluteSeconds, graceSeconds, audiences } = client
  const revokedBefore = Math.max(application.revokedBefore, client.revokedBefore)
  return { accessTokenSeconds, idleSeconds, absoluteSeconds, graceSeconds, revokedBefore, audiences }
}

type Prepared = { readonly transition: Transition; readonly providerToken: FreshToken | undefined }

/**
 * Gets the provider's access token first, for a client that is given it in place of ours: a provider that is down must not
 * cost the caller its single-use credential.
 */
async function withProviderToken(
  call: ClientCall,
  credential: VerifiedCredential,
  transition: Transition,
  request: RequestedAccess,
): Promise<Prepared> {
  if (call.client.accessToken !== 'provider') return { transition, providerToken: undefined }
  // Loaded when it is needed: most refreshes never speak to a provider.
  const { prepareProviderToken } = await import('./provider-token.ts')
  const providerToken = await prepareProviderToken(call, credential, transition, request)
  // The grace window begins with the write. Waiting for the provider must not use it up.
  return { transition: { ...transition, set: { ...transition.set, rotatedAt: call.parts.now() } }, providerToken }
}
