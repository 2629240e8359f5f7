/**
 * A refresh is one request of one write unit, however much an ordinary family holds.
 */

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Family, Person } from '../../shared/domain/family.ts'
import { createCodeFamily, createDeviceFamily } from '../../shared/domain/new-family.ts'
import { decide, recordPoll, redeem, revoke, revokeByOps, rotate } from '../../shared/domain/transitions.ts'
import { keptClaims } from '../../shared/providers/claims.ts'
import { randomId } from '../../shared/random.ts'
import { createFamilies, type Families } from '../../shared/store/families.ts'
import { credential, now, policy, saltHash, second, sid } from '../support/families.ts'
import { itemBytes } from '../support/item-size.ts'
import { changed } from '../support/memory.ts'
import { familyAt, putFamily, putItem, startTable, type TestTable } from '../support/table.ts'

const writeUnitBytes = 1024

let table: TestTable
let families: Families
/** What DynamoDB says each request consumed. */
const consumed: { operation: string; units: number }[] = []
before(async () => {
  table = await startTable()
  const metered = await table.another()
  metered.client.middlewareStack.add(
    (next, { commandName = '' }) =>
      async (args) => {
        Object.assign(args.input, { ReturnConsumedCapacity: 'TOTAL' })
        const result = await next(args)
        const { ConsumedCapacity } = result.output as { ConsumedCapacity?: { CapacityUnits?: number } }
        consumed.push({ operation: commandName.replace('Command', ''), units: ConsumedCapacity?.CapacityUnits ?? 0 })
        return result
      },
    { step: 'initialize' },
  )
  families = createFamilies(metered)
})
after(() => table.stop())

/** The longest of everything that is ordinary: an Entra or Auth0 subject, as many claims as are kept, an IPv6 address. */
const person: Person = { sub: 's'.repeat(64), claims: mostClaims(), authTimeSeconds: now / 1000 - 123_456 }
const audiences = ['h'.repeat(64)]
const limits = { ...policy, idleSeconds: 2_592_000, absoluteSeconds: 31_536_000, audiences }
const opening = {
  ...{ sid, saltHash, application: 'a'.repeat(16), clientId: 'c'.repeat(32), audiences },
  scopes: ['openid', 'profile', 'email', 'offline_access', 'x'.repeat(30), 'y'.repeat(33)],
  ...{ startedFrom: '2001:0db8:85a3:0000:0000:8a2e:0370:7334', codeLifetimeSeconds: 900, limits },
  ...{ now: now - 123 * second - 457, writeId: 'A'.repeat(22) },
}
const presented = { application: opening.application, clientId: opening.clientId }
const late = { now: now + 12_345_678, writeId: 'B'.repeat(22) }

function worstActive(): Family {
  const waiting = createDeviceFamily({ ...opening, intervalSeconds: 5 })
  const decision = { approve: person, emailHash: 'e'.repeat(12), vault: 'v'.repeat(11) }
  const approved = changed(decide(opening.application, sid, decision, late), waiting)
  const first = changed(redeem(credential(0, presented), limits, undefined, late), approved)
  return { ...changed(rotate(credential(1, presented), limits, {}, late), first), generation: 4_294_967_294 }
}

const stored = (family: Family) => ({ pk: `family#${family.sid}`, sk: 'family', ...family })

/** Four claims that fill the room there is for them to the last byte. */
function mostClaims(): Person['claims'] {
  const wanted = ['preferred_username', 'email', 'email_verified', 'name']
  const told = { preferred_username: 'p'.repeat(30), email: 'e'.repeat(30), email_verified: true }
  for (let length = 1_000; length > 0; length -= 1) {
    const claims = keptClaims({ ...told, name: 'n'.repeat(length) }, wanted)
    if (claims.name !== undefined) return claims
  }
  return assert.fail('no name is kept at all')
}

test('the sample is what it claims to be', () => {
  assert.equal(opening.scopes.join(' ').length, 100)
  assert.equal(Object.keys(person.claims).length, 4)
})

test('an active family at its largest fits in one write unit, with a revocation on top', (context) => {
  const bytes = itemBytes(stored(worstActive()))
  const ended = (due: boolean) => changed(revoke(credential(1, presented), 'client', late, due), worstActive())
  const [revoked, marked] = [itemBytes(stored(ended(false))), itemBytes(stored(ended(true)))]
  context.diagnostic(`${bytes} bytes active, ${revoked} revoked, ${marked} until the provider has heard of it`)
  for (const one of [bytes, revoked]) assert.ok(one <= writeUnitBytes, `${one} bytes of ${writeUnitBytes}`)
  // Written once and into an index as well, so that a refresh does not pay for it.
  assert.ok(marked <= 2 * writeUnitBytes)
})

test('the id of its vault is all that the provider’s tokens add to a family', () => {
  const { vault, ...without } = worstActive()
  assert.equal(itemBytes(stored(worstActive())) - itemBytes(stored(without)), 'vault'.length + 11)
  assert.equal(vault?.length, 11)
})

test('so does one that ops revoked, with all that they may say about it', (context) => {
  const said = revokeByOps(opening.application, sid, { actor: 'a'.repeat(300), note: 'n'.repeat(128) }, late, true)
  const bytes = itemBytes(stored(changed(said, worstActive())))
  context.diagnostic(`${bytes} bytes of ${writeUnitBytes}`)
  assert.ok(bytes < writeUnitBytes, `${bytes} bytes`)
})

test('a family is in the indexes from its beginning, and from when its person is known; no rotation writes to them', async () => {
  const units = async (work: Promise<unknown>) => {
    consumed.length = 0
    await work
    return consumed.map((one) => one.units)
  }
  const own = { ...createDeviceFamily({ ...opening, intervalSeconds: 5 }), sid: randomId() }
  const by = (generation: number) => credential(generation, { ...presented, sid: own.sid })
  const moment = () => ({ now: late.now, writeId: randomId() })
  assert.deepEqual(await units(families.create(own)), [2], 'the item, and by-client')
  assert.deepEqual(await units(families.apply(recordPoll(by(0), limits, { now, writeId: randomId() }))), [1])
  const approving = decide(
    opening.application,
    own.sid,
    { approve: { sub: 'ada', claims: {} }, emailHash: 'e'.repeat(12) },
    { now, writeId: randomId() },
  )
  assert.deepEqual(await units(families.apply(approving)), [3], 'the item, by-subject and by-email')
  const redeeming = redeem(by(0), limits, undefined, { now, writeId: randomId() })
  assert.deepEqual(await units(families.apply(redeeming)), [1])
  assert.deepEqual(await units(families.apply(rotate(by(1), limits, {}, moment()))), [1])
  assert.deepEqual(await units(families.apply(rotate(by(2), limits, {}, moment()))), [1])
  const ending = revokeByOps(
    opening.application,
    own.sid,
    { actor: 'arn:aws:iam::1:user/ada', note: 'laptop lost' },
    moment(),
  )
  assert.deepEqual(await units(families.apply(ending)), [1])
})

test('a rotation is one request that consumes one write unit', async () => {
  const own = { ...worstActive(), sid: randomId() }
  await putFamily(table, own)
  consumed.length = 0
  const by = credential(own.generation, { ...presented, sid: own.sid })
  const outcome = await families.apply(rotate(by, limits, {}, { now: late.now + 1, writeId: randomId() }))
  assert.ok(outcome.done)
  assert.deepEqual(consumed, [{ operation: 'UpdateItem', units: 1 }])
})

test('a poll, and a code exchange with its binding, are one request each', async () => {
  const { intervalSeconds: _, ...code } = { ...opening, intervalSeconds: 5 }
  const bound = { redirectUri: 'https://app.example/cb', codeChallenge: 'c'.repeat(43) }
  const waiting = { ...createDeviceFamily({ ...opening, intervalSeconds: 5 }), sid: randomId() }
  const issued = { ...createCodeFamily({ ...code, person, ...bound, nonce: 'n'.repeat(43) }), sid: randomId() }
  await putFamily(table, waiting)
  await putFamily(table, issued)
  consumed.length = 0
  const moment = { now, writeId: randomId() }
  assert.ok((await families.apply(recordPoll(credential(0, { ...presented, sid: waiting.sid }), limits, moment))).done)
  assert.deepEqual(consumed, [{ operation: 'UpdateItem', units: 1 }])
  assert.ok(
    (await families.apply(redeem(credential(0, { ...presented, sid: issued.sid }), limits, bound, moment))).done,
  )
  assert.equal(consumed.length, 2)
})

test('the first refresh takes the binding off the item, and an item is the same after every other', async () => {
  const { intervalSeconds: _, ...code } = { ...opening, intervalSeconds: 5 }
  const bound = { redirectUri: `https://app.example/${'r'.repeat(300)}`, codeChallenge: 'c'.repeat(43) }
  const own = { ...createCodeFamily({ ...code, person, ...bound, nonce: 'n'.repeat(43) }), sid: randomId() }
  await putFamily(table, own)
  const by = (generation: number) => credential(generation, { ...presented, sid: own.sid })
  await families.apply(redeem(by(0), limits, bound, { now, writeId: randomId() }))
  await families.apply(rotate(by(1), limits, {}, { now: now + 1, writeId: randomId() }))
  const second = await familyAt(table, own.sid)
  await families.apply(rotate(by(2), limits, {}, { now: now + 2, writeId: randomId() }))
  const third = await familyAt(table, own.sid)
  assert.deepEqual(Object.keys(third ?? {}).sort(), Object.keys(second ?? {}).sort())
  for (const gone of ['redirectUri', 'codeChallenge', 'nonce', 'sessionLifetimeMs'])
    assert.ok(!(gone in (second ?? {})), gone)
  assert.ok(itemBytes(stored(third!)) < writeUnitBytes)
})

test('the meter works: an item beyond a kilobyte consumes more', async () => {
  const own = { ...worstActive(), sid: randomId() }
  await putItem(table, { ...stored(own), ballast: 'b'.repeat(1_500) })
  consumed.length = 0
  const by = credential(own.generation, { ...presented, sid: own.sid })
  await families.apply(rotate(by, limits, {}, { now: late.now + 1, writeId: randomId() }))
  assert.ok(consumed[0]!.units > 1, `${consumed[0]?.units} units`)
})
