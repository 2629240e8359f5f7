/**
 * Which assertions of clients have been shown already (RFC 7523 §3, 7), over all Lambdas.
 *
 * Owns the item of each. Must not know what an assertion is, nor whether one is valid: what is recorded has been checked.
 *
 *     record ──PutItem, condition──► nobody was here, or what was here has ended: the first showing
 *                                    fails: our own write id, seen twice: the first showing
 *                                           anybody else's: a replay
 *            ──no answer after the SDK's tries──► GetItem: does the item carry our write id? then it is the first showing
 *
 * The caller's own second showing is a replay, whatever was lost before it: a thief's is the same, to the byte.
 */

import { ConditionalCheckFailedException, PutItemCommand } from '@aws-sdk/client-dynamodb'
import { marshall, unmarshall } from './attributes.ts'
import { itemAfterLoss } from './item.ts'
import type { Table } from './table.ts'
import { ask } from './table.ts'

export type AssertionUse = {
  readonly application: string
  readonly clientId: string
  /** What tells the client's assertions apart, hashed: they may be of any length. */
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
   * Records that an assertion was shown.
   *
   * @returns whether it was the first time
   * @throws {Unavailable}
   */
  record(showing: AssertionUse): Promise<boolean>
}

/** Clocks differ by a little: an assertion is remembered until no Lambda takes it for valid any more. */
const lingerSeconds = 60

export function createUsedAssertions(table: Table): UsedAssertions {
  return { record: (showing) => record(table, showing) }
}

async function record(table: Table, showing: AssertionUse): Promise<boolean> {
  const { expiresAtSeconds, writeId, now } = showing
  try {
    await ask(() =>
      table.client.send(
        new PutItemCommand({
          TableName: table.name,
          Item: marshall({ ...keyOf(showing), writeId, expires: Math.ceil(expiresAtSeconds) + lingerSeconds }),
          // DynamoDB may take days to clean up, and a jti has to be unique only while its assertion is valid.
          ConditionExpression: 'attribute_not_exists(pk) OR #expires <= :now',
          ExpressionAttributeNames: { '#expires': 'expires' },
          ExpressionAttributeValues: marshall({ ':now': now / 1000 }),
          ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
        }),
      ),
    )
    return true
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) {
      return error.Item !== undefined && unmarshall(error.Item).writeId === writeId
    }
    // Nobody can have written over it since, as long as its assertion is valid.
    const written = await itemAfterLoss<{ writeId: string }>(table, keyOf(showing))
    if (written?.writeId === writeId) return true
    throw error
  }
}

/** Neither an application's name nor a hash holds a #, so two showings never share a key. */
function keyOf({ application, clientId, jtiHash }: AssertionUse) {
  return { pk: `assertion#${application}#${clientId}#${jtiHash}`, sk: 'assertion' }
}
