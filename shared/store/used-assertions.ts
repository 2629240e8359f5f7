/**
 * Client assertions that were used already (RFC 7523 §3, 7), over all Lambdas.
 *
 * A client that sends its own assertion a second time replays it, whatever was lost before: a thief's request would be the
 * same, to the byte. Only a retry within one call is recognised as the first use.
 */

import { putItem } from './conditional-write.ts'
import type { Key } from './items.ts'
import type { Table } from './table.ts'

export type AssertionUse = {
  readonly application: string
  readonly clientId: string
  /** Hash of the assertion's id, which may have any length. */
  readonly jtiHash: string
  /** When the assertion ends. */
  readonly expiresAtSeconds: number
  /** Fresh for each call, so that a retry of the SDK knows its own write. */
  readonly writeId: string
  /** ms */
  readonly now: number
}

export type UsedAssertions = {
  /**
   * Records that an assertion was used. It has been verified before.
   *
   * @returns whether it was the first time
   * @throws {Unavailable}
   */
  record(use: AssertionUse): Promise<boolean>
}

/** Allowance for clocks that differ: an assertion is remembered until no function accepts it any more. */
const lingerSeconds = 60

export function createUsedAssertions(table: Table): UsedAssertions {
  return { record: (use) => record(table, use) }
}

async function record(table: Table, use: AssertionUse): Promise<boolean> {
  const { written } = await putItem(table, {
    key: keyOf(use),
    // DynamoDB may take days to delete an expired item, and a jti has to be unique only while its assertion is valid.
    conditions: [
      {
        is: 'any',
        of: [
          { attribute: 'pk', is: 'absent' },
          { attribute: 'expires', is: '<=', value: use.now / 1000 },
        ],
      },
    ],
    writeId: use.writeId,
    item: { expires: Math.ceil(use.expiresAtSeconds) + lingerSeconds },
  })
  return written
}

/** Neither an application's name nor a hash holds a #, so two assertions never share a key. */
function keyOf({ application, clientId, jtiHash }: AssertionUse): Key {
  return { pk: `assertion#${application}#${clientId}#${jtiHash}`, sk: 'assertion' }
}
