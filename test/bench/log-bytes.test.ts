/**
 * What a refresh logs weighs what the bill of docs/scale.md says: whoever makes its line longer learns what that costs.
 */

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { billOfRefreshes, refreshUses, totalOf } from '../../bench/simulation/prices.ts'
import { sink } from '../../shared/log.ts'
import type { Caller } from '../flows/support/callers.ts'
import { deviceGrant } from '../flows/support/endpoints.ts'
import { refreshed } from '../flows/support/expect.ts'
import { device } from '../flows/support/flows.ts'
import { Person } from '../flows/support/person.ts'
import { registryFile } from '../flows/support/registry.ts'
import { startTimedBroker, type TimedBroker } from '../flows/support/timed-broker.ts'

/** As long as they are in the middle, by bench/simulation/population.ts. */
const caller: Caller = { application: 'demo', clientId: 'nightly-report', auth: 'none' }
const person = new Person({ name: 'p'.repeat(36) })

let broker: TimedBroker
const ownSink = { ...sink }
const lines: string[] = []
before(async () => {
  const { clientId, auth } = caller
  broker = await startTimedBroker(
    registryFile(({ addClient }) => addClient('demo', { clientId, auth, grants: [deviceGrant, 'refresh_token'] })),
  )
  Object.assign(sink, { write: (line: string) => void lines.push(line), metricsNamespace: 'TokenBroker/production' })
})
after(async () => {
  Object.assign(sink, ownSink)
  await broker.stop()
})

test('a refresh writes one line, as long as the bill takes it to be, within a twentieth', async () => {
  const { refreshToken } = await device(broker, caller, {}, person)
  lines.length = 0
  await refreshed(broker, caller, refreshToken)
  assert.equal(lines.length, 1)
  // API Gateway's ids are shorter than the local gateway's.
  const line = lines.join('\n').replace(/"request_id":"[^"]+"/, '"request_id":"JKJaXmPLvHcESHA="')
  const bytes = Buffer.byteLength(`${line}\n`)
  const { functionLogBytes } = refreshUses
  assert.ok(Math.abs(bytes - functionLogBytes) < functionLogBytes / 20, `${bytes} bytes`)
})

test('a million refreshes cost less than 5.65 dollars', () => {
  const dollars = totalOf(billOfRefreshes(1e6, 1, 0))
  assert.ok(dollars < 5.65, `${dollars}`)
})
