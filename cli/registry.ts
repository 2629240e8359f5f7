/**
 * The table of registrations, as the commands use it, and its faults in words.
 *
 * Owns opening and closing it. Must not know what is read or written there.
 */

import { randomBytes } from 'node:crypto'
import { registrationsCachedMs } from '../shared/store/registrations.ts'
import { connect, type Table } from '../shared/store/table.ts'
import { Unavailable } from '../shared/unavailable.ts'
import type { Input } from './arguments.ts'
import { OutOfReach, Problem, reasonOf } from './problem.ts'
import { tableFrom, tablePlace } from './settings.ts'

/** How long warm Lambdas may go by what was there before. */
export const inEffectWithinSeconds = registrationsCachedMs / 1000

/** What no repeat will mend, by the SDK's name for it. */
const refusals: Readonly<Record<string, string>> = {
  ResourceNotFoundException: 'There is no such table',
  AccessDeniedException: 'Your credentials may not do that to the table',
  UnrecognizedClientException: 'Your credentials are not known to AWS',
  InvalidSignatureException: 'Your credentials are not right',
  ExpiredTokenException: 'Your credentials have expired',
  CredentialsProviderError: 'There are no AWS credentials',
  ValidationException: 'DynamoDB does not take this',
  TransactionCanceledException: 'DynamoDB does not take this',
}

/** @throws {Problem} */
export async function withTable<Result>(input: Input, work: (table: Table) => Promise<Result>): Promise<Result> {
  const name = tableFrom(input)
  const table = connect(name)
  try {
    return await work(table)
  } catch (error) {
    if (error instanceof Problem) throw error
    const { cause = error } = error as { cause?: unknown }
    const refusal = refusals[cause instanceof Error ? cause.name : '']
    if (refusal !== undefined) throw new Problem(`${refusal}: ${tablePlace(name)}.`)
    if (isRegionMissing(cause)) throw new Problem('Which region is the table in? AWS_REGION, or the AWS profile.')
    if (!(error instanceof Unavailable)) throw error
    throw new OutOfReach(`The table ${tablePlace(name)} is out of reach (${reasonOf(error)}).`)
  } finally {
    table.close()
  }
}

function isRegionMissing(error: unknown): boolean {
  return error instanceof Error && error.message === 'Region is missing'
}

/** 256 random bits: what the table keeps of it is a fast hash, which is enough for what nobody thought up. */
export function drawSecret(): string {
  return randomBytes(32).toString('base64url')
}
