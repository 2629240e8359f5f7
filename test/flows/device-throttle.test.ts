/**
 * D20 of the cases: who guesses user codes is slowed down, at the address that the guesses come from.
 *
 * Owns the throttle of the activation page (RFC 8628 §5.1). The clock stands still, so that no window ends meanwhile;
 * every guesser has an address of its own.
 */
import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { after, before, beforeEach, test } from 'node:test'
import { cli } from './support/callers.ts'
import { issuer, poll } from './support/endpoints.ts'
import { expectTokens } from './support/expect.ts'
import { decide, deviceCode, type } from './support/flows.ts'
import { Person } from './support/person.ts'
import { startTimedBroker, type TimedBroker } from './support/timed-broker.ts'
import { randomUserCode } from './support/user-code.ts'

let broker: TimedBroker
before(async () => {
  broker = await startTimedBroker()
})
beforeEach(() => broker.freeze())
after(() => broker.stop())

const page = () => `${issuer(broker, 'demo')}/activate`

/** Types so many wrong codes, and answers the status of each. */
async function guess(guesser: Person, times: number): Promise<number[]> {
  const statuses: number[] = []
  for (let turn = 0; turn < times; turn += 1) {
    statuses.push((await type(guesser, page(), randomUserCode(), 'approve')).status)
  }
  return statuses
}

test('D20 ten wrong user codes from one address are throttled with 429, and people elsewhere are not', async () => {
  const guesser = new Person({ localAddress: '127.0.20.1' })
  const statuses = await guess(guesser, 11)
  assert.ok(!statuses.slice(0, 9).includes(429), `throttled early: ${statuses}`)
  assert.equal(statuses.at(-1), 429, `not throttled: ${statuses}`)

  const started = await deviceCode(broker)
  const neighbour = new Person({ localAddress: '127.0.20.2' })
  assert.equal((await type(neighbour, started.verificationUri, started.userCode, 'approve')).status, 200)
  expectTokens(await poll(broker, cli, started.deviceCode))
})

test('D20 the 429 is a page that says when to try again, and a right code from there waits as well', async () => {
  const guesser = new Person({ localAddress: '127.0.20.3' })
  await guess(guesser, 11)
  const refused = await decide(await deviceCode(broker), 'approve', guesser)
  assert.equal(refused.status, 429, refused.text)
  assert.match(refused.headers['content-type'] ?? '', /^text\/html/)
  assert.match(refused.headers['retry-after'] ?? '', /^[1-9][0-9]*$/)
  broker.advance(Number(refused.headers['retry-after']) + 1)
  assert.equal((await decide(await deviceCode(broker), 'approve', guesser)).status, 200)
})

test('D20 right codes do not count: somebody with many devices is no guesser', async () => {
  const person = new Person({ localAddress: '127.0.20.4' })
  for (let turn = 0; turn < 12; turn += 1) {
    assert.equal((await decide(await deviceCode(broker), 'deny', person)).status, 200)
  }
})

test('D20 guessing through complete addresses is throttled just the same', async () => {
  const guesser = new Person({ localAddress: '127.0.20.5' })
  let last = 0
  for (let turn = 0; turn < 11; turn += 1) {
    last = (await guesser.open(`${page()}?user_code=${randomUserCode()}`)).status
  }
  assert.equal(last, 429)
})

test('D20 images and frames on somebody’s page do not spend the guesses of whoever looks at it', async () => {
  let embedded = true
  const headers = () => ({ 'sec-fetch-dest': embedded ? 'image' : 'document' })
  const visitor = new Person({ localAddress: '127.0.20.8', headers })
  for (let turn = 0; turn < 12; turn += 1) {
    assert.equal((await visitor.open(`${page()}?user_code=${randomUserCode()}`)).status, 200)
  }
  embedded = false
  assert.equal((await decide(await deviceCode(broker), 'approve', visitor)).status, 200)
})

test('D20 a header that names another address does not help the guesser', async () => {
  const headers = () => ({ 'x-forwarded-for': `10.${randomInt(256)}.${randomInt(256)}.${randomInt(1, 255)}` })
  const guesser = new Person({ localAddress: '127.0.20.6', headers })
  assert.equal((await guess(guesser, 11)).at(-1), 429)
})

test('D20 fifty guesses at once are fifty guesses', async () => {
  const guesses = Array.from({ length: 50 }, () =>
    new Person({ localAddress: '127.0.20.7' }).open(`${page()}?user_code=${randomUserCode()}`),
  )
  const looked = (await Promise.all(guesses)).filter(({ status }) => status !== 429)
  assert.ok(looked.length <= 11, `${looked.length} were looked at`)
})
