/**
 * The restore runbook of docs/operations.md, rehearsed: a table from a backup takes the place of the one that went on, and
 * what the backup does not know must not come back to life.
 */

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { commandLine } from '../cli/support/command-line.ts'
import { newShared, type Shared } from '../flows/support/broker.ts'
import { type BrokerHere, startBrokerHere } from '../flows/support/broker-here.ts'
import { cli } from '../flows/support/callers.ts'
import { introspect, refresh, revoke, userinfo } from '../flows/support/endpoints.ts'
import { expectRefusal, refreshed, type Tokens } from '../flows/support/expect.ts'
import { device } from '../flows/support/flows.ts'
import { restoreTable } from '../flows/support/restore.ts'
import { type Store, startStore } from '../support/dynamodb.ts'

const restored = 'token-broker-restored'

let store: Store
let shared: Shared
let broker: BrokerHere
/** Of one session, in their order; the backup is from when the second was the newest. */
let first: Tokens
let second: Tokens
let third: Tokens
/** Ended by its client after the backup. */
let ended: Tokens
/** Began after the backup. */
let late: Tokens

before(async () => {
  store = await startStore()
  shared = await newShared()
  broker = await startBrokerHere({ dynamodb: store.endpoint, shared })
  first = await device(broker)
  second = await refreshed(broker, cli, first.refreshToken)
  ended = await device(broker)
  await restoreTable(store.endpoint, 'token-broker', restored)
  third = await refreshed(broker, cli, second.refreshToken)
  assert.equal((await revoke(broker, cli, ended.refreshToken)).status, 200)
  late = await device(broker)
  await broker.stop()
  broker = await startBrokerHere({ dynamodb: store.endpoint, shared, tableName: restored })
})

after(async () => {
  await broker?.stop()
  await store?.stop()
})

test('a restored table takes spent and revoked tokens for good, which is why nobody may reach it yet', async () => {
  second = { ...second, ...(await refreshed(broker, cli, second.refreshToken)) }
  ended = { ...ended, ...(await refreshed(broker, cli, ended.refreshToken)) }
})

test('the command of the runbook ends them, and all else that the backup holds, in an application', async (t) => {
  const ops = await commandLine(t, { TOKEN_BROKER_URL: broker.url })
  const { code, stderr } = await ops.run(...runbookCommand('demo'))
  assert.equal(code, 0, stderr)
})

test('after that no token of before works, whether the backup knows it or not, nor does userinfo', async () => {
  for (const { refreshToken } of [first, second, third, ended, late]) {
    expectRefusal(await refresh(broker, cli, refreshToken), 400, 'invalid_grant')
  }
  for (const { accessToken } of [second, third, ended, late]) {
    assert.equal((await userinfo(broker, 'demo', accessToken)).status, 401)
    assert.equal((await introspect(broker, accessToken)).body.active, false)
  }
})

test('who signs in again goes on as ever', async () => {
  const session = await device(broker)
  const next = await refreshed(broker, cli, session.refreshToken)
  assert.equal((await userinfo(broker, 'demo', next.accessToken)).status, 200)
  expectRefusal(await refresh(broker, cli, session.refreshToken), 400, 'invalid_grant')
})

/** Word for word as it stands in the runbook, with the name of an application. */
function runbookCommand(application: string): string[] {
  const page = readFileSync(new URL('../../docs/operations.md', import.meta.url), 'utf8')
  const [, words = ''] = /npx @token-broker\/token-broker (sessions revoke --all .*--yes.*)$/m.exec(page) ?? []
  assert.notEqual(words, '')
  return [...words.replace('<name>', application).matchAll(/"([^"]+)"|(\S+)/g)].map(
    ([, quoted, word]) => quoted ?? word!,
  )
}
