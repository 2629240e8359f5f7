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
    const refusal = refusalOf(error, name)
    if (refusal !== undefined) throw refusal
    if (!(error instanceof Unavailable)) throw error
    throw new OutOfReach(`The table ${tablePlace(name)} is out of reach (${reasonOf(error)}).`)
  } finally {
    table.close()
  }
}

function refusalOf(error: unknown, table: string): Problem | undefined {
  const { cause = error } = error as { cause?: unknown }
  if (!(cause instanceof Error)) return undefined
  const refusal = refusals[cause.name]
  if (refusal !== undefined) return new Problem(`${refusal}: ${tablePlace(table)}.`)
  if (cause.message !== 'Region is missing') return undefined
  return new Problem('Set AWS_REGION, or a region in the AWS profile, to say which region the table is in.')
}

export function keptChanging(): OutOfReach {
  return new OutOfReach('Other commands kept changing the registry at the same time; nothing was changed. Try again.')
}

/**
 * Runs the write that stores the hash of a new secret. If no answer arrives, the secret may be in effect, and be the only one. So
 * it is shown then, too.
 *
 * @param show prints the secret
 * @param check how to find out whether it is in effect
 * @throws {OutOfReach}
 */
export async function writeSecret<Result>(
  table: Table,
  write: () => Promise<Result>,
  show: () => void,
  check: string,
): Promise<Result> {
  try {
    return await write()
  } catch (error) {
    if (!(error instanceof Unavailable) || refusalOf(error, table.name) !== undefined) throw error
    show()
    throw new OutOfReach(
      `The table ${tablePlace(table.name)} gave no answer (${reasonOf(error)}). The secret on stdout may be in effect. It is shown once.`,
      check,
    )
  }
}

/** 256 random bits, so a fast hash of it is safe to keep in the table. */
export function drawSecret(): string {
  return randomBytes(32).toString('base64url')
}
