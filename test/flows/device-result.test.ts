/**
 * D26 of the cases: the page that says how a device's sign-in ended, reloaded, restored and opened elsewhere.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { cli } from './support/callers.ts'
import { endpoint, poll } from './support/endpoints.ts'
import { expectErrorPage, expectTokens } from './support/expect.ts'
import { decide, deviceCode } from './support/flows.ts'
import { Person } from './support/person.ts'
import { sharedBroker } from './support/shared-broker.ts'

const broker = await sharedBroker()

test('D26 the page of success has an address without code and state, and shows the same when it is reloaded', async () => {
  const started = await deviceCode(broker)
  const person = new Person({ name: 'ada' })
  const page = await decide(started, 'approve', person)
  assert.equal(page.status, 200, page.text)
  assert.deepEqual([...page.url.searchParams.keys()], ['result'])
  assert.match(page.text, /Demo command line is connected.*ada/i)
  for (const again of [await person.open(page.url), await person.open(page.url)]) {
    assert.deepEqual([again.status, again.text], [200, page.text])
  }
  expectTokens(await poll(broker, cli, started.deviceCode))
  assert.equal((await person.open(page.url)).text, page.text)
})

test('D26 what a browser does not know, the page does not claim', async () => {
  const person = new Person()
  const page = await decide(await deviceCode(broker), 'approve', person)
  const invented = new URL(page.url)
  invented.searchParams.set('result', 'invented0')
  for (const elsewhere of [await new Person().open(page.url), await person.open(invented)]) {
    expectErrorPage(elsewhere)
    assert.equal(elsewhere.status, 410)
    assert.doesNotMatch(elsewhere.text, /is connected|nothing was connected/i)
  }
})

test('D26 a callback that is opened once more says nothing of what was connected', async () => {
  const person = new Person()
  const started = await deviceCode(broker)
  await decide(started, 'approve', person)
  const callback = person.visited.find(({ href }) => href.startsWith(endpoint(broker, 'demo', 'callback')))
  assert.ok(callback)
  const again = await person.open(callback)
  expectErrorPage(again)
  assert.doesNotMatch(again.text, /connected/i)
  expectTokens(await poll(broker, cli, started.deviceCode))
})

test('D26 a reload while the answer is on its way reads that the code has been used', async () => {
  const person = new Person()
  const started = await deviceCode(broker)
  const isCallback = ({ href }: URL) => href.startsWith(endpoint(broker, 'demo', 'callback'))
  const page = await person.open(started.verificationUriComplete)
  const login = await person.submit(page, page.forms[0]!, {}, 'approve')
  const callback = (await person.submit(login, login.forms[0]!, { login: 'ada', password: 'x' }, undefined, isCallback))
    .url
  assert.ok(isCallback(callback), callback.href)
  // Two requests with the same cookies: of the first one the browser never saw the answer.
  const [first, second] = [person.copy(), person.copy()]
  assert.equal((await first.open(callback)).status, 200)
  const again = await second.open(callback)
  expectErrorPage(again)
  assert.match(again.text, /The code has been used/)
})
