/**
 * How evenly sessions spread over the partitions of a table. Any good hash stands for DynamoDB's own, which is not known.
 */

import { createHash } from 'node:crypto'

export type Heat = {
  readonly keys: number
  readonly partitions: number
  /** Of the fullest partition, times the average. */
  readonly fullest: number
}

export function heatOf(keys: Iterable<string>, partitions: number): Heat {
  const counts = new Uint32Array(partitions)
  let total = 0
  for (const key of keys) {
    counts[createHash('sha256').update(key).digest().readUInt32BE(0) % partitions]! += 1
    total += 1
  }
  return {
    keys: total,
    partitions,
    fullest: counts.reduce((most, count) => Math.max(most, count), 0) / (total / partitions),
  }
}
