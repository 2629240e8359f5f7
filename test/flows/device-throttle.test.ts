/**
 * D20 of the cases: who guesses user codes is slowed down, and nobody else is (RFC 8628 §5.1).
 *
 * The clock stands still, so that no window ends meanwhile; every guesser has an address of its own.
 */
import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { after, before, beforeEach, test } from 'node:test'
import { processParts as composed } from '../../shared/parts.ts'
import { maxWrong } from '../../shared/store/throttle.ts'
import { Unavailable } from '../../shared/unavailable.ts'
import { cli } from './support/callers.ts'
import { issuer, poll } from './support/endpoints.ts'
import { expectTokens } from './support/expect.ts'
import { decide, deviceCode, type, walk } from './support/flows.ts'
import { type Page, Person } from './support/person.ts'
import { startTimedBroker, type TimedBroker } from './support/timed-broker.ts'
import { randomUserCode } from './support/user-code.ts'
import { formBody, type Headers, send } from './support/wire.ts'

let broker: TimedBroker
before(async () => {
  broker = await startTimedBroker()
})
beforeEach(() => broker.freeze())
after(() => broker.stop())

const page = () => `${issuer(broker, 'demo')}/activate`
const asks = ({ forms }: Page) => forms.some(({ buttons }) => buttons.some(({ name }) => name === 'decision'))

/** Types so many wrong codes, and answers the status of each. */
async function guess(guesser: Person, times: number): Promise<number[]> {
  const statuses: number[] = []
  for (let turn = 0; turn < times; turn += 1) {
    statuses.push((await type(guesser, page(), randomUserCode(), 'approve')).status)
  }
  return statuses
}

/** A program without cookies posts a code from an address, and what else it says. */
const post = (localAddress: string, code: string, headers: Headers = {}) =>
  send(page(), {
    method: 'POST',
    body: formBody({ user_code: code }),
    headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
    localAddress,
  })

test('D20 ten wrong user codes stop the browser that typed them with 429, and no other one at its address', async () => {
  const [guesser, neighbour] = [1, 2].map(() => new Person({ localAddress: '127.0.20.1' })) as [Person, Person]
  assert.deepEqual(await guess(guesser, 11), [...Array<number>(9).fill(400), 429, 429])

  const started = await deviceCode(broker)
  assert.equal((await type(neighbour, started.verificationUri, started.userCode, 'approve')).status, 200)
  expectTokens(await poll(broker, cli, started.deviceCode))
})

test('D20 the 429 is a page that says when to try again, and a right code typed there waits as well', async () => {
  const guesser = new Person({ localAddress: '127.0.20.3' })
  await guess(guesser, 10)
  const started = await deviceCode(broker)
  const refused = await type(guesser, page(), started.userCode, 'approve')
  assert.equal(refused.status, 429, refused.text)
  assert.match(refused.headers['content-type'] ?? '', /^text\/html/)
  assert.match(refused.headers['retry-after'] ?? '', /^[1-9][0-9]*$/)
  broker.advance(Number(refused.headers['retry-after']) + 1)
  assert.equal((await type(guesser, page(), started.userCode, 'approve')).status, 200)
})

test('D20 a complete link works in a browser that is stopped, and is never charged', async () => {
  const guesser = new Person({ localAddress: '127.0.20.2' })
  await guess(guesser, 10)
  for (let turn = 0; turn < 2; turn += 1) {
    const started = await deviceCode(broker)
    assert.equal((await decide(started, 'approve', guesser)).status, 200)
    expectTokens(await poll(broker, cli, started.deviceCode))
  }
})

test('D20 right codes do not count: somebody with many devices is no guesser', async () => {
  const person = new Person({ localAddress: '127.0.20.4' })
  for (let turn = 0; turn < 12; turn += 1) {
    const started = await deviceCode(broker)
    assert.equal((await type(person, started.verificationUri, started.userCode, 'deny')).status, 200)
  }
})

test('D20 a code that the store could not look up costs nothing', async (t) => {
  const guesser = new Person({ localAddress: '127.0.20.31' })
  const started = await deviceCode(broker)
  await guess(guesser, 9)
  const read = t.mock.method(composed().families, 'read', async () => {
    throw new Unavailable('store', undefined)
  })
  assert.deepEqual(await guess(guesser, 2), [503, 503])
  read.mock.restore()
  assert.ok(asks(await walk(guesser, await guesser.open(started.verificationUri), { userCode: started.userCode })))
})

test('D20 an address without our proof looks nothing up: the code stands in the field, for its person to send it', async () => {
  const guesser = new Person({ localAddress: '127.0.20.5' })
  const { userCode, verificationUriComplete } = await deviceCode(broker)
  const other = new URL(verificationUriComplete).searchParams.get('proof') ?? ''
  assert.match(other, /^[\w-]{16}$/)
  for (const query of [
    `user_code=${userCode}`,
    `user_code=${userCode}&proof=${'A'.repeat(16)}`,
    `user_code=${(await deviceCode(broker)).userCode}&proof=${other}`,
  ]) {
    const opened = await guesser.open(`${page()}?${query}`)
    assert.deepEqual([opened.status, asks(opened)], [200, false], query)
  }
  for (let turn = 0; turn < 12; turn += 1) await guesser.open(`${page()}?user_code=${randomUserCode()}`)
  const opened = await guesser.open(`${page()}?user_code=${userCode}`)
  assert.ok(asks(await guesser.submit(opened, opened.forms[0]!, {})), 'one click more leads to the question')
})

test('D20 what another site makes a browser send is neither looked up nor charged', async () => {
  const started = await deviceCode(broker)
  const from = '127.0.20.8'
  const visitor = new Person({ localAddress: from })
  const foreign: Headers[] = [
    ...['cross-site', 'same-site', 'none'].map((site) => ({ 'sec-fetch-site': site, 'sec-fetch-mode': 'navigate' })),
    { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors', origin: 'null' },
    // Browsers without Fetch Metadata.
    { origin: 'null' },
    { origin: 'https://evil.example' },
  ]
  for (const headers of foreign) {
    for (let turn = 0; turn < maxWrong.address; turn += 1) await post(from, randomUserCode(), headers)
    const answer = await post(from, started.userCode, headers)
    assert.equal(answer.status, 200)
    assert.doesNotMatch(answer.text, /name="decision"/, JSON.stringify(headers))
  }
  assert.equal((await post(from, randomUserCode())).status, 400, 'the address has its whole allowance')
  assert.deepEqual(await guess(visitor, 9), Array<number>(9).fill(400))
})

test('D20 an authentic link that a browser loads in advance, in a frame or as an image is not looked up', async () => {
  const { verificationUriComplete } = await deviceCode(broker)
  const unopened: Headers[] = [
    { 'sec-purpose': 'prefetch' },
    { 'sec-purpose': 'prefetch;prerender' },
    { 'sec-fetch-dest': 'image', 'sec-fetch-mode': 'no-cors' },
    { 'sec-fetch-dest': 'iframe', 'sec-fetch-mode': 'navigate' },
    { 'sec-fetch-dest': 'empty', 'sec-fetch-mode': 'cors' },
  ]
  for (const headers of unopened) {
    const person = new Person({ localAddress: '127.0.20.9', headers: () => headers })
    const opened = await person.open(verificationUriComplete)
    assert.deepEqual([opened.status, asks(opened)], [200, false], JSON.stringify(headers))
  }
  const person = new Person({ localAddress: '127.0.20.9' })
  const opened = await person.open(verificationUriComplete)
  assert.ok(asks(opened))
})

test('D20 requests without our cookie use up their address’s own allowance, whatever they say of themselves', async () => {
  const from = '127.0.20.6'
  const lies = () => ({ 'x-forwarded-for': `10.${randomInt(256)}.${randomInt(256)}.${randomInt(1, 255)}` })
  const statuses: number[] = []
  for (let turn = 0; turn <= maxWrong.address; turn += 1) {
    statuses.push((await post(from, randomUserCode(), { ...lies(), 'sec-fetch-site': 'same-origin' })).status)
  }
  assert.deepEqual(statuses.slice(-3), [400, 429, 429])
  assert.equal((await post(from, (await deviceCode(broker)).userCode)).status, 429)

  const started = await deviceCode(broker)
  const neighbour = new Person({ localAddress: from })
  assert.equal((await type(neighbour, started.verificationUri, started.userCode, 'approve')).status, 200)
})

test('D20 one that takes a new cookie for each code uses up what new browsers have, and not what people have', async () => {
  const from = '127.0.20.10'
  const known = new Person({ localAddress: from })
  assert.equal((await decide(await deviceCode(broker), 'approve', known)).status, 200)
  const statuses = await Promise.all(
    Array.from({ length: maxWrong.browsers + 5 }, async () => (await guess(new Person({ localAddress: from }), 1))[0]),
  )
  assert.equal(statuses.filter((status) => status === 400).length, maxWrong.browsers - 1)
  assert.equal(statuses.filter((status) => status === 429).length, 6)

  const started = await deviceCode(broker)
  assert.equal((await type(known, started.verificationUri, started.userCode, 'approve')).status, 200)
  assert.equal((await type(new Person({ localAddress: from }), page(), started.userCode, 'deny')).status, 429)
})

test('D20 all browsers of a person who has signed in have ten wrong codes together', async () => {
  const browsers = ['127.0.20.11', '127.0.20.12'].map((localAddress) => new Person({ localAddress, name: 'twin' }))
  for (const browser of browsers) await decide(await deviceCode(broker), 'approve', browser)
  assert.deepEqual(await guess(browsers[0]!, 10), [...Array<number>(9).fill(400), 429])
  assert.deepEqual(await guess(browsers[1]!, 1), [429])
})

test('D20 fifty guesses at once of one browser are fifty guesses', async () => {
  const guesser = new Person({ localAddress: '127.0.20.7' })
  const opened = await guesser.open(page())
  const guesses = Array.from({ length: 50 }, () =>
    guesser.submit(opened, opened.forms[0]!, { user_code: randomUserCode() }),
  )
  const looked = (await Promise.all(guesses)).filter(({ status }) => status !== 429)
  assert.equal(looked.length, maxWrong.browser - 1)
})

test('D20 what cannot be a code costs nothing, and is told apart from what nobody has', async () => {
  const person = new Person({ localAddress: '127.0.20.13' })
  for (let turn = 0; turn < 6; turn += 1) {
    for (const typed of ['WDJB-MJH', 'AEIO-UAEI']) {
      const answer = await type(person, page(), typed, 'approve')
      assert.equal(answer.status, 400)
      assert.match(answer.text, new RegExp(`${typed} is no code`))
    }
  }
  const wrong = randomUserCode()
  const unknown = await type(person, page(), wrong.toLowerCase(), 'approve')
  assert.match(unknown.text, new RegExp(`do not know the code ${wrong}`))
  assert.equal(unknown.forms[0]?.fields.find(({ name }) => name === 'user_code')?.value, '')
})

test('D20 the question is no place to try codes at: no family but its own is looked up', async () => {
  const [own, other] = [await deviceCode(broker), await deviceCode(broker)]
  const person = new Person({ localAddress: '127.0.20.14' })
  const question = await person.open(own.verificationUriComplete)
  const read = composed().families.read
  const lookedUp: string[] = []
  const counted = (sid: string) => {
    lookedUp.push(sid)
    return read(sid)
  }
  Object.assign(composed().families, { read: counted })
  try {
    for (const user_code of [other.userCode, randomUserCode(), 'AAAA']) {
      assert.equal((await person.submit(question, question.forms[0]!, { user_code }, 'approve')).status, 400)
    }
    assert.deepEqual(lookedUp, [])
  } finally {
    Object.assign(composed().families, { read })
  }
})
