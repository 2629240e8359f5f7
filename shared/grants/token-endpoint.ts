/** The token endpoint (RFC 6749 §3.2): finds the grant that a request names and checks that its client may use it. */

import type { GrantType } from '../domain/registration.ts'
import type { Answer, ClientCall } from '../http/call.ts'
import { OAuthError } from '../http/errors.ts'
import { clientEndpoint, type Handler } from '../http/stack.ts'

export type Grant = {
  /** The value of `grant_type`. */
  readonly type: GrantType
  /** The status of `unauthorized_client`. @default 400 (RFC 6749 §5.2) */
  readonly unauthorizedStatus?: number
  /** @throws {OAuthError} for a request that is refused. @throws {Unavailable} with nothing spent */
  readonly exchange: (call: ClientCall) => Promise<Answer>
}

/** The handler of a token endpoint that serves these grants and no other. */
export function tokenEndpoint(...grants: readonly Grant[]): Handler {
  return clientEndpoint('cross-origin', async (call) => {
    const type = call.parameters.required('grant_type')
    const grant = grants.find((candidate) => candidate.type === type)
    if (grant === undefined)
      throw new OAuthError('unsupported_grant_type', 'This endpoint does not serve this grant_type.')
    // RFC 6749 §5.2. Checked before anything is spent, so that a client which gets its grant back still has its sessions.
    if (!call.client.grants.includes(grant.type)) {
      throw new OAuthError('unauthorized_client', 'This client is not registered for this grant_type.', {
        status: grant.unauthorizedStatus ?? 400,
      })
    }
    return grant.exchange(call)
  })
}
