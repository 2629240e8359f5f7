/**
 * What ops get to see of a session, where its history is, and cursors that are good for one query.
 */

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Family } from '../../shared/domain/family.ts'
import type { OpsCall } from '../../shared/http/call.ts'
import { OAuthError } from '../../shared/http/errors.ts'
import { opsEndpoint } from '../../shared/http/stack.ts'
import { auditQuery } from '../../shared/sessions/audit-query.ts'
import { cursorOf, positionIn } from '../../shared/sessions/cursor.ts'
import { sessionView } from '../../shared/sessions/session-view.ts'
import { aCall, call, startBroker, type TestBroker } from '../support/calls.ts'
import { active, codeIssued, now, pending, revoked, second } from '../support/families.ts'
import { anApplication } from '../support/registry.ts'

let broker: TestBroker
before(async () => {
  const groups = '/token-broker/test/refresh,/token-broker/test/sessions'
  const applications = [anApplication(), anApplication({ name: 'other' })]
  broker = await startBroker({ applications, clients: [] }, { AUDIT_LOG_GROUPS: groups })
})
after(() => broker.stop())

const registration = { application: { revokedBefore: 0 }, client: { revokedBefore: 0, idleSeconds: 100 } }
const view = (family: Family) => sessionView(family, registration, now)
const isoTimestamp = (ms: number) => new Date(ms).toISOString()

describe('a session', () => {
  test('that is refreshed shows all there is, and nothing that is secret', () => {
    const family = active(4, { redirectUri: 'https://app.example/cb', nonce: 'n', codeChallenge: 'c' })
    assert.deepEqual(view(family), {
      sid: family.sid,
      application: 'demo',
      client_id: 'cli',
      sub: 'ada',
      name: 'Ada',
      flow: 'device',
      state: 'active',
      scopes: ['openid', 'email', 'offline_access'],
      audiences: ['https://api.example.test'],
      created_at: isoTimestamp(now - 60 * second),
      started_from: '192.0.2.7',
      refreshes: 3,
      last_refreshed_at: isoTimestamp(now - 3 * second),
      expires_at: isoTimestamp(now + 97 * second),
      absolute_expires_at: isoTimestamp(now + 900 * second),
    })
  })

  test('that has not begun, or has not been refreshed, was refreshed never', () => {
    for (const family of [pending(), codeIssued(), active(1)]) {
      assert.equal(view(family).refreshes, 0)
      assert.ok(!('last_refreshed_at' in view(family)))
    }
    assert.ok(!('sub' in view(pending())))
    assert.equal(view(pending()).expires_at, isoTimestamp(pending().codeExpiresAt!))
  })

  test('that was revoked says when, why, and what ops said', () => {
    const ended = view(revoked({ revokedReason: 'ops', revokedNote: 'laptop lost' }))
    assert.deepEqual(
      [ended.state, ended.revoked_at, ended.revoked_reason, ended.revoked_note, 'expires_at' in ended],
      ['revoked', isoTimestamp(now - second), 'ops', 'laptop lost', false],
    )
    const swept = sessionView(active(1), { ...registration, application: { revokedBefore: now } }, now)
    assert.deepEqual(
      [swept.state, swept.revoked_at, swept.revoked_reason],
      ['revoked', isoTimestamp(now), 'ops:application'],
    )
  })
})

test('the query finds all lines of a session in every log group, and no name breaks out of it', () => {
  const logGroups = ['/token-broker/test/refresh', '/token-broker/test/sessions']
  const { log_groups, query, from } = auditQuery(active(1, { clientId: 'a"b\\' }), logGroups)
  assert.deepEqual(log_groups, logGroups)
  assert.match(query, /filter sid = "AQEBAQEBAQEBAQEBAQEBAQ"/)
  assert.match(query, /client_id = "a\\"b\\\\"\)/)
  assert.equal(from, isoTimestamp(active(1).createdAt))
})

describe('a cursor', () => {
  const opsCall = (changes: Partial<OpsCall> = {}) =>
    ({ ...aCall({ now }), application: anApplication(), actor: 'arn', ...changes }) as OpsCall
  const position = { createdAt: now, sid: 'a-sid' }
  const isRefused = (error: unknown) => error instanceof OAuthError && error.error === 'invalid_request'

  test('brings back the position, for the query that it came of', async () => {
    const cursor = await cursorOf(opsCall(), ['list', 'ada', undefined], position)
    assert.match(cursor, /^[A-Za-z0-9._-]+$/, 'it can stand in a URL as it is')
    assert.ok(cursor.length < 512)
    assert.ok(!Buffer.from(cursor, 'base64url').toString('latin1').includes('a-sid'), 'it is opaque')
    assert.deepEqual(await positionIn(opsCall(), ['list', 'ada', undefined], cursor), position)
  })

  test('is refused for another query, for another application, after a day, and when it was changed', async () => {
    const cursor = await cursorOf(opsCall(), ['list', 'ada', undefined], position)
    const query = ['list', 'ada', undefined]
    const elsewhere = anApplication({ name: 'other' })
    await assert.rejects(positionIn(opsCall(), ['list', undefined, 'ada'], cursor), isRefused)
    await assert.rejects(positionIn(opsCall(), ['revoke', 'ada', undefined], cursor), isRefused)
    await assert.rejects(positionIn(opsCall({ application: elsewhere }), query, cursor), isRefused)
    await assert.rejects(positionIn(opsCall({ now: now + 86_401 * second }), query, cursor), isRefused)
    for (const forged of [`${cursor.slice(0, -3)}AAA`, 'x', '', 'a.b.c.d.e']) {
      await assert.rejects(positionIn(opsCall(), query, forged), isRefused)
    }
  })
})

describe('an endpoint of ops', () => {
  const endpoint = opsEndpoint(async ({ actor, application }) => ({
    status: 200,
    body: { actor, of: application.name },
  }))
  const by = (identity: object, application = 'demo') =>
    call(endpoint, { method: 'GET', application, requestContext: { identity: { sourceIp: '192.0.2.7', ...identity } } })
  const userArn = 'arn:aws:sts::123456789012:assumed-role/ops/ada'

  test('knows who calls by the gateway’s word, and its line says so', async () => {
    const { status, json, log } = await by({ userArn })
    assert.deepEqual([status, json], [200, { actor: userArn, of: 'demo' }])
    assert.equal(log.at(-1)?.actor, userArn)
  })

  test('refuses whoever IAM has not authorised, before it says whether there is such an application', async () => {
    for (const identity of [{}, { userArn: null }, { userArn: '' }, { user: 'ada', caller: 'ada' }]) {
      for (const application of ['demo', 'nobody']) {
        const { status, json } = await by(identity, application)
        assert.deepEqual([status, json.error], [403, 'access_denied'])
      }
    }
    assert.equal((await by({ userArn }, 'nobody')).status, 404)
  })

  test('believes no header about it', async () => {
    const headers = { authorization: `AWS4-HMAC-SHA256 Credential=${userArn}`, 'x-user-arn': userArn }
    assert.equal((await call(endpoint, { method: 'GET', headers })).status, 403)
  })
})
