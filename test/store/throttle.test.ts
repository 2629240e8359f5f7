/**
 * Guesses at user codes: how many are looked up over all Lambdas, and which are given back.
 */

import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, test } from 'node:test'
import { InternalServerError } from '@aws-sdk/client-dynamodb'
import type { UpdateCommand } from '@aws-sdk/lib-dynamodb'
import { createThrottle, type Guesser, maxWrong, type Throttle } from '../../shared/store/throttle.ts'
import { Unavailable } from '../../shared/unavailable.ts'
import { now as aMoment, second } from '../support/families.ts'
import { itemAt, startTable, type TestTable } from '../support/table.ts'

let table: TestTable
let throttles: readonly Throttle[]
/** The first moment of a window of five minutes. */
const windowStart = aMoment - (aMoment % (300 * second))
let now = windowStart
before(async () => {
  table = await startTable()
  throttles = [createThrottle(table, () => now), createThrottle(await table.another(), () => now)]
})
after(() => table.stop())

const pay = (guesser: Guesser, at = 0) => throttles[at % throttles.length]!.pay(guesser)
const anAddress = () => `192.0.2.${randomUUID()}`
const atAddress = (address = anAddress()) => ({ kind: 'address', address }) as const
const aBrowser = (address = anAddress()) => ({ kind: 'browser', id: randomUUID(), address }) as const
const aPerson = () => ({ kind: 'person', id: randomUUID() }) as const

async function exhaust(guesser: Guesser): Promise<number> {
  let looked = 0
  while ((await pay(guesser, looked)).allowed) looked += 1
  return looked
}

test('of forty parallel guesses exactly as many are looked at as the counter allows, and the last is told so', async () => {
  const guessers = [atAddress(), aBrowser(), aPerson()]
  for (const guesser of guessers) {
    const payments = await Promise.all(Array.from({ length: 40 }, (_, at) => pay(guesser, at)))
    const allowed = payments.filter((payment) => payment.allowed)
    assert.equal(allowed.length, maxWrong[guesser.kind], guesser.kind)
    assert.ok(
      allowed.some(({ left }) => left === 0),
      guesser.kind,
    )
    for (const { left } of payments.filter((payment) => !payment.allowed)) assert.equal(left, 0)
  }
})

test('a browser that is stopped stops no other one at its address, and costs the address nothing more', async () => {
  const address = anAddress()
  const stopped = aBrowser(address)
  assert.equal(await exhaust(stopped), maxWrong.browser)
  for (let count = 0; count < maxWrong.browsers; count += 1) await pay(stopped)
  assert.equal((await pay(aBrowser(address))).allowed, true)
})

test('all new browsers of an address together have one allowance, however many of them guess at once', async () => {
  const address = anAddress()
  const guesses = Array.from({ length: maxWrong.browsers + 10 }, (_, at) => pay(aBrowser(address), at))
  const looked = (await Promise.all(guesses)).filter(({ allowed }) => allowed)
  assert.equal(looked.length, maxWrong.browsers)
  assert.equal((await pay(aBrowser(address))).allowed, false)
  assert.equal((await pay(aBrowser())).allowed, true)
})

test('requests without a cookie use up their own allowance and not that of the browsers at the address', async () => {
  const address = anAddress()
  assert.equal(await exhaust(atAddress(address)), maxWrong.address)
  assert.equal((await pay(aBrowser(address))).allowed, true)
})

test('nobody at an address stops a person who has signed in before', async () => {
  const address = anAddress()
  await exhaust(atAddress(address))
  while ((await pay(aBrowser(address))).allowed);
  assert.equal((await pay(aPerson())).allowed, true)
})

test('a browser whose address is exhausted gets its own payment back', async () => {
  const address = anAddress()
  const browser = aBrowser(address)
  while ((await pay(aBrowser(address))).allowed);
  for (let count = 0; count < maxWrong.browser + 1; count += 1) assert.equal((await pay(browser)).allowed, false)
  assert.equal(await exhaust({ ...browser, address: anAddress() }), maxWrong.browser)
})

test('a guess that the store could not charge whole costs nothing', async (t) => {
  const browser = aBrowser()
  const another = await table.another()
  const throttle = createThrottle(another, () => now)
  const send = another.client.send.bind(another.client)
  t.mock.method(another.client, 'send', (async (command: UpdateCommand) => {
    if (command.input.Key?.pk.includes('#browsers#')) throw new InternalServerError({ message: '', $metadata: {} })
    return send(command)
  }) as typeof send)
  for (let turn = 0; turn < maxWrong.browser; turn += 1) await assert.rejects(throttle.pay(browser), Unavailable)
  assert.equal(await exhaust(browser), maxWrong.browser)
})

test('a right guess costs nothing: more of them in a row than may be wrong are all looked at', async () => {
  for (const guesser of [atAddress(), aBrowser(), aPerson()]) {
    for (let count = 0; count < maxWrong[guesser.kind] + 2; count += 1) {
      const { allowed, giveBack } = await pay(guesser)
      assert.ok(allowed, `guess ${count}`)
      await giveBack()
    }
  }
})

test('what was not paid cannot be given back', async () => {
  const from = aBrowser()
  const { giveBack } = await pay(from)
  await Promise.all([giveBack(), giveBack()])
  await giveBack()
  assert.equal(await exhaust(from), maxWrong.browser)
})

test('a new window begins every five minutes, and a refusal says when', async () => {
  const from = aPerson()
  now = windowStart + 299 * second
  await exhaust(from)
  const refused = await pay(from)
  assert.deepEqual([refused.allowed, refused.retryAfterSeconds], [false, 1])
  now = windowStart + 299_999
  assert.deepEqual([(await pay(from)).allowed, (await pay(from)).retryAfterSeconds], [false, 1])
  now = windowStart + 300 * second
  const again = await pay(from)
  assert.deepEqual([again.allowed, again.left, again.retryAfterSeconds], [true, maxWrong.person - 1, 300])
  now = windowStart
})

test('what is given back goes to the window it was paid in', async () => {
  const from = aPerson()
  const { giveBack } = await pay(from)
  now = windowStart + 300 * second
  await giveBack()
  assert.equal(await exhaust(from), maxWrong.person)
  now = windowStart
})

test('an IPv6 network of 64 bits counts as one address, however it is spelt', async () => {
  const spellings = ['2001:db8:1:2::1', '2001:DB8:1:2:3:4:5:6', '2001:db8:1:2:ffff::', '2001:db8:1:2::']
  for (let count = 0; count < maxWrong.address; count += 1) await pay(atAddress(spellings[count % spellings.length]!))
  for (const spelling of spellings) assert.equal((await pay(atAddress(spelling))).allowed, false, spelling)
  assert.equal((await pay(atAddress('2001:db8:1:3::1'))).allowed, true)
  assert.equal((await pay(atAddress('::1'))).allowed, true)
})

test('the counter cleans itself up, and holds nothing but a number and its end', async () => {
  const from = atAddress()
  await pay(from)
  const window = windowStart / (300 * second)
  const [pk, sk] = [`throttle#user-code#address#${from.address}`, `throttle#${window}`]
  assert.deepEqual(await itemAt(table, pk, sk), { pk, sk, wrong: 1, expires: windowStart / second + 600 })
})
