/** How a guard is judged. test/store/conditions.test.ts shows that DynamoDB judges alike. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { firstFailure, type Guard, holds } from '../../shared/domain/guard.ts'
import { active, now } from '../support/families.ts'

const onFailure = () => ({ kind: 'unknown' }) as const

test('an absent attribute fails every comparison but `absent`', () => {
  const comparisons: Guard[] = [
    { attribute: 'nextPollAt', is: '=', value: 0, onFailure },
    { attribute: 'nextPollAt', is: '>', value: -1, onFailure },
    { attribute: 'nextPollAt', is: '<=', value: now, onFailure },
    { attribute: 'redirectUri', is: 'in', values: [''], onFailure },
    { attribute: 'redirectUri', is: 'contains', value: '', onFailure },
  ]
  for (const guard of comparisons) assert.equal(holds(guard, active(1)), false, guard.is)
  assert.equal(holds({ attribute: 'nextPollAt', is: 'absent', onFailure }, active(1)), true)
  assert.equal(holds({ attribute: 'rotatedAt', is: 'absent', onFailure }, active(1)), false)
})

test('values of different types are neither equal nor in any order', () => {
  assert.equal(holds({ attribute: 'generation', is: '=', value: '1', onFailure }, active(1)), false)
  assert.equal(holds({ attribute: 'generation', is: '>', value: '0', onFailure }, active(1)), false)
  assert.equal(holds({ attribute: 'generation', is: '<=', value: '1', onFailure }, active(1)), false)
  assert.equal(holds({ attribute: 'clientId', is: '>', value: 0, onFailure }, active(1)), false)
})

test('`contains` looks for a whole element of a list', () => {
  assert.equal(holds({ attribute: 'scopes', is: 'contains', value: 'email', onFailure }, active(1)), true)
  assert.equal(holds({ attribute: 'scopes', is: 'contains', value: 'mail', onFailure }, active(1)), false)
})

test('the first guard that fails gives the verdict', () => {
  const guards: Guard[] = [
    { attribute: 'application', is: '=', value: 'demo', onFailure },
    { attribute: 'clientId', is: '=', value: 'job', onFailure: () => ({ kind: 'foreign-client' }) },
    { attribute: 'state', is: '=', value: 'pending', onFailure: ({ generation }) => ({ kind: 'reuse', generation }) },
  ]
  assert.deepEqual(firstFailure(guards, active(4)), { kind: 'foreign-client' })
  assert.deepEqual(firstFailure(guards, active(4, { clientId: 'job' })), { kind: 'reuse', generation: 4 })
  assert.equal(firstFailure(guards.slice(0, 1), active(4)), undefined)
})
