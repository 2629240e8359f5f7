/** The registry as a part of a deployment: what apply-registry writes, removes and refuses, on a real table. */

import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import { handler } from '../../functions/apply-registry.ts'
import { sink } from '../../shared/log.ts'
import { putRegistry, readRegistry, writeChanges } from '../../shared/store/registry.ts'
import { readHistory } from '../../shared/store/registry-history.ts'
import { asCloudFormation } from '../support/cloudformation.ts'
import { expectSchema, readLine } from '../support/log-lines.ts'
import { registryOf } from '../support/registry-file.ts'
import { startTable, type TestTable } from '../support/table.ts'

let table: TestTable
let lines: string[] = []
const { write } = sink

before(async () => {
  table = await startTable()
  process.env.TABLE_NAME = table.name
  sink.write = (line) => void lines.push(line)
})
after(async () => {
  sink.write = write
  await table.stop()
})
beforeEach(async () => {
  const stored = await readRegistry(table)
  const all = [...stored.applications, ...stored.clients].map(
    (record) => ({ kind: 'removed', record, members: [] }) as const,
  )
  assert.ok(await writeChanges(table, stored, all, { nowMs: Date.now() }))
  lines = []
})

type Client = { readonly clientId: string } & Readonly<Record<string, unknown>>
const cli: Client = { clientId: 'cli', auth: 'none', grants: ['refresh_token'] }
const web: Client = { clientId: 'web', auth: 'client_secret_basic', secrets: 'table', grants: ['refresh_token'] }
const provider = { kind: 'oidc', issuer: 'https://idp.example.com', clientId: 'broker' }

function fileWith(...clients: Client[]): string {
  const application = { name: 'demo', displayName: 'Demo', provider, audiences: ['https://api.example.com'], clients }
  return JSON.stringify({ applications: [application] })
}

const create = (file: string) => asCloudFormation(handler, { ResourceProperties: { Registry: file } })
const update = (from: string, to: string) =>
  asCloudFormation(handler, {
    RequestType: 'Update',
    ResourceProperties: { Registry: to },
    OldResourceProperties: { Registry: from },
  })
const clientsNow = async () => (await readRegistry(table)).clients.map(({ clientId }) => clientId).sort()

test('the first deployment adds every record, and the same registry again changes nothing', async () => {
  const file = fileWith(cli, web)
  assert.deepEqual((await create(file)).Data, { Changes: '3 added' })
  assert.deepEqual(await clientsNow(), ['cli', 'web'])
  assert.deepEqual((await update(file, file)).Data, { Changes: 'nothing changed' })
})

test('a deployment removes what the one before declared, and keeps what the command line has added', async () => {
  await create(fileWith(cli, web))
  const own = registryOf(fileWith(cli, web, { ...cli, clientId: 'by-hand' }))
  await putRegistry(table, own)
  const { Data } = await update(fileWith(cli, web), fileWith({ ...cli, graceSeconds: 60 }))
  assert.deepEqual(Data, { Changes: '1 changed, 1 removed' })
  assert.deepEqual(await clientsNow(), ['by-hand', 'cli'])
})

test('a rollback brings the former registry back, and removes what the failed deployment has added', async () => {
  const [former, failed] = [fileWith(cli), fileWith({ ...cli, graceSeconds: 60 }, web)]
  await create(former)
  await update(former, failed)
  assert.equal((await update(failed, former)).Status, 'SUCCESS')
  const { clients } = await readRegistry(table)
  assert.deepEqual(
    clients.map(({ clientId, graceSeconds }) => [clientId, graceSeconds]),
    [['cli', registryOf(former).clients[0]!.graceSeconds]],
  )
})

test('an application stays while it has a client that the command line has added', async () => {
  await create(fileWith(cli))
  await putRegistry(table, registryOf(fileWith(cli, { ...cli, clientId: 'by-hand' })))
  await update(fileWith(cli), JSON.stringify({ applications: [] }))
  const { applications } = await readRegistry(table)
  assert.deepEqual([applications.map(({ name }) => name), await clientsNow()], [['demo'], ['by-hand']])
})

test('mistakes fail the deployment, all at once, and nothing is changed', async () => {
  await create(fileWith(cli))
  const { Status, Reason } = await update(fileWith(cli), fileWith({ ...cli, auth: 'nobody', graceSeconds: -1 }, web))
  assert.equal(Status, 'FAILED')
  assert.match(Reason ?? '', /clients\[0\]\.auth: .*; .*clients\[0\]\.graceSeconds: /)
  assert.deepEqual(await clientsNow(), ['cli'])
})

test('the rollback of a registry with mistakes succeeds', async () => {
  await create(fileWith(cli))
  const wrong = fileWith({ ...cli, auth: 'nobody' })
  await update(fileWith(cli), wrong)
  const { Data } = await update(wrong, fileWith(cli))
  assert.match(
    String(Data?.Changes),
    /^nothing changed\. Nothing was removed, because the previous registry has mistakes/,
  )
})

test('a rollback keeps the sessions that the failed deployment kept at another address of the provider', async () => {
  const moved = fileWith(cli).replace('idp.example.com', 'login.example.com')
  await create(fileWith(cli))
  const kept = (from: string, to: string, KeepSessions: string) =>
    asCloudFormation(handler, {
      RequestType: 'Update',
      ResourceProperties: { Registry: to, KeepSessions },
      OldResourceProperties: { Registry: from },
    })
  const revokedBefore = async () => (await readRegistry(table)).applications[0]?.revokedBefore
  const before = await revokedBefore()
  await kept(fileWith(cli), moved, 'true')
  assert.equal((await kept(moved, fileWith(cli), 'false')).Status, 'SUCCESS')
  assert.equal(await revokedBefore(), before)
})

test('the end of the resource leaves the registrations to their table', async () => {
  await create(fileWith(cli))
  const deletion = { RequestType: 'Delete', ResourceProperties: { Registry: fileWith(cli) } } as const
  assert.equal((await asCloudFormation(handler, deletion)).Status, 'SUCCESS')
  assert.deepEqual(await clientsNow(), ['cli'])
})

test('the log has each difference, and the history names the stack', async () => {
  await create(fileWith(cli))
  lines = []
  await update(fileWith(cli), fileWith({ ...cli, graceSeconds: 60 }))
  const [changed, applied, ...others] = lines.map((line) => expectSchema(readLine(line)))
  assert.deepEqual(
    [changed?.application, changed?.client_id, changed?.reason, changed?.change],
    ['demo', 'cli', 'changed', 'graceSeconds: 0 → 60'],
  )
  assert.deepEqual([applied?.event, applied?.count, others], ['registry.applied', 1, []])
  const [entry] = await readHistory(table, undefined, 1)
  assert.deepEqual([entry?.command, entry?.actor.split('/')[1]], ['deploy', 'auth'])
})

test('deployments at the same time each apply their registry as a whole', async () => {
  const files = ['a', 'b', 'c', 'd'].map((clientId) => fileWith({ ...cli, clientId }))
  const answers = await Promise.all(files.map(create))
  assert.deepEqual(
    answers.map(({ Status }) => Status),
    ['SUCCESS', 'SUCCESS', 'SUCCESS', 'SUCCESS'],
  )
  assert.deepEqual(await clientsNow(), ['a', 'b', 'c', 'd'])
})
