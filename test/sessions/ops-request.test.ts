/**
 * What ops ask for, read strictly.
 */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { APIGatewayProxyEvent } from 'aws-lambda'
import { OAuthError } from '../../shared/http/errors.ts'
import { expectNoQuery, readListRequest, readReason, readRevocationRequest } from '../../shared/sessions/ops-request.ts'
import { eventOf } from '../support/calls.ts'

type Query = Readonly<Record<string, readonly string[]>>
const asked = (query: Query) => eventOf({ method: 'GET', query })
const posted = (body: unknown, type = 'application/json', query?: Query) =>
  eventOf({
    headers: { 'Content-Type': type },
    body: typeof body === 'string' ? body : JSON.stringify(body),
    ...(query && { query }),
  })

function refused(read: (event: APIGatewayProxyEvent) => unknown, event: APIGatewayProxyEvent, status = 400): void {
  assert.throws(
    () => read(event),
    (error) => error instanceof OAuthError && error.error === 'invalid_request' && error.status === status,
    JSON.stringify(event.multiValueQueryStringParameters ?? event.body),
  )
}

describe('a list', () => {
  test('is of fifty unless it says otherwise, and of whom it says', () => {
    const nobody = { subject: undefined, email: undefined, name: undefined }
    const none = { ...nobody, clientId: undefined, state: undefined, limit: 50, cursor: undefined }
    assert.deepEqual(readListRequest(asked({})), none)
    assert.deepEqual(readListRequest(eventOf({ method: 'GET' })), none)
    assert.deepEqual(
      readListRequest(
        asked({ subject: ['ada lovelace|1'], client_id: ['cli'], state: ['active'], limit: ['100'], cursor: ['c'] }),
      ),
      { ...nobody, subject: 'ada lovelace|1', clientId: 'cli', state: 'active', limit: 100, cursor: 'c' },
    )
    const byAddress = readListRequest(asked({ email: ['ada@example.test'], name: ['Love'] }))
    assert.deepEqual([byAddress.email, byAddress.name], ['ada@example.test', 'Love'])
    assert.throws(() => readListRequest(asked({ email: ['ada@example.test'], subject: ['ada'] })), OAuthError)
  })

  test('takes what is empty for absent', () => {
    assert.equal(readListRequest(asked({ subject: [''], limit: [''] })).limit, 50)
  })

  test('knows six states and whole limits from 1 to 100', () => {
    for (const state of ['pending', 'approved', 'denied', 'active', 'expired', 'revoked'] as const) {
      assert.equal(readListRequest(asked({ state: [state] })).state, state)
    }
    for (const state of ['ACTIVE', 'dead', 'active ']) refused(readListRequest, asked({ state: [state] }))
    assert.equal(readListRequest(asked({ limit: ['1'] })).limit, 1)
    for (const limit of ['0', '101', '-1', '1.5', '1e1', ' 5', 'all', '0x10', '99999999999999999999']) {
      refused(readListRequest, asked({ limit: [limit] }))
    }
  })

  test('is refused for what is unknown, sent twice, too long or no text', () => {
    refused(readListRequest, asked({ sbject: ['ada'] }))
    refused(readListRequest, asked({ subject: ['ada', 'bob'] }))
    refused(readListRequest, asked({ subject: ['ä'.repeat(600)] }))
    refused(readListRequest, asked({ cursor: ['c'.repeat(5_000)] }))
    refused(readListRequest, asked({ subject: ['a\0b'] }))
    refused(readListRequest, asked({ subject: ['\ud800'] }))
  })
})

describe('an end of many', () => {
  test('is of a person, of a client, or of all', () => {
    const rest = { note: 'lost', cursor: undefined }
    const reason = { reason: 'lost' }
    assert.deepEqual(readRevocationRequest(posted({ subject: 'ada', ...reason })), {
      by: 'subject',
      subject: 'ada',
      ...rest,
    })
    assert.deepEqual(readRevocationRequest(posted({ client_id: 'cli', ...reason })), {
      by: 'client_id',
      clientId: 'cli',
      ...rest,
    })
    assert.deepEqual(readRevocationRequest(posted({ all: true, ...reason })), { by: 'application', ...rest })
    assert.equal(readRevocationRequest(posted({ all: true })).note, undefined)
    assert.equal(readRevocationRequest(posted({ subject: 'ada', cursor: 'c' })).cursor, 'c')
    assert.equal(readRevocationRequest(posted({ all: true }, 'Application/JSON; charset=utf-8')).by, 'application')
  })

  test('is of exactly one of them', () => {
    const none = [{}, { reason: 'x' }, { subject: '' }, { subject: '', client_id: '' }]
    const several = [
      { subject: 'ada', client_id: 'cli' },
      { subject: 'ada', all: true },
      { client_id: 'cli', all: true },
    ]
    for (const body of [...none, ...several]) refused(readRevocationRequest, posted(body))
  })

  test('is of all only by the word true', () => {
    for (const all of [false, 'true', 1, null, {}, []]) refused(readRevocationRequest, posted({ all }))
    refused(readRevocationRequest, posted({ subject: 'ada', all: false }))
    refused(readRevocationRequest, posted('{"all":true,"all":true}'))
  })

  test('is refused for what is unknown, sent twice, or no JSON object', () => {
    const bodies = ['', '[]', 'null', '{', '"all"', '{"subject":"ada","subject":"bob"}', '{"subject":7}']
    for (const body of bodies) refused(readRevocationRequest, posted(body))
    refused(readRevocationRequest, posted({ all: true, clientid: 'cli' }))
    refused(readRevocationRequest, posted({ all: true }, 'application/json', { subject: ['ada'] }))
    refused(readRevocationRequest, posted(`{"all":true,"reason":"${'x'.repeat(70_000)}"}`), 413)
  })

  test('does not come as a form, which any page on the web can have a browser send', () => {
    refused(readRevocationRequest, posted('all=true', 'application/x-www-form-urlencoded'))
    refused(readRevocationRequest, posted({ all: true }, 'text/plain'))
    refused(readRevocationRequest, eventOf({ body: '{"all":true}' }))
  })
})

describe('a reason', () => {
  const read = (reason: string) => readReason(asked({ reason: [reason] }))

  test('is a line of text, and need not be', () => {
    assert.equal(read('laptop lost, ticket #7 – „Ärger“'), 'laptop lost, ticket #7 – „Ärger“')
    assert.equal(read('n'.repeat(128)), 'n'.repeat(128))
    assert.equal(readReason(eventOf({ method: 'DELETE' })), undefined)
  })

  test('is no longer than there is room for in the session', () => {
    refused(readReason, asked({ reason: ['n'.repeat(129)] }))
    refused(readReason, asked({ reason: ['ä'.repeat(65)] }))
  })

  test('holds nothing that moves a terminal', () => {
    for (const reason of ['a\nb', 'a\u001b[2Jb', 'a\u009bb', 'a\u202eb'])
      refused(readReason, asked({ reason: [reason] }))
  })

  test('holds no code or token', () => {
    const secrets = [`rt_${'A'.repeat(92)}`, `stolen: dc_${'A-_9'.repeat(8)}`, 'eyJhbGciOiJFUzI1NiJ9.e30.x']
    for (const reason of secrets) refused(readReason, asked({ reason: [reason] }))
  })
})

test('where nothing may be asked, nothing may be', () => {
  expectNoQuery(eventOf({ method: 'GET' }))
  refused(expectNoQuery, asked({ verbose: ['1'] }))
})
