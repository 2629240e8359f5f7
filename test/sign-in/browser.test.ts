/**
 * What a browser carries for us: sealed, bound to its application, and only as long as it may.
 */

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { providerId } from '../../shared/domain/provider-identity.ts'
import type { Application } from '../../shared/domain/registration.ts'
import type { Call } from '../../shared/http/call.ts'
import {
  type CodeSignIn,
  clearCookies,
  pageAnswer,
  type Question,
  readSealedCookie,
  readSignIn,
  redirect,
  type SignIn,
  sealInCookie,
} from '../../shared/sign-in/browser.ts'
import { newHandle } from '../../shared/sign-in/cookies.ts'
import { newVisitor } from '../../shared/sign-in/visitor.ts'
import { putRegistry } from '../../shared/store/registry.ts'
import { aCall, eventOf, startBroker, type TestBroker } from '../support/calls.ts'
import { anApplication } from '../support/registry.ts'

let broker: TestBroker
before(async () => {
  broker = await startBroker({ applications: [], clients: [] })
})
after(() => broker.stop())

const now = Date.now()
const question: Question = { sid: 'the session', csrf: 'drawn3' }
const signInWith = (state: string, clientState = 's'): CodeSignIn & SignIn => ({
  ...{ flow: 'code', clientId: 'web', redirectUri: 'https://app.example/cb', scopes: ['openid'], audiences: ['a'] },
  responseMode: 'query',
  ...{ state: clientState, secrets: { state, nonce: 'n'.repeat(43), codeVerifier: 'v'.repeat(43) } },
})
const signIn = signInWith('drawn5')

const changed = anApplication({ provider: { ...anApplication().provider, clientId: 'another' } })

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
  const [cookie, ...more] = (await sealInCookie(call, kind, value as never)) ?? []
  assert.deepEqual(more, [])
  return cookie ?? assert.fail('there is a cookie')
}
const pair = (cookie: string) => cookie.split(';')[0] ?? ''

/** A browser's cookies, as its next request has them. */
class Jar {
  readonly #cookies = new Map<string, string>()
  keep(lines: readonly string[] = []): void {
    for (const line of lines) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
      if (/; Max-Age=0;/.test(line)) this.#cookies.delete(name)
      else this.#cookies.set(name, value)
    }
  }
  get header(): string {
    return [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ')
  }
}

/** Starts a sign-in in a tab of its own; answers its handle. */
async function startTab(
  jar: Jar,
  seconds: number,
  options: { state?: string; cookies?: string } = {},
): Promise<string> {
  const call = overTls(options.cookies ?? jar.header, { now: now + seconds * 1000 })
  const handle = newHandle(call)
  jar.keep(await sealInCookie(call, 'sign-in', signInWith(handle, options.state)))
  return handle
}

async function livingTabs(jar: Jar, handles: readonly string[]): Promise<number[]> {
  const found = await Promise.all(handles.map((handle) => readSignIn(overTls(jar.header), handle)))
  return found.flatMap((value, tab) => (value === undefined ? [] : [tab]))
}

test('a cookie is __Host-, for TLS alone, out of reach of scripts and of other sites’ posts', async () => {
  const cookie = await cookieOf(overTls(), 'sign-in', signIn)
  assert.match(
    cookie,
    /^__Host-token-broker-5=[a-z0-9]{6}\.[A-Za-z0-9_.-]+; Max-Age=900; Path=\/; HttpOnly; Secure; SameSite=Lax$/,
  )
  assert.ok(cookie.length < 4096)
})

test('on a laptop without TLS it has no prefix, which a browser would refuse', async () => {
  const cookie = await cookieOf(at('http://127.0.0.1:8787/demo'), 'question', question)
  assert.match(cookie, /^token-broker-3=[A-Za-z0-9_.-]+; Max-Age=900; Path=\/; HttpOnly; SameSite=Lax$/)
})

test('what was carried comes back under its handle, whatever other cookies there are', async () => {
  const asked = pair(await cookieOf(overTls(), 'question', question))
  const signing = pair(await cookieOf(overTls(), 'sign-in', signIn))
  const cookies = `a=b; ${asked}; token-broker-3=planted; ${signing}; __Host-token-broker-=c; __Host-token-broker-9=d`
  assert.deepEqual(await readSealedCookie(overTls(cookies), 'question', 'drawn3'), question)
  assert.deepEqual((await readSignIn(overTls(cookies), 'drawn5'))?.signIn, signIn)
})

test('another handle finds nothing, also one that names the same place', async () => {
  const cookie = pair(await cookieOf(overTls(), 'question', question))
  for (const handle of ['other3', 'drawn5', '3', '', 'drawn', undefined]) {
    assert.equal(await readSealedCookie(overTls(cookie), 'question', handle), undefined, handle)
  }
})

test('a value is nothing at another application, for another use, after its end, changed, or missing', async () => {
  const asked = pair(await cookieOf(overTls(), 'question', question))
  const find = (cookie?: string, changes?: Partial<Call>) =>
    readSealedCookie(overTls(cookie, changes), 'question', 'drawn3')
  assert.equal(await find(asked, { application: anApplication({ name: 'other' }) }), undefined)
  assert.equal(await readSignIn(overTls(asked), 'drawn3'), undefined)
  assert.deepEqual(await find(asked, { now: now + 899_000 }), question)
  assert.equal(await find(asked, { now: now + 901_000 }), undefined)
  assert.equal(await find(`${asked.slice(0, -2)}AA`), undefined)
  for (const value of ['', '.', 'x', '0.', 'a.b.c.d.e.f']) {
    assert.equal(await find(`__Host-token-broker-3=${value}`), undefined)
  }
  assert.equal(await find(), undefined)
})

test('B26 a sign-in is nothing once its application has another provider, and something again at a former address', async () => {
  const cookie = pair(await cookieOf(overTls(), 'sign-in', signIn))
  const find = (application: Application) => readSignIn(overTls(cookie, { application }), 'drawn5')
  const { provider } = anApplication()
  assert.equal(await find(changed), undefined)
  const moved = { ...changed, formerProviders: [providerId(provider)] }
  assert.deepEqual(await find(moved), { signIn, application: moved })
})

test('a sign-in that began at a new provider is finished there, though this function still goes by the former one', async () => {
  const cookie = pair(await cookieOf(overTls(undefined, { application: changed }), 'sign-in', signIn))
  await putRegistry(broker.table, { applications: [changed], clients: [] })
  const found = await readSignIn(overTls(cookie), 'drawn5')
  assert.deepEqual(found?.application.provider, changed.provider)
})

test('a value that no cookie holds is not handed out', async () => {
  assert.equal(await sealInCookie(overTls(), 'sign-in', signInWith('drawn5', 's'.repeat(4_000))), undefined)
})

test('a value is taken back under the name that it was handed out with', () => {
  assert.deepEqual(clearCookies(overTls(), signIn), [
    '__Host-token-broker-5=; Max-Age=0; Path=/; HttpOnly; Secure; SameSite=Lax',
  ])
})

test('six tabs of a browser sign in at once; the seventh takes the place of the oldest', async () => {
  const jar = new Jar()
  const handles: string[] = []
  for (let tab = 0; tab < 6; tab += 1) handles.push(await startTab(jar, tab))
  assert.deepEqual(await livingTabs(jar, handles), [0, 1, 2, 3, 4, 5])
  handles.push(await startTab(jar, 6), await startTab(jar, 7))
  assert.deepEqual(await livingTabs(jar, handles), [2, 3, 4, 5, 6, 7])
})

test('fifty tabs one after the other leave room for other headers, whatever states their clients send', async () => {
  for (const state of ['s', 's'.repeat(600), 's'.repeat(2_000)]) {
    const jar = new Jar()
    const handles: string[] = []
    for (let tab = 0; tab < 50; tab += 1) handles.push(await startTab(jar, tab, { state }))
    assert.ok(jar.header.length <= 6_000, `${jar.header.length} bytes`)
    assert.ok((await livingTabs(jar, handles)).includes(49))
  }
})

test('fifty tabs that start at the same moment, each without the cookies of the others, fill no more than the places', async () => {
  const jar = new Jar()
  const handles: string[] = []
  for (let tab = 0; tab < 50; tab += 1) handles.push(await startTab(jar, 0, { cookies: '' }))
  assert.ok(jar.header.length <= 6_000, `${jar.header.length} bytes`)
  assert.equal((await livingTabs(jar, handles)).length, new Set(handles.map((handle) => handle.at(-1))).size)
})

test('two ordinary sign-ins that start at the same moment both live', async () => {
  const jar = new Jar()
  const usual = {
    nonce: 'n'.repeat(43),
    codeChallenge: 'c'.repeat(43),
    language: 'en',
    scopes: ['openid', 'profile', 'email', 'offline_access'],
    audiences: ['https://api.example.test'],
  } as const
  const handles = ['a'.repeat(22), 'b'.repeat(22)].map((handle, place) => `${handle}${place}`)
  for (const handle of handles) {
    jar.keep(await sealInCookie(overTls(''), 'sign-in', { ...signInWith(handle, 's'.repeat(43)), ...usual }))
  }
  assert.deepEqual(await livingTabs(jar, handles), [0, 1])
})

test('a Cookie header with names that no cookie can have is no fault', async () => {
  const names = ['a b', 'c d', 'é', 'e f', 'g h', 'i j'].map((name) => `__Host-token-broker-browser-${name}=1`)
  assert.equal((await newVisitor(overTls(names.join('; ')))).cookies.length, 1)
})

test('tabs with large states that start at the same moment do not lock the browser out', async () => {
  for (const length of [600, 2_000]) {
    const jar = new Jar()
    const handles: string[] = []
    for (let tab = 0; tab < 20; tab += 1) {
      handles.push(await startTab(jar, 0, { cookies: '', state: 's'.repeat(tab % 3 === 0 ? 1 : length) }))
    }
    assert.ok(jar.header.length <= 9_000, `${jar.header.length} bytes`)
    assert.ok((await livingTabs(jar, handles)).includes(19))
  }
})

test('a browser that visits the device pages of many applications keeps room for sign-ins', async () => {
  const jar = new Jar()
  for (let at = 0; at < 30; at += 1) {
    const call = overTls(jar.header, { application: anApplication({ name: `app-${at}` }) })
    jar.keep((await newVisitor(call)).cookies)
  }
  assert.ok(jar.header.length <= 6_000, `${jar.header.length} bytes`)
  assert.match(jar.header, /browser-app-29=/)
})

test('cookies of others on the domain leave less room for ours, and never none for the newest', async () => {
  const jar = new Jar()
  const handles: string[] = []
  for (let tab = 0; tab < 6; tab += 1) {
    handles.push(await startTab(jar, tab, { cookies: `site=${'c'.repeat(6_500)}; ${jar.header}` }))
  }
  assert.deepEqual(await livingTabs(jar, handles), [5])
})

test('a handle that takes over from another one has the same place, and is drawn anew', () => {
  const first = newHandle(overTls())
  const second = newHandle(overTls(), first)
  assert.equal(second.at(-1), first.at(-1))
  assert.notEqual(second, first)
  assert.match(first, /^[\w-]{22}[0-5]$/)
})

test('a redirect is 303 and takes no referrer along; a page brings its own status and headers', () => {
  const { status, headers, cookies, body } = redirect('https://idp.example/x?y', ['c'])
  assert.deepEqual([status, cookies, body], [303, ['c'], undefined])
  assert.deepEqual(headers, { location: 'https://idp.example/x?y', 'referrer-policy': 'no-referrer' })
  const page = { status: 418, headers: { a: '1' }, html: '<p>' }
  assert.deepEqual(pageAnswer(page, ['c']), { status: 418, headers: { a: '1' }, cookies: ['c'], body: '<p>' })
})
