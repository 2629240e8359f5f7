/**
 * Guesses at user codes: how many are looked at, over all Lambdas, and what is given back.
 */

import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, test } from 'node:test'
import { createThrottle, type Throttle } from '../../shared/store/throttle.ts'
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

const pay = (address: string, at = 0) => throttles[at % throttles.length]!.pay(address)
const address = () => `192.0.2.${randomUUID()}`

test('of fifty parallel guesses from one address exactly ten are looked at', async () => {
  const from = address()
  const payments = await Promise.all(Array.from({ length: 50 }, (_, at) => pay(from, at)))
  const allowed = payments.filter((payment) => payment.allowed)
  assert.equal(allowed.length, 10)
  assert.deepEqual(allowed.map(({ left }) => left).sort(), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
  for (const { left } of payments.filter((payment) => !payment.allowed)) assert.equal(left, 0)
})

test('another address is not locked out', async () => {
  const from = address()
  for (let count = 0; count < 11; count += 1) await pay(from)
  assert.equal((await pay(from)).allowed, false)
  assert.equal((await pay(address())).allowed, true)
})

test('a right guess costs nothing: a hundred in a row are all looked at', async () => {
  const from = address()
  for (let count = 0; count < 100; count += 1) {
    const { allowed, giveBack } = await pay(from)
    assert.ok(allowed, `guess ${count}`)
    await giveBack()
  }
})

test('what was not paid cannot be given back', async () => {
  const from = address()
  const { giveBack } = await pay(from)
  await giveBack()
  await giveBack()
  await giveBack()
  for (let count = 0; count < 10; count += 1) assert.ok((await pay(from)).allowed)
  assert.equal((await pay(from)).allowed, false)
})

test('a new window begins every five minutes, and a refusal says when', async () => {
  const from = address()
  now = windowStart + 299 * second
  for (let count = 0; count < 10; count += 1) await pay(from)
  const refused = await pay(from)
  assert.deepEqual([refused.allowed, refused.retryAfterSeconds], [false, 1])
  now = windowStart + 299_999
  assert.deepEqual([(await pay(from)).allowed, (await pay(from)).retryAfterSeconds], [false, 1])
  now = windowStart + 300 * second
  const again = await pay(from)
  assert.deepEqual([again.allowed, again.left, again.retryAfterSeconds], [true, 9, 300])
  now = windowStart
})

test('what is given back goes to the window it was paid in', async () => {
  const from = address()
  const { giveBack } = await pay(from)
  now = windowStart + 300 * second
  await giveBack()
  for (let count = 0; count < 10; count += 1) assert.ok((await pay(from)).allowed)
  assert.equal((await pay(from)).allowed, false)
  now = windowStart
})

test('an IPv6 network of 64 bits counts as one address, however it is spelt', async () => {
  const spellings = ['2001:db8:1:2::1', '2001:DB8:1:2:3:4:5:6', '2001:db8:1:2:ffff::', '2001:db8:1:2::']
  for (let count = 0; count < 10; count += 1) await pay(spellings[count % spellings.length]!)
  for (const spelling of spellings) assert.equal((await pay(spelling)).allowed, false, spelling)
  assert.equal((await pay('2001:db8:1:3::1')).allowed, true)
  assert.equal((await pay('::1')).allowed, true)
})

test('the counter cleans itself up, and holds nothing but a number and its end', async () => {
  const from = address()
  await pay(from)
  const window = windowStart / (300 * second)
  const item = await itemAt(table, `throttle#user-code#${from}`, `throttle#${window}`)
  assert.deepEqual(item, {
    pk: `throttle#user-code#${from}`,
    sk: `throttle#${window}`,
    wrong: 1,
    expires: windowStart / second + 600,
  })
})
