/**
 * C20 of the cases: several sign-ins in one browser at the same time, each in a tab of its own.
 *
 * Owns that none of them breaks or answers another one (RFC 6749 §10.12). How many a browser carries is
 * test/sign-in/browser.test.ts.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { cli, web } from './support/callers.ts'
import { authorizeUrl, callbackUri, endpoint, exchange, poll } from './support/endpoints.ts'
import { expectErrorPage, expectRefusal, expectTokens } from './support/expect.ts'
import { deviceCode, walk } from './support/flows.ts'
import { type Halt, type Page, Person } from './support/person.ts'
import { sharedBroker } from './support/shared-broker.ts'

const broker = await sharedBroker()
const atProvider: Halt = (url) => url.origin !== broker.url
const atCallback: Halt = (url) => url.href.startsWith(endpoint(broker, 'demo', 'callback'))

/** A tab that has got as far as the provider. */
const startTab = (person: Person, state: string) =>
  person.open(authorizeUrl(broker, web, { state, nonce: state }), atProvider)

async function finishTab(person: Person, { url }: Page, halt?: Halt): Promise<Page> {
  return walk(person, await person.open(url, halt), { ...(halt && { halt }) })
}

test('C20 two tabs sign in at the same application, and each client request gets its own answer', async () => {
  const person = new Person()
  const tabs = [await startTab(person, 'first'), await startTab(person, 'second')]
  for (const [at, state] of [
    [1, 'second'],
    [0, 'first'],
  ] as const) {
    const { url } = await finishTab(person, tabs[at]!)
    assert.equal(url.origin + url.pathname, callbackUri, url.href)
    assert.equal(url.searchParams.get('state'), state)
    expectTokens(await exchange(broker, web, url.searchParams.get('code') ?? ''))
  }
})

test('C20 a device is connected in one tab while another one signs in at a client', async () => {
  const person = new Person()
  const started = await deviceCode(broker)
  const question = await person.open(started.verificationUriComplete)
  const client = await startTab(person, 'client')
  const device = await walk(person, question, { decision: 'approve', halt: atProvider })
  const { url } = await finishTab(person, client)
  assert.equal(url.origin + url.pathname, callbackUri, url.href)
  assert.equal((await finishTab(person, device)).status, 200)
  expectTokens(await poll(broker, cli, started.deviceCode))
})

test('C20 two questions of one browser are each answered for their own device', async () => {
  const person = new Person()
  const started = [await deviceCode(broker), await deviceCode(broker)]
  const questions = [
    await person.open(started[0]!.verificationUriComplete),
    await person.open(started[1]!.verificationUriComplete),
  ]
  await walk(person, questions[0]!, { decision: 'deny' })
  await walk(person, questions[1]!, { decision: 'approve' })
  expectRefusal(await poll(broker, cli, started[0]!.deviceCode), 400, 'access_denied')
  expectTokens(await poll(broker, cli, started[1]!.deviceCode))
})

test('C20 the code of one tab with the state of another is an error page, and the other tab’s sign-in goes on', async () => {
  const person = new Person()
  const [first, second] = [await startTab(person, 'first'), await startTab(person, 'second')]
  const own = await finishTab(person, first, atCallback)
  const swapped = new URL(own.url)
  swapped.searchParams.set('code', (await finishTab(person, second, atCallback)).url.searchParams.get('code') ?? '')
  expectErrorPage(await person.open(swapped))
  const { url } = await finishTab(person, second)
  assert.equal(url.origin + url.pathname, callbackUri, url.href)
  expectTokens(await exchange(broker, web, url.searchParams.get('code') ?? ''))
})
