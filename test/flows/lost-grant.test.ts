/** R27 of the cases: a client loses a grant, and is given it back. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { newShared } from './support/broker.ts'
import { startBrokerHere } from './support/broker-here.ts'
import { cli } from './support/callers.ts'
import { deviceGrant, refresh, startDevice } from './support/endpoints.ts'
import { expectRefusal, expectTokens, refreshed } from './support/expect.ts'
import { device } from './support/flows.ts'
import { registryFile } from './support/registry.ts'

test('R27 a client that loses the refresh grant is unauthorized_client; the family is kept for when it is back', async () => {
  const shared = await newShared()
  const taken = registryFile(({ client }) => {
    client('demo', 'cli').grants = [deviceGrant]
  })
  const before = await startBrokerHere({ shared })
  const { refreshToken } = await device(before, cli)
  await before.stop()

  const without = await startBrokerHere({ shared, registry: taken })
  expectRefusal(await refresh(without, cli, refreshToken), 400, 'unauthorized_client')
  assert.equal((await startDevice(without, cli)).status, 200)
  await without.stop()

  const again = await startBrokerHere({ shared })
  try {
    const next = await refreshed(again, cli, refreshToken)
    expectTokens(await refresh(again, cli, next.refreshToken))
  } finally {
    await again.stop()
  }
})
