/** Opens the table of registrations, and turns its failures into problems for the user. */

import { randomBytes } from 'node:crypto'
import { registrationsCachedMs } from '../shared/store/registrations.ts'
import { connect, type Table } from '../shared/store/table.ts'
import { tableClock } from '../shared/store/table-clock.ts'
import { Unavailable } from '../shared/unavailable.ts'
import { OutOfReach, Problem, reasonOf } from './problem.ts'
import { type TableSettings, tableFrom, tablePlace } from './settings.ts'

/** Warm Lambdas may use cached registrations for this long. */
export const inEffectWithinSeconds = registrationsCachedMs / 1000

/** Errors that a retry cannot fix, by their names in the SDK. */
const refusals: Readonly<Record<string, string>> = {
  ResourceNotFoundException: 'There is no such table (check the name and the region)',
  AccessDeniedException: 'Your AWS credentials do not allow this on the table',
  UnrecognizedClientException: 'AWS does not know your credentials',
  InvalidSignatureException: 'Your AWS credentials are wrong',
  ExpiredTokenException: 'Your AWS credentials have expired',
  CredentialsProviderError: 'There are no AWS credentials',
  ValidationException: 'DynamoDB refused the request',
  TransactionCanceledException: 'DynamoDB refused the request',
}

/**
 * @param work gets the table and its clock, whose times decide which sessions a change ends
 * @throws {Problem}
 */
export async function useTable<Result>(
  settings: TableSettings,
  work: (table: Table, now: () => number) => Promise<Result>,
): Promise<Result> {
  const name = tableFrom(settings)
  const table = connect(name)
  try {
    return await work(table, tableClock(table))
  } catch (error) {
    if (error instanceof Problem) throw error
    const { cause = error } = error as { cause?: unknown }
    const refusal = refusals[cause instanceof Error ? cause.name : '']
    if (refusal !== undefined) throw new Problem(`${refusal}: ${tablePlace(name)}.`)
    if (cause instanceof Error && cause.message === 'Region is missing') {
      throw new Problem('Set AWS_REGION, or a region in the AWS profile, to say which region the table is in.')
    }
    if (!(error instanceof Unavailable)) throw error
    throw new OutOfReach(`The table ${tablePlace(name)} is out of reach (${reasonOf(error)}).`)
  } finally {
    table.close()
  }
}

/** 256 random bits, so a fast hash of it is safe to keep in the table. */
export function drawSecret(): string {
  return randomBytes(32).toString('base64url')
}
