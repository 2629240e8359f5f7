/**
 * Vaults in a real table: a change is one conditional write over the revision that was seen, with one winner among any
 * number of callers, who knows that it won though the answer is lost.
 */

import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import {
  coolDown,
  dropTokens,
  leaseMs,
  nextStep,
  renewTokens,
  takeLease,
  type Vault,
} from '../../shared/domain/vault.ts'
import { createVaults, type Swap, type Vaults } from '../../shared/store/vaults.ts'
import { Unavailable } from '../../shared/unavailable.ts'
import { type FaultProxy, internalError, startFaultProxy, throttling } from '../flows/support/fault-proxy.ts'
import { active, now, second } from '../support/families.ts'
import { bePatient, itemAt, putFamily, startTable, type TestTable } from '../support/table.ts'
import { changedVault, vaultOf } from '../support/vaults.ts'

let table: TestTable
let vaults: Vaults
before(async () => {
  table = await startTable()
  vaults = createVaults(table)
})
after(() => table.stop())

/** A vault in the table, of a family of its own. */
async function kept(changes: Parameters<typeof vaultOf>[0] = {}): Promise<Vault> {
  const vault = vaultOf({ sid: randomUUID(), refreshAt: now, ...changes })
  await vaults.put(vault)
  return vault
}

const itemOf = ({ sid, id }: Vault) => itemAt(table, `family#${sid}`, `provider#${id}`)
const stored = (vault: Vault) => ({ pk: `family#${vault.sid}`, sk: `provider#${vault.id}`, ...vault })

describe('put, read and remove', () => {
  test('what was put is read, item by item', async () => {
    const vault = await kept()
    assert.deepEqual(await itemOf(vault), stored(vault))
    assert.deepEqual(await vaults.read(vault.sid, vault.id), stored(vault))
    assert.equal(await vaults.read(vault.sid, 'another id'), undefined)
    assert.equal(await vaults.read(randomUUID(), vault.id), undefined)
  })

  test('B2 a put that arrives once more, long after, does not bring back what was there then', async () => {
    const vault = await kept()
    const lease = await vaults.swap(vault, takeLease(now), 'holder')
    await vaults.put(vault)
    assert.deepEqual(await vaults.read(vault.sid, vault.id), lease.vault)
  })

  test('a removal takes this one alone, and again is nothing', async () => {
    const [vault, beside] = [await kept(), await kept()]
    const sibling = { ...vault, id: 'w'.repeat(11) }
    await vaults.put(sibling)
    for (const _ of [1, 2]) {
      await vaults.remove(vault.sid, vault.id)
      assert.equal(await vaults.read(vault.sid, vault.id), undefined)
    }
    for (const other of [sibling, beside]) assert.deepEqual(await itemOf(other), stored(other))
  })
})

describe('a session', () => {
  test('is the family and the vault that it names, whatever else lies beside them', async () => {
    const vault = await kept()
    for (const id of ['a'.repeat(11), 'z'.repeat(11)]) await vaults.put({ ...vault, id })
    const family = active(2, { sid: vault.sid, vault: vault.id })
    await putFamily(table, family)
    const session = await vaults.readSession(vault.sid)
    assert.deepEqual(session?.vault, stored(vault))
    assert.deepEqual(session?.family, { pk: `family#${vault.sid}`, sk: 'family', ...family })
  })

  test('has no vault where the family names none, or one that is gone', async () => {
    const { sid } = await kept()
    for (const named of [undefined, 'g'.repeat(11)]) {
      await putFamily(table, active(2, { sid, ...(named !== undefined && { vault: named }) }))
      const session = await vaults.readSession(sid)
      assert.equal(session?.family.sid, sid)
      assert.equal(session?.vault, undefined)
    }
  })

  test('is none without a family, though vaults lie there', async () => {
    const { sid } = await kept()
    assert.equal(await vaults.readSession(sid), undefined)
    assert.equal(await vaults.readSession(randomUUID()), undefined)
  })
})

describe('a change', () => {
  const lifetime = { expiresInSeconds: 600, isRefreshable: true }
  const changes = {
    takeLease: takeLease(now),
    renewTokens: renewTokens(vaultOf(), 'fresh', lifetime, now),
    coolDown: coolDown(vaultOf(), 9, now),
    dropTokens: dropTokens(),
  }
  for (const [name, change] of Object.entries(changes)) {
    test(`${name}: is written over the revision that was seen, and nothing else is touched`, async () => {
      const seen = await kept({ leaseUntil: now - 1, failures: 2, retryAt: now - 1 })
      const swap = await vaults.swap(seen, change, 'a fresh write')
      const expected = { ...changedVault(seen, change), writeId: 'a fresh write' }
      assert.ok(swap.swapped)
      assert.deepEqual(await itemOf(seen), stored(expected))
      assert.deepEqual(swap.vault, stored(expected))
    })

    test(`${name}: over any other revision nothing is written, and the vault comes back as it is`, async () => {
      const seen = await kept()
      for (const revision of [seen.revision - 1, seen.revision + 1]) {
        const swap = await vaults.swap({ ...seen, revision }, change, 'a fresh write')
        assert.deepEqual(swap, { swapped: false, vault: stored(seen) })
      }
      assert.deepEqual(await itemOf(seen), stored(seen))
    })

    test(`${name}: a vault that is gone stays gone`, async () => {
      const seen = vaultOf({ sid: randomUUID() })
      assert.deepEqual(await vaults.swap(seen, change, 'a fresh write'), { swapped: false, vault: undefined })
      assert.equal(await itemOf(seen), undefined)
    })
  }
})

test('B1 twenty callers at four clients want the lease: one has it, and all others see whose it is', async () => {
  const others = [await table.another(), await table.another(), await table.another()].map(createVaults)
  const stores = [vaults, ...others]
  const seen = await kept()
  const race = async (at: number): Promise<Swap> =>
    stores[at % stores.length]!.swap(seen, takeLease(now), `caller ${at}`)
  const swaps = await Promise.all(Array.from({ length: 20 }, (_, at) => race(at)))
  const winners = swaps.filter(({ swapped }) => swapped)
  assert.equal(winners.length, 1)
  const [{ vault: won } = assert.fail()] = winners
  for (const { vault } of swaps) assert.deepEqual(vault, won)
  assert.deepEqual([won?.revision, won?.leaseUntil], [seen.revision + 1, now + leaseMs])
  assert.equal(nextStep(won!, now), 'use')
})

test('B2 twenty changes of all kinds over one revision: one is made, whole', async () => {
  const seen = await kept({ leaseUntil: now + second })
  const kinds = [
    coolDown(seen, 9, now),
    dropTokens(),
    renewTokens(seen, 'fresh', { expiresInSeconds: 60, isRefreshable: true }, now),
  ]
  const swaps = await Promise.all(
    Array.from({ length: 20 }, async (_, at) => {
      const change = kinds[at % kinds.length]!
      return { change, at, swap: await vaults.swap(seen, change, `caller ${at}`) }
    }),
  )
  const [winner, ...more] = swaps.filter(({ swap }) => swap.swapped)
  assert.ok(winner !== undefined && more.length === 0)
  const whole = { ...changedVault(seen, winner.change), writeId: `caller ${winner.at}` }
  assert.deepEqual(await itemOf(seen), stored(whole))
})

// Most of the time goes by in the SDK's pauses between its tries, so all of it runs at once.
describe('a store that goes wrong', { concurrency: true }, () => {
  async function rigged(use: (rig: { proxy: FaultProxy; vaults: Vaults }) => Promise<void>): Promise<void> {
    const proxy = await startFaultProxy(table.endpoint)
    try {
      const connected = await table.another(proxy.endpoint)
      bePatient(connected)
      proxy.forget()
      await use({ proxy, vaults: createVaults(connected) })
    } finally {
      await proxy.stop()
    }
  }

  for (const times of [1, 2]) {
    test(`a change whose answer is lost ${times === 1 ? 'once' : 'twice'} is ours, and made once`, () =>
      rigged(async ({ proxy, vaults }) => {
        const seen = await kept()
        proxy.fail({ kind: 'lose-answer' }, { times, operations: ['UpdateItem'] })
        const swap = await vaults.swap(seen, takeLease(now), randomUUID())
        assert.ok(swap.swapped)
        assert.equal((await itemOf(seen))?.revision, seen.revision + 1)
        assert.deepEqual(proxy.counts(), { UpdateItem: times + 1 })
      }))
  }

  test('every answer to the write is lost, and a read finds out that it happened', () =>
    rigged(async ({ proxy, vaults }) => {
      const seen = await kept()
      proxy.fail({ kind: 'lose-answer' }, { operations: ['UpdateItem'] })
      const swap = await vaults.swap(seen, takeLease(now), randomUUID())
      assert.ok(swap.swapped)
      assert.equal(swap.vault.leaseUntil, now + leaseMs)
      assert.deepEqual(proxy.counts(), { UpdateItem: 3, GetItem: 1 })
    }))

  test('a put is made though its answers are lost, once, twice or always: the provider gives its tokens once', () =>
    rigged(async ({ proxy, vaults: faulty }) => {
      for (const times of [1, 2, undefined]) {
        const vault = vaultOf({ sid: randomUUID(), writeId: randomUUID() })
        proxy.fail({ kind: 'lose-answer' }, { operations: ['PutItem'], ...(times !== undefined && { times }) })
        await faulty.put(vault)
        assert.deepEqual(await itemOf(vault), stored(vault))
      }
    }))

  test('a put that did not happen, or of which nothing can be known, is Unavailable', () =>
    rigged(async ({ proxy, vaults: faulty }) => {
      const vault = vaultOf({ sid: randomUUID() })
      proxy.fail(throttling, { operations: ['PutItem'] })
      await assert.rejects(faulty.put(vault), isUnavailable)
      assert.equal(await itemOf(vault), undefined)
      proxy.fail({ kind: 'lose-answer' })
      await assert.rejects(faulty.put(vault), isUnavailable)
    }))

  test('another caller’s change is not taken for ours, though our answers are lost', () =>
    rigged(async ({ proxy, vaults: faulty }) => {
      const seen = await kept()
      assert.ok((await vaults.swap(seen, takeLease(now), 'theirs')).swapped)
      proxy.fail({ kind: 'lose-answer' }, { times: 2, operations: ['UpdateItem'] })
      const swap = await faulty.swap(seen, takeLease(now), 'ours')
      assert.deepEqual([swap.swapped, swap.vault?.writeId], [false, 'theirs'])
      proxy.fail({ kind: 'lose-answer' }, { operations: ['UpdateItem'] })
      await assert.rejects(faulty.swap(seen, takeLease(now), 'ours'), isUnavailable)
    }))

  test('nothing can be known, so it is Unavailable', () =>
    rigged(async ({ proxy, vaults }) => {
      const seen = await kept()
      proxy.fail({ kind: 'lose-answer' })
      await assert.rejects(vaults.swap(seen, takeLease(now), randomUUID()), isUnavailable)
      assert.deepEqual(proxy.counts(), { UpdateItem: 3, GetItem: 3 })
    }))

  for (const fault of [throttling, internalError]) {
    test(`${fault.kind === 'error' && fault.name} is Unavailable for every request, and nothing has changed`, () =>
      rigged(async ({ proxy, vaults }) => {
        const seen = await kept()
        proxy.fail(fault)
        const requests = [
          vaults.swap(seen, takeLease(now), randomUUID()),
          vaults.put({ ...seen, sealed: 'other' }),
          vaults.read(seen.sid, seen.id),
          vaults.readSession(seen.sid),
          vaults.remove(seen.sid, seen.id),
        ]
        await Promise.all(requests.map((request) => assert.rejects(request, isUnavailable)))
        assert.deepEqual(await itemOf(seen), stored(seen))
      }))
  }

  test('what is wrong in itself is a fault of ours, and not Unavailable', () =>
    rigged(async ({ proxy, vaults }) => {
      const seen = await kept()
      const wrong = { set: { sealed: 's' }, remove: ['sealed'] } as const
      await assert.rejects(vaults.swap(seen, wrong, 'x'), ({ name }: Error) => name === 'ValidationException')
      // The read that is to find out meets the same.
      const nowhere = { ...seen, sid: 's'.repeat(2_100) }
      await assert.rejects(
        vaults.swap(nowhere, takeLease(now), 'x'),
        ({ name }: Error) => name === 'ValidationException',
      )
      proxy.heal()
      assert.deepEqual(await itemOf(seen), stored(seen))
    }))
})

function isUnavailable(error: unknown): boolean {
  assert.ok(error instanceof Unavailable, String(error))
  assert.equal(error.part, 'store')
  return true
}
