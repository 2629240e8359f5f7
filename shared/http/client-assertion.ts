/** Checks that an assertion proves its client (RFC 7523 §3), and records it as used. An invalid one records nothing. */

import { createHash } from 'node:crypto'
import type { Client } from '../domain/registration.ts'
import { randomId } from '../random.ts'
import type { Call } from './call.ts'

/**
 * @returns what is wrong with it, for the operator's log; undefined: it proves the client
 * @throws {Unavailable} when the store cannot say whether it was used before, or the keys of its issuer are out of reach
 */
export function assertionFault(call: Call, client: Client, assertion: string): Promise<string | undefined> {
  return client.auth === 'workload_identity'
    ? platformTokenFault(call, client, assertion)
    : ownAssertionFault(call, client, assertion)
}

/** An assertion that the client has signed itself. */
async function ownAssertionFault(call: Call, client: Client, assertion: string): Promise<string | undefined> {
  const { issuer, now } = call
  // Loaded on demand to keep cold starts short: most clients never send an assertion.
  const { verifyAssertion } = await import('../tokens/verify-client.ts')
  const { clientId, jwks } = client
  const verdict = await verifyAssertion(assertion, { clientId, keys: jwks.keys, issuer, now })
  if (!verdict.holds) return `assertion: ${verdict.fault}`
  return (await isFirstUse(call, client, verdict.jti, verdict.expiresAtSeconds)) ? undefined : 'assertion: replayed'
}

/** A token that the client's platform has signed. A job uses its token several times, so only some clients spend them. */
async function platformTokenFault(call: Call, client: Client, token: string): Promise<string | undefined> {
  const { verifyPlatformToken } = await import('../tokens/verify-client.ts')
  const { identities = [], singleUseAssertions } = client
  const verdict = await verifyPlatformToken(token, {
    identities,
    issuer: call.issuer,
    now: call.now,
    issuerKeys: await call.parts.issuerKeys(),
  })
  if (!verdict.holds) return `workload identity: ${verdict.fault}`
  if (!singleUseAssertions) return undefined
  const { iss, jti } = verdict.claims
  if (typeof jti !== 'string' || jti === '') return 'workload identity: jti is missing'
  const isFirst = await isFirstUse(call, client, JSON.stringify([iss, jti]), verdict.lastUseSeconds)
  return isFirst ? undefined : 'workload identity: replayed'
}

/** @param id unique among the client's assertions */
function isFirstUse(call: Call, { clientId }: Client, id: string, expiresAtSeconds: number): Promise<boolean> {
  const { application, now, parts } = call
  const jtiHash = createHash('sha256').update(id).digest('base64url')
  const writeId = randomId()
  return parts.usedAssertions.record({
    application: application.name,
    clientId,
    jtiHash,
    expiresAtSeconds,
    writeId,
    now,
  })
}
