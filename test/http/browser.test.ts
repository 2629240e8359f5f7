/**
 * What a browser carries for us: sealed, bound to its application, and only as long as it may.
 */

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import {
  type CodeSignIn,
  carried,
  carry,
  dropped,
  isSameSecret,
  pageAnswer,
  type Question,
  redirect,
  type SignIn,
} from '../../shared/http/browser.ts'
import type { Call } from '../../shared/http/call.ts'
import { aCall, eventOf, startBroker, type TestBroker } from '../support/calls.ts'
import { anApplication } from '../support/registry.ts'

let broker: TestBroker
before(async () => {
  broker = await startBroker({ applications: [], clients: [] })
})
after(() => broker.stop())

const now = Date.now()
const question: Question = { sid: 'the session', csrf: 'drawn' }
const signIn: SignIn = {
  ...{
    flow: 'code',
    clientId: 'web',
    redirectUri: 'https://app.example/cb',
    scopes: ['openid'],
    audience: 'a',
    state: 's',
  },
  secrets: { state: 'state', nonce: 'nonce', codeVerifier: 'verifier' },
}

const at = (issuer: string, cookie?: string, changes: Partial<Call> = {}) =>
  aCall({
    application: anApplication(),
    issuer,
    now,
    event: eventOf({ headers: cookie === undefined ? {} : { Cookie: cookie } }),
    ...changes,
  })
const overTls = (cookie?: string, changes: Partial<Call> = {}) => at('https://auth.example/demo', cookie, changes)

async function cookieOf(call: Call, kind: 'question' | 'sign-in', value: Question | SignIn): Promise<string> {
  const header = await carry(call, kind, value as never)
  assert.ok(header)
  return header['set-cookie'] ?? ''
}
const pair = (cookie: string) => cookie.split(';')[0] ?? ''

test('the cookie is its application’s, __Host-, for TLS alone, out of reach of scripts and of other sites’ posts', async () => {
  const cookie = await cookieOf(overTls(), 'sign-in', signIn)
  assert.match(
    cookie,
    /^__Host-token-broker-sign-in-demo=[A-Za-z0-9_.-]+; Path=\/; Max-Age=900; HttpOnly; SameSite=Lax; Secure$/,
  )
  assert.ok(cookie.length < 4096)
})

test('on a laptop without TLS it has no prefix, which a browser would refuse', async () => {
  const cookie = await cookieOf(at('http://127.0.0.1:8787/demo'), 'question', question)
  assert.match(cookie, /^token-broker-question-demo=[A-Za-z0-9_.-]+; Path=\/; Max-Age=900; HttpOnly; SameSite=Lax$/)
})

test('what was carried comes back, whatever other cookies there are', async () => {
  const [asked, signing] = [
    await cookieOf(overTls(), 'question', question),
    await cookieOf(overTls(), 'sign-in', signIn),
  ]
  const cookies = `a=b; ${pair(asked)}; token-broker-question-demo=planted; ${pair(signing)}; __Host-token-broker=c`
  assert.deepEqual(await carried(overTls(cookies), 'question'), question)
  assert.deepEqual(await carried(overTls(cookies), 'sign-in'), signIn)
})

test('it is nothing at another application, for another use, after its end, changed, or missing', async () => {
  const asked = pair(await cookieOf(overTls(), 'question', question))
  const other = { application: anApplication({ name: 'other' }) }
  assert.equal(await carried(overTls(asked, other), 'question'), undefined)
  assert.equal(await carried(overTls(asked.replace('-demo=', '-other='), other), 'question'), undefined)
  assert.equal(await carried(overTls(asked.replace('question', 'sign-in')), 'sign-in'), undefined)
  assert.equal(
    await carried(overTls(asked, { now: now + 899_000 }), 'question').then((value) => value?.sid),
    question.sid,
  )
  assert.equal(await carried(overTls(asked, { now: now + 901_000 }), 'question'), undefined)
  assert.equal(await carried(overTls(`${asked.slice(0, -2)}AA`), 'question'), undefined)
  assert.equal(await carried(overTls('__Host-token-broker-question-demo='), 'question'), undefined)
  assert.equal(await carried(overTls(), 'question'), undefined)
})

test('a value that no cookie holds is not handed out', async () => {
  const long = { ...signIn, state: 's'.repeat(4_000) } as CodeSignIn & SignIn
  assert.equal(await carry(overTls(), 'sign-in', long), undefined)
})

test('it is taken back under the same name', () => {
  assert.deepEqual(dropped(overTls(), 'sign-in'), {
    'set-cookie': '__Host-token-broker-sign-in-demo=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax; Secure',
  })
})

test('secrets are compared whole', () => {
  assert.ok(isSameSecret('drawn', 'drawn'))
  for (const shown of ['', 'draw', 'drawn ', 'Drawn', 'dräwn']) assert.ok(!isSameSecret(shown, 'drawn'), shown)
})

test('a redirect is 303 and takes no referrer along; a page brings its own status and headers', () => {
  const { status, headers, body } = redirect('https://idp.example/x?y', { 'set-cookie': 'c' })
  assert.deepEqual([status, body], [303, undefined])
  assert.deepEqual(headers, {
    location: 'https://idp.example/x?y',
    'referrer-policy': 'no-referrer',
    'set-cookie': 'c',
  })
  const page = { status: 418, headers: { a: '1', b: '1' }, html: '<p>' } as never
  assert.deepEqual(pageAnswer(page, { b: '2' }), { status: 418, headers: { a: '1', b: '2' }, body: '<p>' })
})
