/**
 * Which page stands for which failure of a sign-in, and what an operator is told of it.
 */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { OAuthError } from '../../shared/http/errors.ts'
import { sink } from '../../shared/log.ts'
import { failedSignInPage, problemPage, reportUnexpected } from '../../shared/sign-in/page-problems.ts'
import { Unavailable } from '../../shared/unavailable.ts'
import { aCall } from '../support/calls.ts'
import { anApplication } from '../support/registry.ts'

const call = aCall({ application: anApplication(), now: 0 })

test('each way a sign-in fails has a page of its own, which leads back to the code where that helps', () => {
  const pages = [
    failedSignInPage(call, { kind: 'refused', error: 'access_denied' }),
    failedSignInPage(call, { kind: 'rejected' }),
    failedSignInPage(call, { kind: 'unexpected', why: 'OAUTH_JWT_CLAIM_COMPARISON_FAILED' }),
    failedSignInPage(call, { kind: 'unexpected', why: 'invalid_client' }),
  ]
  assert.equal(new Set(pages.map(({ html }) => html)).size, 4)
  for (const { status, html } of pages) {
    assert.ok(status >= 400 && status <= 503)
    assert.ok(html.includes('request-1'))
  }
  const back = pages.map(({ html }) => html.includes('https://auth.example/demo/activate'))
  assert.deepEqual(back, [false, true, true, false], 'who was refused, or meets our mistake, would meet it again')
})

test('a problem is told with what is known of the call, and no more', () => {
  const known = problemPage(new OAuthError('invalid_request', 'state must be sent once.', { status: 418 }), call)
  assert.equal(known.status, 418)
  assert.ok(String(known.body).includes('state must be sent once.'))
  assert.equal(problemPage(new OAuthError('invalid_request', 'x', { status: 404 }), { requestId: 'r' }).status, 404)
  assert.equal(problemPage(new OAuthError('invalid_request', 'x', { status: 404 }), {}).status, 404)
  for (const partial of [call, { requestId: 'request-1' }]) {
    const away = problemPage(new Unavailable('store', undefined, 9), partial)
    assert.deepEqual([away.status, away.headers?.['retry-after']], [503, '9'])
    const fault = problemPage(new Error('secret'), partial)
    assert.equal(fault.status, 500)
    assert.ok(!String(fault.body).includes('secret'))
  }
})

test('an answer that no standard allows is told to the operator, any other is not', () => {
  const lines: string[] = []
  const before = sink.write
  sink.write = (line) => void lines.push(line)
  reportUnexpected(call, 'cli', { kind: 'rejected' })
  reportUnexpected(call, 'cli', { kind: 'refused', error: 'access_denied' })
  reportUnexpected(call, 'cli', { kind: 'unexpected', why: 'OAUTH_INVALID_RESPONSE' })
  sink.write = before
  const { time: _, ...line } = JSON.parse(lines[0] ?? '') as Record<string, unknown>
  assert.equal(lines.length, 1)
  assert.deepEqual(line, {
    ...{ level: 'error', event: 'provider.unexpected', request_id: 'request-1', application: 'demo' },
    ...{ client_id: 'cli', ip: '192.0.2.7' },
    reason: 'OAUTH_INVALID_RESPONSE',
  })
})
