/** When a refresh is tried again, for every grace that a client may have. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { graceWarning, maxRefreshMs, neededGraceSeconds, refreshPlan } from '../../cli/refresh-plan.ts'

describe('the plan of a refresh', () => {
  test('every try of a refresh begins within the grace minus one timeout, for every grace', () => {
    for (let grace = 1; grace <= 300; grace += 1) {
      const { isRepeatable, lastBeginMs, timeoutsMs } = refreshPlan(grace)
      assert.ok(isRepeatable)
      assert.ok(lastBeginMs + timeoutsMs[0] < grace * 1000, `${grace} s`)
      assert.ok(timeoutsMs[0] < lastBeginMs, `there is a second try at ${grace} s`)
    }
  })

  test('the last try of a refresh has a whole timeout, and ends before Kubernetes kills', () => {
    for (let grace = 1; grace <= 300; grace += 1) {
      const { lastBeginMs, timeoutsMs } = refreshPlan(grace)
      assert.ok(lastBeginMs + timeoutsMs[0] <= maxRefreshMs && maxRefreshMs < 30_000)
    }
  })

  test('without grace there is one try; if the broker tells none, 10 s of grace are assumed', () => {
    assert.deepEqual([refreshPlan(0).isRepeatable, refreshPlan(0).timeoutsMs[0]], [false, maxRefreshMs])
    assert.deepEqual(refreshPlan(undefined), refreshPlan(10))
  })
})

test('an operator is warned of a client for unattended use that has less grace than a refresh may take', () => {
  const client = (graceSeconds: number, ...grants: string[]) =>
    ({
      application: 'billing',
      clientId: 'nightly',
      graceSeconds,
      grants: grants.map((grant) => (grant === 'device' ? 'urn:ietf:params:oauth:grant-type:device_code' : grant)),
    }) as Parameters<typeof graceWarning>[0]
  assert.match(
    graceWarning(client(neededGraceSeconds - 1, 'device', 'refresh_token')) ?? '',
    /billing\/nightly.*29.*60/,
  )
  assert.equal(graceWarning(client(neededGraceSeconds, 'device', 'refresh_token')), undefined)
  assert.equal(graceWarning(client(0, 'authorization_code', 'refresh_token')), undefined)
  assert.equal(graceWarning(client(0, 'device')), undefined)
})
