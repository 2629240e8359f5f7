/** Cursors of lists and sweeps: opaque, sealed, and valid only for their application and query. */

import { createHash } from 'node:crypto'
import type { OpsCall } from '../http/call.ts'
import { OAuthError } from '../http/errors.ts'
import { seal, unseal } from '../tokens/seal.ts'

/** Somebody may go on with a list after a night. */
const lifetimeSeconds = 86_400

type Sealed<Position> = { readonly query: string; readonly position: Position }

/** @param query what the position is of, member by member */
export async function cursorOf(call: OpsCall, query: readonly unknown[], position: object): Promise<string> {
  return seal(await call.parts.keyring(), sealing(call), { query: digest(query), position }, lifetimeSeconds)
}

/** @throws {OAuthError} invalid_request for one that is forged, has ended, or is of another query */
export async function positionIn<Position>(
  call: OpsCall,
  query: readonly unknown[],
  cursor: string,
): Promise<Position> {
  const sealed = await unseal<Sealed<Position>>(await call.parts.keyring(), sealing(call), cursor)
  if (sealed?.query !== digest(query)) {
    throw new OAuthError('invalid_request', 'cursor is not one of this query, or older than a day.')
  }
  return sealed.position
}

function sealing({ application, now }: OpsCall) {
  return { purpose: 'ops-cursor', application: application.name, nowMs: now } as const
}

/** So that a cursor is no longer than it must be; it travels in URLs. */
function digest(query: readonly unknown[]): string {
  return createHash('sha256')
    .update(JSON.stringify(query.map((member) => member ?? null)))
    .digest('base64url')
    .slice(0, 22)
}
