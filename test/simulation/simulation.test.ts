/** The simulation itself: some schedules with other seeds each time, the same run for the same seed, and planted bugs. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { plantedBugs } from './planted-bugs.ts'
import { described, findPlantedBugs, simulate } from './run.ts'

/** Each takes about 50 ms of CPU. `npm run simulate:faults` runs more. */
const schedules = Number(process.env.SCHEDULES ?? 100)
const firstSeed = Number(process.env.SEED ?? Date.now() % 1_000_000_000)

test(`every invariant holds in ${schedules} schedules, from seed ${firstSeed}, and a seed repeats its run`, async () => {
  const lastSeed = firstSeed + schedules - 1
  const { finding, digest } = await simulate({ firstSeed, schedules })
  if (finding !== undefined) assert.fail(described(finding))
  // In another thread, and without the schedules before it.
  const repeated = await simulate({ firstSeed: lastSeed, schedules: 1 })
  assert.equal(repeated.digest, digest)
})

test('planted bugs are found within their number of schedules', async () => {
  const quick = Object.keys(plantedBugs).filter((name) => plantedBugs[name]!.within <= 20)
  assert.ok(quick.length >= 3)
  const found = await findPlantedBugs(quick, 1)
  assert.equal(found.length, quick.length)
  for (const { bug, schedules: count, invariant } of found) {
    assert.ok(invariant !== undefined, `${bug} was not found in ${count} schedules`)
  }
})
