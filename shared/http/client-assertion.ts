/** Checks that an assertion proves its client, and records it as used. An invalid one records nothing. */

import { createHash } from 'node:crypto'
import type { Client } from '../domain/registration.ts'
import { randomId } from '../random.ts'
import type { Call } from './call.ts'

/**
 * @returns for the operator's log what does not hold; undefined: it is proven
 * @throws {Unavailable} when it cannot be known whether it was shown before
 */
export async function assertionFault(call: Call, client: Client, assertion: string): Promise<string | undefined> {
  const { application, issuer, now } = call
  // Loaded when it is needed: most clients never show one, and a cold start is short of time.
  const { verifyAssertion } = await import('../tokens/client-assertion.ts')
  const { clientId, jwks } = client
  const verdict = await verifyAssertion(assertion, { clientId, keys: jwks.keys, issuer, now })
  if (!verdict.holds) return `assertion: ${verdict.fault}`
  const { jti, expiresAtSeconds } = verdict
  const jtiHash = createHash('sha256').update(jti).digest('base64url')
  const showing = { application: application.name, clientId, jtiHash, expiresAtSeconds, writeId: randomId(), now }
  return (await call.parts.usedAssertions.record(showing)) ? undefined : 'assertion: replayed'
}
