/** The simulation itself: some schedules with other seeds each time, the same run for the same seed, and planted bugs. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type InvariantName, says } from './invariant-names.ts'
import { plantedBugs } from './planted-bugs.ts'
import { described, simulate } from './run.ts'
import type { Found } from './worker.ts'

/** `npm run simulate:faults` runs more. */
const schedules = Number(process.env.SCHEDULES ?? 1_000)
const firstSeed = Number(process.env.SEED ?? Date.now() % 1_000_000_000)
const lastSeed = firstSeed + schedules - 1
let lastDigest = ''

test(`every invariant holds in ${schedules} schedules, from seed ${firstSeed}`, async () => {
  const { finding, digest } = await simulate({ firstSeed, schedules })
  if (finding !== undefined) assert.fail(described(finding))
  lastDigest = digest
})

test('a planted bug shows each invariant', () => {
  const shown = new Set(Object.values(plantedBugs).map(({ shows }) => shows))
  const names = Object.keys(says) as InvariantName[]
  assert.deepEqual(
    names.filter((name) => !shown.has(name)),
    [],
  )
})

test('planted bugs are found within their number of schedules, and a seed repeats its run', async () => {
  const bugs = Object.keys(plantedBugs).filter((name) => plantedBugs[name]!.within <= 20)
  const found: Found[] = []
  // In another thread, and after other schedules.
  const { digest } = await simulate({ firstSeed: lastSeed, schedules: 1, bugs, bugSeed: 1 }, 1, {
    found: (one) => found.push(one),
  })
  assert.deepEqual(
    found.map(({ bug }) => bug),
    bugs,
  )
  for (const { bug, schedules: count, invariant } of found) {
    assert.ok(invariant !== undefined, `${bug} was not found in ${count} schedules`)
  }
  assert.equal(digest, lastDigest)
})
