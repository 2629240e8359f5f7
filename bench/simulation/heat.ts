/**
 * Measures how evenly writes spread over the partitions of a table and over the keys of the indexes.
 */

import { createHash } from 'node:crypto'
import type { Owner } from './population.ts'

export type Heat = {
  readonly keys: number
  readonly partitions: number
  /** The keys of the fullest partition, relative to the average. */
  readonly fullest: number
}

export function heatOf(keys: Iterable<string>, partitions: number): Heat {
  const counts = new Uint32Array(partitions)
  let total = 0
  for (const key of keys) {
    counts[partitionOf(key, partitions)]! += 1
    total += 1
  }
  return {
    keys: total,
    partitions,
    fullest: counts.reduce((most, count) => Math.max(most, count), 0) / (total / partitions),
  }
}

/** DynamoDB's own hash is not public. Any good hash can stand in for it. */
function partitionOf(key: string, partitions: number): number {
  return createHash('sha256').update(key).digest().readUInt32BE(0) % partitions
}

/** An on-demand table begins with this many partitions, which give it 4,000 write units a second. */
export const firstPartitions = 4
/** DynamoDB's limit for writes to one partition, and so to one key. */
export const maxUnitsPerSecond = 1_000

/** The share of all sessions in the fullest partition of the table, and at the hottest key of each index. */
export type Shares = {
  readonly sessions: number
  readonly partition: number
  readonly client: number
  readonly subject: number
  readonly email: number
}

/** @param at the numbers of sessions at which to take the shares, ascending */
export function sharesAt(at: readonly number[], owners: Iterator<Owner, never>): Shares[] {
  const [partition, client, subject, email] = [hottest(), hottest(), hottest(), hottest()] as const
  let sessions = 0
  return at.map((until) => {
    for (; sessions < until; sessions += 1) {
      const owner = owners.next().value
      partition.count(String(partitionOf(`family#${sessions}`, firstPartitions)))
      client.count(owner.client)
      subject.count(owner.person)
      if (owner.hasEmail) email.count(owner.person)
    }
    const share = (one: Hottest) => one.most() / sessions
    return {
      sessions,
      partition: share(partition),
      client: share(client),
      subject: share(subject),
      email: share(email),
    }
  })
}

type Hottest = { count(key: string): void; most(): number }

function hottest(): Hottest {
  const counts = new Map<string, number>()
  let most = 0
  return {
    count: (key) => {
      const count = (counts.get(key) ?? 0) + 1
      counts.set(key, count)
      most = Math.max(most, count)
    },
    most: () => most,
  }
}
