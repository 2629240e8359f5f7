/**
 * B14, B16 and B18 of the cases: ops see sessions and end one, and each thing they do leaves its line in the audit.
 *
 * Owns the routes of ops as the local stack has them; who may call them in the cloud is the stack's (test/infra).
 */
import '../support/hasty-sweeps.ts'
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type BrokerHere, startBrokerHere } from './support/broker-here.ts'
import { auth0Cli, cli, job, web } from './support/callers.ts'
import { poll, userinfo } from './support/endpoints.ts'
import { claimsOf, expectDead, expectRefusal, expectUncachedJson, refreshed } from './support/expect.ts'
import { code, decide, device, deviceCode, walk } from './support/flows.ts'
import { list, revokeMany, revokeOne, rowsOf, show, whole } from './support/ops.ts'
import { Person } from './support/person.ts'
import { get, postForm, send } from './support/wire.ts'

let broker: BrokerHere
before(async () => {
  broker = await startBrokerHere()
})
after(() => broker.stop())

const localUser = 'arn:aws:iam::000000000000:user/local'
const sidOf = (session: { readonly accessToken: string }) => String(claimsOf(session.accessToken).sid)
const personOf = (session: { readonly accessToken: string }) => String(claimsOf(session.accessToken).sub)

/** The log's lines of one event about one thing. */
function lines(event: string, member: string, value: unknown): Record<string, unknown>[] {
  return broker
    .output()
    .split('\n')
    .filter((line) => line.includes(`"event":"${event}"`))
    .map((line) => JSON.parse(line.slice(line.indexOf('{'), line.lastIndexOf('}') + 1)) as Record<string, unknown>)
    .filter((line) => line[member] === value)
}

test('B14 by user, by client and of all: each sees its own, newest first, and no page twice', async () => {
  const person = new Person({ name: 'b14' })
  const atCli = [await device(broker, cli, {}, person), await device(broker, cli, {}, person)]
  const atJob = await device(broker, job, {}, person)
  const other = await device(broker, job, {}, new Person({ name: 'b14-other' }))
  const elsewhere = await device(broker, auth0Cli, {}, new Person({ name: 'b14' }))
  const own = [sidOf(atJob), ...atCli.toReversed().map(sidOf)]
  const sids = async (query: Record<string, string>) => (await whole(broker, 'demo', query)).map(({ sid }) => sid)
  const subject = personOf(atJob)
  for (const limit of ['1', '2', '100']) {
    assert.deepEqual(await sids({ subject, limit }), own, `${limit} a page`)
    assert.deepEqual(await sids({ subject, client_id: 'cli', limit }), own.slice(1))
    assert.deepEqual((await sids({ client_id: 'job', limit })).slice(0, 2), [sidOf(other), sidOf(atJob)])
    assert.deepEqual((await sids({ limit })).slice(0, 4), [sidOf(other), ...own])
  }
  assert.ok(!(await sids({})).includes(sidOf(elsewhere)), 'another application is another list')
  assert.deepEqual(await sids({ subject: 'nobody' }), [])
})

test('B14 a session says who, for what, since when and from where, how often refreshed, and until when', async () => {
  const session = await device(broker, cli, { scope: 'openid offline_access' })
  const first = await refreshed(broker, cli, session.refreshToken)
  await refreshed(broker, cli, first.refreshToken)
  const answer = await show(broker, 'demo', sidOf(session))
  assert.equal(answer.status, 200)
  expectUncachedJson(answer)
  assert.equal(answer.headers['access-control-allow-origin'], undefined)
  const row = answer.body.session as Record<string, string>
  const { created_at, last_refreshed_at, expires_at, absolute_expires_at, ...rest } = row
  assert.deepEqual(rest, {
    sid: sidOf(session),
    application: 'demo',
    client_id: 'cli',
    sub: personOf(session),
    name: 'Ada',
    email: 'ada@example.test',
    flow: 'device',
    state: 'active',
    scopes: ['openid', 'offline_access'],
    audiences: ['https://api.example.test'],
    started_from: '127.0.0.1',
    refreshes: 2,
  })
  const [created, last, end, absolute] = [created_at, last_refreshed_at, expires_at, absolute_expires_at].map(
    (text) => {
      assert.match(String(text), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
      return Date.parse(String(text))
    },
  )
  assert.ok(created! < last! && Date.now() - created! < 60_000)
  assert.equal(end! - last!, 2_592_000_000, 'idle')
  assert.ok(absolute! - created! >= 31_536_000_000, 'absolute')
  const { query, from, log_groups } = answer.body.audit_query as Record<string, unknown>
  assert.match(String(query), new RegExp(`filter sid = "${sidOf(session)}"`))
  assert.equal(from, created_at)
  assert.deepEqual(log_groups, [])
})

test('B14 each state is found, and what is in it is in no other', async () => {
  const person = new Person({ name: 'b14-states' })
  const waiting = await deviceCode(broker, job)
  const refused = await deviceCode(broker, job)
  await decide(refused, 'deny', person)
  const agreed = await deviceCode(broker, job)
  await decide(agreed, 'approve', person)
  const session = await device(broker, job, {}, person)
  const ended = await device(broker, job, {}, person)
  await revokeOne(broker, 'demo', sidOf(ended))
  const states = ['pending', 'approved', 'denied', 'active', 'expired', 'revoked']
  const pages = await Promise.all(states.map((state) => whole(broker, 'demo', { client_id: 'job', state, limit: '2' })))
  for (const [at, rows] of pages.entries()) assert.ok(rows.every(({ state }) => state === states[at]))
  const all = (await whole(broker, 'demo', { client_id: 'job' })).map(({ sid }) => sid)
  assert.deepEqual(pages.flatMap((rows) => rows.map(({ sid }) => sid)).sort(), all.sort())
  assert.ok(pages[3]!.some(({ sid }) => sid === sidOf(session)))
  assert.ok(pages[5]!.some(({ sid }) => sid === sidOf(ended)))
  assert.equal((await poll(broker, job, waiting.deviceCode)).body.error, 'authorization_pending')
})

test('B14 no token material is in any answer', async () => {
  const codeSession = await code(broker, web)
  const session = await device(broker)
  const pages = [
    await list(broker, 'demo'),
    await show(broker, 'demo', sidOf(session)),
    await show(broker, 'demo', sidOf(codeSession)),
    await revokeOne(broker, 'demo', sidOf(session), 'b14'),
  ]
  const known = [
    ...['sid', 'application', 'client_id', 'sub', 'flow', 'state', 'scopes', 'audiences', 'created_at', 'started_from'],
    ...['refreshes', 'last_refreshed_at', 'expires_at', 'absolute_expires_at'],
    ...['name', 'email', 'revoked_at', 'revoked_reason', 'revoked_by', 'revoked_note'],
  ]
  for (const { text, body } of pages) {
    assert.doesNotMatch(text, /\b(rt|ac|dc)_[A-Za-z0-9_-]{20}|eyJhbGciOiJ(FUz|SUz)/)
    for (const hidden of [session.started.userCode, session.refreshToken, codeSession.code]) {
      assert.ok(!text.includes(hidden))
    }
    const rows = [...((body.sessions as object[]) ?? []), ...(body.session ? [body.session as object] : [])]
    for (const row of rows)
      assert.deepEqual(
        Object.keys(row).filter((name) => !known.includes(name)),
        [],
      )
  }
})

test('B14 a cursor is good for its own query alone, and a forged one for none', async () => {
  await Promise.all([deviceCode(broker, cli), deviceCode(broker, cli), deviceCode(broker, auth0Cli)])
  const { body } = await list(broker, 'demo', { client_id: 'cli', limit: '1' })
  const cursor = String(body.cursor)
  assert.equal((await list(broker, 'demo', { client_id: 'cli', limit: '7', cursor })).status, 200)
  const strangers = [
    await list(broker, 'demo', { cursor }),
    await list(broker, 'demo', { client_id: 'job', cursor }),
    await list(broker, 'demo', { client_id: 'cli', state: 'active', cursor }),
    await list(broker, 'auth0like', { client_id: 'cli', cursor }),
    await list(broker, 'demo', { client_id: 'cli', cursor: `${cursor.slice(0, -2)}xx` }),
    await list(broker, 'demo', { client_id: 'cli', cursor: 'nonsense' }),
    await revokeMany(broker, 'demo', { subject: 'ada', cursor }),
    await revokeMany(broker, 'demo', { client_id: 'cli', cursor }),
  ]
  for (const answer of strangers) expectRefusal(answer, 400, 'invalid_request')
})

test('B14 what is malformed is invalid_request, and what is not there is 404', async () => {
  for (const query of ['limit=0', 'limit=x', 'state=dead', 'subject=a&subject=b', 'sbject=ada']) {
    expectRefusal(await get(`${broker.url}/demo/sessions?${query}`), 400, 'invalid_request')
  }
  const session = await device(broker, auth0Cli)
  for (const sid of [sidOf(session), 'A'.repeat(22), 'x', 'x'.repeat(3_000), '%00', '..%2Fsessions']) {
    expectRefusal(await show(broker, 'demo', sid), 404, 'not_found')
    expectRefusal(await revokeOne(broker, 'demo', sid), 404, 'not_found')
  }
  expectRefusal(await list(broker, 'demo', { client_id: 'nobody' }), 404, 'not_found')
  expectRefusal(await revokeMany(broker, 'demo', { client_id: 'nobody' }), 404, 'not_found')
  expectRefusal(await list(broker, 'nowhere'), 404, 'invalid_request')
  expectRefusal(await revokeMany(broker, 'demo', {}), 400, 'invalid_request')
  expectRefusal(await postForm(`${broker.url}/demo/sessions/revoke`, { all: 'true' }), 400, 'invalid_request')
  await refreshed(broker, auth0Cli, session.refreshToken)
})

test('B14 a request that is not for this machine by its name is refused', async () => {
  const answer = await send(`${broker.url}/demo/sessions`, { headers: { host: 'evil.example' } })
  expectRefusal(answer, 403, 'access_denied')
})

test('B16 one session ends and no other, not even of the same person and client', async () => {
  const person = new Person({ name: 'b16' })
  const [one, other] = [await device(broker, cli, {}, person), await device(broker, cli, {}, person)]
  const answer = await revokeOne(broker, 'demo', sidOf(one), 'laptop lost')
  assert.equal(answer.status, 200)
  const { revoked, session, effective_at, access_tokens_until } = answer.body
  assert.equal(revoked, 1)
  assert.ok(Math.abs(Date.parse(String(effective_at)) - Date.now()) < 60_000)
  assert.equal(Date.parse(String(access_tokens_until)) - Date.parse(String(effective_at)), 300_000)
  const { state, revoked_reason, revoked_note, sub } = session as Record<string, unknown>
  assert.deepEqual([state, revoked_reason, revoked_note, sub], ['revoked', 'ops', 'laptop lost', personOf(one)])
  await expectDead(broker, one)
  const next = await refreshed(broker, cli, other.refreshToken)
  assert.equal((await userinfo(broker, 'demo', next.accessToken)).status, 200)
})

test('B16 again is no error, changes nothing, and says that it did not', async () => {
  const session = await device(broker)
  await revokeOne(broker, 'demo', sidOf(session), 'first')
  const before = (await show(broker, 'demo', sidOf(session))).body.session
  const again = await revokeOne(broker, 'demo', sidOf(session), 'second')
  assert.deepEqual([again.status, again.body.revoked], [200, 0])
  assert.deepEqual(again.body.session, before)
})

test('B16 a device that waits, or is approved, gets nothing any more', async () => {
  for (const act of [async () => {}, (started: Parameters<typeof decide>[0]) => decide(started, 'approve')]) {
    const started = await deviceCode(broker, job)
    await act(started)
    const [row] = rowsOf(await list(broker, 'demo', { client_id: 'job', limit: '1' }))
    assert.equal((await revokeOne(broker, 'demo', row!.sid)).body.revoked, 1)
    expectRefusal(await poll(broker, job, started.deviceCode), 400, 'invalid_grant')
    assert.match((await decide(started, 'approve')).text, /used|expired|new code/i)
  }
})

test('B18 each thing that ops do is one line, with who, which, and why, and no secret', async () => {
  const person = new Person({ name: 'b18' })
  const [one, other] = [await device(broker, cli, {}, person), await device(broker, job, {}, person)]
  const sub = personOf(one)
  await revokeOne(broker, 'demo', sidOf(one), 'B18 one')
  await revokeOne(broker, 'demo', sidOf(one), 'B18 one')
  const known = { application: 'demo', actor: localUser, ip: '127.0.0.1', level: 'info' }
  const member = (line: Record<string, unknown> | undefined, names: readonly string[]) =>
    Object.fromEntries(names.map((name) => [name, line?.[name]]))
  const [line, ...more] = lines('session.revoked', 'sid', sidOf(one))
  const told = { ...known, client_id: 'cli', sub, reason: 'ops', note: 'B18 one' }
  assert.deepEqual([member(line, Object.keys(told)), more], [told, []])

  await revokeMany(broker, 'demo', { subject: sub, reason: 'B18 person' })
  const [swept, ...others] = lines('sessions.revoked', 'note', 'B18 person')
  const whole = { ...known, sub, reason: 'ops:subject', count: 1 }
  assert.deepEqual([member(swept, Object.keys(whole)), others], [whole, []])
  assert.equal(lines('session.revoked', 'sid', sidOf(other)).length, 1)

  await revokeMany(broker, 'userdocs', { client_id: 'userdocs', reason: 'B18 client' })
  await revokeMany(broker, 'userdocs', { all: true, reason: 'B18 all' })
  for (const [note, client_id, reason] of [
    ['B18 client', 'userdocs', 'ops:client'],
    ['B18 all', undefined, 'ops:application'],
  ]) {
    const found = lines('sessions.revoked', 'note', note)
    const expected = { ...known, application: 'userdocs', client_id, reason }
    assert.deepEqual(
      found.map((one) => member(one, Object.keys(expected))),
      [expected],
    )
  }
  await list(broker, 'userdocs')
  assert.equal(lines('request', 'application', 'userdocs').at(-1)?.actor, localUser, 'who looks is known, too')
  for (const secret of [one.refreshToken, other.refreshToken, one.accessToken]) {
    assert.ok(!broker.output().includes(secret))
  }
})

test('B15 a person who is about to approve a device that ops have ended with all others does not read that it is connected', async () => {
  const ask = { application: 'auth0like', clientId: 'cli', auth: 'none' } as const
  const [typed, signingIn] = [await deviceCode(broker, ask), await deviceCode(broker, ask)]
  const person = new Person()
  const question = await person.open(signingIn.verificationUriComplete)
  const halt = (url: URL) => url.pathname.endsWith('/oauth/callback')
  const halted = await walk(person, question, { decision: 'approve', halt })
  await revokeMany(broker, 'auth0like', { client_id: 'cli' })
  const pages = [await decide(typed, 'approve'), await person.open(halted.url.href)]
  for (const { text } of pages) assert.match(text, /too old/i)
  for (const { deviceCode } of [typed, signingIn]) {
    expectRefusal(await poll(broker, auth0Cli, deviceCode), 403, 'invalid_grant')
  }
  const [row] = rowsOf(await list(broker, 'auth0like', { client_id: 'cli', limit: '1' }))
  assert.deepEqual([row?.state, row?.revoked_reason], ['revoked', 'ops:client'])
  const fresh = await device(broker, auth0Cli)
  await refreshed(broker, auth0Cli, fresh.refreshToken)
})
