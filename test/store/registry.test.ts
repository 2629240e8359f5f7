/**
 * The registry as a whole: nothing is half done or overwritten, and a lost answer is looked up.
 */

import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { TransactionCanceledException } from '@aws-sdk/client-dynamodb'
import { TransactWriteCommand } from '@aws-sdk/lib-dynamodb'
import { providerId } from '../../shared/domain/provider-identity.ts'
import type { Registry } from '../../shared/domain/registration.ts'
import { type Change, changesBetween, type StoredRegistry } from '../../shared/domain/registry-changes.ts'
import { addSecret, retireSecret } from '../../shared/store/client-secrets.ts'
import { registrationsCachedMs } from '../../shared/store/registrations.ts'
import { putRegistry, readRegistry, writeChanges } from '../../shared/store/registry.ts'
import type { Table } from '../../shared/store/table.ts'
import { Unavailable } from '../../shared/unavailable.ts'
import { type FaultProxy, startFaultProxy, throttling } from '../flows/support/fault-proxy.ts'
import { aClient, anApplication } from '../support/registry.ts'
import { deleteItem, itemAt, putItem, startTable, type TestTable } from '../support/table.ts'

let table: TestTable
let proxy: FaultProxy
let behind: Table
before(async () => {
  table = await startTable()
  proxy = await startFaultProxy(table.endpoint)
  behind = await table.another(proxy.endpoint)
})
beforeEach(async () => {
  const { applications, clients } = await readRegistry(table, ['demo', 'other'])
  for (const { name } of applications) await deleteItem(table, { pk: `application#${name}`, sk: 'application' })
  for (const { application, clientId } of clients) {
    await deleteItem(table, { pk: `application#${application}`, sk: `client#${clientId}` })
  }
  await deleteItem(table, { pk: 'registry', sk: 'registry' })
  proxy.heal()
})
after(async () => {
  await proxy.stop()
  await table.stop()
})

const one: Registry = { applications: [anApplication()], clients: [aClient()] }
const clientItem = (clientId = 'cli') => itemAt(table, 'application#demo', `client#${clientId}`)

async function changesTo(
  registry: Registry,
  prune = false,
  keepsSessions = false,
): Promise<{ stored: StoredRegistry; changes: Change[] }> {
  const stored = await readRegistry(table)
  return { stored, changes: changesBetween(stored, registry, prune, () => keepsSessions) }
}

/** @param at a table that may be behind the proxy */
async function apply(
  registry: Registry,
  { prune = false, at = table as Table, now = 0, keepsSessions = false } = {},
): Promise<boolean> {
  const { stored, changes } = await changesTo(registry, prune, keepsSessions)
  return writeChanges(at, stored, changes, { nowMs: now })
}

const named = async () => {
  const { applications, clients } = await readRegistry(table, ['demo', 'other'])
  return [...applications.map(({ name }) => name), ...clients.map(({ clientId }) => clientId)].sort()
}

describe('a registry', () => {
  test('comes back as it was written, with the number of writes', async () => {
    assert.equal(await apply(one), true)
    const added = <Record>(records: readonly Record[]) => records.map((record) => ({ ...record, addedAt: 0 }))
    assert.deepEqual(await readRegistry(table), {
      applications: added(one.applications),
      clients: added(one.clients),
      version: 1,
      removed: {},
    })
  })

  test('of a table that was filled without a list of applications is found by the names in the file', async () => {
    await putItem(table, { pk: 'application#demo', sk: 'application', ...anApplication() })
    assert.deepEqual((await readRegistry(table)).applications, [])
    assert.deepEqual((await readRegistry(table, ['demo'])).applications, [anApplication()])
  })

  test('is changed member by member: revokedBefore, and what others wrote meanwhile, stay', async () => {
    await apply(one)
    await putItem(table, { ...(await clientItem()), revokedBefore: 123 })
    const changes = await changesTo({ ...one, clients: [aClient({ graceSeconds: 30 })] })
    await addSecretTo('cli')
    await writeChanges(table, changes.stored, changes.changes, { nowMs: 0 })
    const { revokedBefore, graceSeconds, secretHashes } = (await clientItem())!
    assert.deepEqual([revokedBefore, graceSeconds, secretHashes], [123, 30, ['new']])
  })

  test('loses the members that the new record does not have', async () => {
    await apply(one)
    await putItem(table, { ...(await clientItem()), once: 'known' })
    await apply(one)
    assert.equal('once' in (await clientItem())!, false)
  })

  test('is pruned of clients and applications, which are listed no more', async () => {
    await apply({ applications: [anApplication(), anApplication({ name: 'other' })], clients: [aClient()] })
    await apply({ applications: [anApplication({ name: 'other' })], clients: [] }, { prune: true })
    assert.deepEqual(await named(), ['other'])
    assert.equal('application#demo' in (await itemAt(table, 'registry', 'registry'))!, false)
  })

  test('takes a name that is added for a new one: sessions of whoever had it before stay ended', async () => {
    const now = Date.UTC(2026, 10, 22)
    await apply(one, { now })
    assert.equal((await clientItem())?.revokedBefore, now - 60_000)
  })

  test('keeps a client whose sessions are revoked up to a later time while it is being removed', async () => {
    await apply(one)
    const { stored, changes } = await changesTo({ ...one, clients: [] }, true)
    await putItem(table, { ...(await clientItem()), revokedBefore: 500_000 })
    assert.equal(await writeChanges(table, stored, changes, { nowMs: 0 }), false)
    assert.deepEqual(await named(), ['cli', 'demo'])
  })

  test('with a client that is registered again at once revives no session of the removed one', async () => {
    const now = Date.UTC(2026, 10, 22)
    const without = { ...one, clients: [] }
    await apply(one, { now })
    await apply(without, { now: now + 100_000, prune: true })
    await apply(one, { now: now + 101_000 })
    // A warm function may have begun sessions for ten seconds after the removal.
    assert.equal((await clientItem())?.revokedBefore, now + 110_000)

    // An operator's later revocation of its sessions outlives it too.
    await putItem(table, { ...(await clientItem()), revokedBefore: now + 500_000 })
    await apply(without, { now: now + 200_000, prune: true })
    await apply(one, { now: now + 201_000 })
    assert.equal((await clientItem())?.revokedBefore, now + 500_000)
  })

  test('with an application that is registered again at once revives no session of the removed one', async () => {
    const now = Date.UTC(2026, 10, 22)
    await apply(one, { now })
    await apply({ applications: [], clients: [] }, { now: now + 100_000, prune: true })
    await apply(one, { now: now + 101_000 })
    const application = await itemAt(table, 'application#demo', 'application')
    assert.equal(application?.revokedBefore, now + 110_000)
    assert.equal((await clientItem())?.revokedBefore, now + 110_000)
  })

  test('forgets a removed client when its sessions are older than those that an added one revokes anyway', async () => {
    const [now, hour] = [Date.UTC(2026, 10, 22), 3_600_000]
    await apply(one, { now })
    await apply({ ...one, clients: [] }, { now, prune: true })
    await apply({ ...one, clients: [aClient({ clientId: 'other' })] }, { now: now + hour })
    assert.deepEqual((await readRegistry(table)).removed, { 'demo cli': now + 10_000 })
    await apply(one, { now: now + hour + 10_000 })
    assert.deepEqual((await readRegistry(table)).removed, {})
    assert.equal((await clientItem())?.revokedBefore, now + hour - 50_000)
  })

  test('that a table is filled with revokes nothing', async () => {
    await putRegistry(table, one)
    assert.equal((await clientItem())?.revokedBefore, 0)
  })
})

describe('another provider', () => {
  const now = Date.UTC(2026, 10, 22)
  const elsewhere = (issuer: string) => anApplication({ provider: { ...anApplication().provider, issuer } as never })
  const at = (issuer: string): Registry => ({ ...one, applications: [elsewhere(issuer)] })
  const applicationItem = () => itemAt(table, 'application#demo', 'application')
  const idOf = (issuer: string) => providerId(elsewhere(issuer).provider)

  test('ends the sessions of before by the write that names it, those of functions that have not read it included', async () => {
    await apply(one)
    await apply(at('https://new.example'), { now })
    const { revokedBefore, provider, formerProviders } = (await applicationItem())!
    assert.equal(revokedBefore, now + registrationsCachedMs)
    assert.equal(Object(provider).issuer, 'https://new.example')
    assert.equal(formerProviders, undefined)
  })

  test('keeps them where ops say that it is the same one, whose former addresses are remembered until they are told otherwise', async () => {
    await apply(one)
    const before = (await applicationItem())?.revokedBefore
    await apply(at('https://second.example'), { now, keepsSessions: true })
    await apply(at('https://third.example'), { now, keepsSessions: true })
    const { revokedBefore, formerProviders } = (await applicationItem())!
    assert.equal(revokedBefore, before)
    assert.deepEqual(formerProviders, [idOf('https://second.example'), idOf('https://idp.example')])
    await apply(at('https://second.example'), { now, keepsSessions: true })
    assert.deepEqual((await applicationItem())?.formerProviders, [
      idOf('https://third.example'),
      idOf('https://idp.example'),
    ])
    await apply({ ...at('https://second.example'), clients: [] }, { now })
    assert.equal((await applicationItem())?.revokedBefore, before, 'a change of anything else leaves them')
    await apply(at('https://other.example'), { now })
    const ended = (await applicationItem())!
    assert.deepEqual([ended.revokedBefore, ended.formerProviders], [now + registrationsCachedMs, undefined])
  })

  test('never brings ended sessions back to life, not even where they were ended while it was being written', async () => {
    await apply(one)
    const later = now + 3_600_000
    const { stored, changes } = await changesTo(at('https://new.example'))
    await putItem(table, { ...(await applicationItem()), revokedBefore: later })
    assert.equal(await writeChanges(table, stored, changes, { nowMs: now }), false)
    await apply(at('https://new.example'), { now })
    assert.equal((await applicationItem())?.revokedBefore, later)
  })

  test('is another one by its client id too, and by its scopes the same', async () => {
    await apply(one)
    const [before, { provider }] = [(await applicationItem())?.revokedBefore, anApplication()]
    await apply({ ...one, applications: [anApplication({ provider: { ...provider, scopes: ['openid'] } })] }, { now })
    assert.equal((await applicationItem())?.revokedBefore, before)
    await apply({ ...one, applications: [anApplication({ provider: { ...provider, clientId: 'renamed' } })] }, { now })
    assert.equal((await applicationItem())?.revokedBefore, now + registrationsCachedMs)
  })
})

/** As another process would. */
async function addSecretTo(clientId: string): Promise<void> {
  await putItem(table, { ...(await clientItem(clientId)), secretHashes: ['new'] })
}

describe('two who write at once', () => {
  test('do not overwrite each other: the second is told, and has changed nothing', async () => {
    await apply(one)
    const [first, second] = [
      await changesTo({ ...one, clients: [aClient({ graceSeconds: 1 })] }),
      await changesTo({ ...one, clients: [aClient({ graceSeconds: 2, idleSeconds: 5 })] }),
    ]
    assert.equal(await writeChanges(table, first.stored, first.changes, { nowMs: 0 }), true)
    assert.equal(await writeChanges(table, second.stored, second.changes, { nowMs: 0 }), false)
    assert.deepEqual(
      [(await clientItem())?.graceSeconds, (await clientItem())?.idleSeconds],
      [1, aClient().idleSeconds],
    )
  })

  test('of twenty that add a client each with the same version one gets through', async () => {
    await apply(one)
    const stored = await readRegistry(table)
    const added = await Promise.all(
      Array.from({ length: 20 }, (_, at) => {
        const record = aClient({ clientId: `c${at}` })
        return writeChanges(table, stored, [{ kind: 'added', record, members: [] }], { nowMs: 0 })
      }),
    )
    assert.equal(added.filter(Boolean).length, 1)
    assert.equal((await readRegistry(table)).clients.length, 2)
  })

  test('who fill a table all get through in the end', async () => {
    const others = Array.from({ length: 4 }, (_, at) => ({ ...one, clients: [aClient({ clientId: `c${at}` })] }))
    await Promise.all(others.map((registry) => putRegistry(table, registry)))
    assert.deepEqual(await named(), ['c0', 'c1', 'c2', 'c3', 'demo'])
  })
})

describe('a write whose answer is lost', () => {
  test('is known as our own success', async () => {
    proxy.fail({ kind: 'lose-answer' }, { operations: ['TransactWriteItems'], times: 1 })
    assert.equal(await apply(one, { at: behind }), true)
    assert.equal((await readRegistry(table)).version, 1)
  })

  test('is known even when no try is answered', async () => {
    proxy.fail({ kind: 'lose-answer' }, { operations: ['TransactWriteItems'] })
    assert.equal(await apply(one, { at: behind }), true)
    assert.deepEqual(await named(), ['cli', 'demo'])
  })

  test('and that did not happen is Unavailable', async () => {
    proxy.fail(throttling, { operations: ['TransactWriteItems'] })
    await assert.rejects(apply(one, { at: behind }), Unavailable)
    assert.deepEqual(await named(), [])
  })
})

describe('more changes than a transaction takes', () => {
  const many: Registry = {
    applications: [anApplication()],
    clients: Array.from({ length: 250 }, (_, at) => aClient({ clientId: `c${String(at).padStart(3, '0')}` })),
  }

  test('go in several, each of them whole; interrupted, the registry is valid and the same again does the rest', async () => {
    const { stored, changes } = await changesTo(many)
    proxy.forget()
    await assert.rejects(
      writeChanges(behind, stored, changes, { nowMs: 0, progress: () => proxy.fail({ kind: 'hang-up' }) }),
      Unavailable,
    )
    const half = await readRegistry(table)
    assert.deepEqual([half.applications.length, half.clients.length], [1, 97])
    proxy.heal()
    assert.equal(await apply(many, { at: behind }), true)
    assert.equal((await readRegistry(table)).clients.length, 250)
    assert.deepEqual(
      (await changesTo(many)).changes.filter(({ kind }) => kind !== 'unchanged'),
      [],
    )
  })

  test('are removed clients first, so that none is ever without its application', async () => {
    await apply(many)
    const { stored, changes } = await changesTo({ applications: [], clients: [] }, true)
    await assert.rejects(
      writeChanges(behind, stored, changes, { nowMs: 0, progress: () => proxy.fail({ kind: 'hang-up' }) }),
      Unavailable,
    )
    assert.equal((await readRegistry(table)).applications.length, 1)
    proxy.heal()
    await apply({ applications: [], clients: [] }, { prune: true })
    assert.deepEqual(await named(), [])
  })
})

describe('a client’s secrets', () => {
  const web = { application: 'demo', clientId: 'web' }
  const secrets = async () => (await clientItem('web'))?.secretHashes
  beforeEach(() =>
    apply({
      ...one,
      clients: [aClient(), aClient({ clientId: 'web', auth: 'client_secret_post', secretHashes: ['a'] })],
    }),
  )

  test('are two at most, the new one first', async () => {
    assert.equal(await addSecret(table, web, 'b', false), 'added')
    assert.deepEqual(await secrets(), ['b', 'a'])
    assert.equal(await addSecret(table, web, 'c', false), 'two already')
    assert.deepEqual(await secrets(), ['b', 'a'])
  })

  test('are replaced at once where that is asked for', async () => {
    await addSecret(table, web, 'b', false)
    assert.equal(await addSecret(table, web, 'c', true), 'added')
    assert.deepEqual(await secrets(), ['c'])
  })

  test('lose the older one, and never the last', async () => {
    await addSecret(table, web, 'b', false)
    assert.deepEqual([await retireSecret(table, 'demo', 'web'), await retireSecret(table, 'demo', 'web')], [2, 1])
    assert.deepEqual(await secrets(), ['b'])
  })

  test('are none of a public client, nor of one that is not there, which is not made by asking', async () => {
    assert.equal(await addSecret(table, { ...web, clientId: 'cli' }, 'b', false), 'no secrets')
    assert.equal(await addSecret(table, { ...web, clientId: 'nobody' }, 'b', false), 'no client')
    assert.equal(await retireSecret(table, 'demo', 'nobody'), 'no client')
    assert.equal(await clientItem('nobody'), undefined)
  })

  for (const [answers, times] of [
    ['an answer is', 1],
    ['all answers are', undefined],
  ] as const) {
    test(`are added once when ${answers} lost`, async () => {
      const patient = await table.another(proxy.endpoint)
      proxy.fail({ kind: 'lose-answer' }, { operations: ['TransactWriteItems'], ...(times !== undefined && { times }) })
      assert.equal(await addSecret(patient, web, 'b', false), 'added')
      assert.deepEqual(await secrets(), ['b', 'a'])
    })
  }

  test('stay as they are when the store cannot be asked', async () => {
    proxy.fail(throttling, { operations: ['TransactWriteItems'] })
    await assert.rejects(addSecret(await table.another(proxy.endpoint), web, 'b', false), Unavailable)
    assert.deepEqual(await secrets(), ['a'])
  })

  for (const [times, outcome] of [
    [2, 'added'],
    [Number.POSITIVE_INFINITY, 'conflict'],
  ] as const) {
    test(`are ${outcome === 'added' ? 'added after' : 'not added in'} ${times} conflicts with other transactions`, async () => {
      assert.equal(await addSecret(contested(times), web, 'b', false), outcome)
      assert.deepEqual(await secrets(), outcome === 'added' ? ['b', 'a'] : ['a'])
    })
  }

  test('of ten that are added at once one is', async () => {
    const hashes = Array.from({ length: 10 }, (_, at) => `new-${at}`)
    const outcomes = await Promise.all(hashes.map((hash) => addSecret(table, web, hash, false)))
    assert.equal(outcomes.filter((outcome) => outcome === 'added').length, 1)
    assert.equal((await secrets()).length, 2)
  })
})

/** The table while other transactions write the same items, for the first transactions. */
function contested(times: number): Table {
  let left = times
  const reasons = [{ Code: 'TransactionConflict' }]
  const send = (...asked: Parameters<Table['client']['send']>) =>
    asked[0] instanceof TransactWriteCommand && left-- > 0
      ? Promise.reject(
          new TransactionCanceledException({ message: 'canceled', $metadata: {}, CancellationReasons: reasons }),
        )
      : table.client.send(...asked)
  return { ...table, client: Object.create(table.client, { send: { value: send } }) as Table['client'] }
}
