/**
 * What a call takes from the gateway, and what it takes from nobody: the caller's own word for where things are.
 */

import assert from 'node:assert/strict'
import { afterEach, test } from 'node:test'
import type { APIGatewayProxyEvent } from 'aws-lambda'
import { audit, baseUrlOf, header, startCall } from '../../shared/http/call.ts'
import { sink } from '../../shared/log.ts'
import { processParts, setProcessParts } from '../../shared/parts.ts'
import { aCall, eventOf } from '../support/calls.ts'
import { aClient, anApplication } from '../support/registry.ts'

const publicUrl = (event: APIGatewayProxyEvent) => baseUrlOf(event, processParts().config)

function configured(baseUrl: string): void {
  Object.assign(process.env, { TABLE_NAME: 'none', SECRETS: 'file:/nowhere', BASE_URL: baseUrl })
  setProcessParts(undefined)
}
afterEach(() => configured(''))

const hostile = {
  Host: 'evil.example',
  'X-Forwarded-Host': 'evil.example',
  'X-Forwarded-Proto': 'http',
  'X-Forwarded-For': '203.0.113.66',
  Forwarded: 'host=evil.example;for=203.0.113.66',
  Origin: 'https://evil.example',
}

test('the base URL is the one that is configured, without a slash at its end', () => {
  for (const spelt of ['https://auth.example', 'https://auth.example/', 'https://auth.example//']) {
    configured(spelt)
    assert.equal(publicUrl(eventOf({ headers: hostile })), 'https://auth.example')
  }
})

test('else it is the domain of the gateway with the stage, and never a header', () => {
  configured('')
  const { domainName } = eventOf().requestContext
  assert.equal(publicUrl(eventOf({ headers: hostile })), `https://${domainName}/prod`)
})

test('a domain of its own has no stage in the path', () => {
  configured('')
  const requestContext = { domainName: 'auth.example', path: '/demo/oauth/token' }
  assert.equal(publicUrl(eventOf({ requestContext, headers: hostile })), 'https://auth.example')
})

test('a domain with a base path keeps it', () => {
  configured('')
  const requestContext = { domainName: 'example.com', path: '/auth/v1/demo/oauth/token' }
  assert.equal(publicUrl(eventOf({ requestContext })), 'https://example.com/auth/v1')
})

test('a path that is not the end of the called one adds nothing', () => {
  configured('')
  assert.equal(
    publicUrl(eventOf({ requestContext: { domainName: 'auth.example', path: '/elsewhere' } })),
    'https://auth.example',
  )
})

test('a header is found however it is spelt, and an event without headers has none', () => {
  const event = eventOf({ headers: { 'Content-TYPE': 'a', authorization: 'b' } })
  assert.equal(header(event, 'content-type'), 'a')
  assert.equal(header(event, 'authorization'), 'b')
  assert.equal(header(event, 'cookie'), undefined)
  assert.equal(header({ ...event, headers: null as never }, 'cookie'), undefined)
})

test('the caller is where the gateway says, under the request id that the gateway drew', () => {
  const { ip, requestId } = startCall(eventOf({ headers: { ...hostile, 'x-request-id': 'mine' } }), 0, () => 0)
  assert.deepEqual([ip, requestId], ['192.0.2.7', 'request-1'])
})

test('where something stands in front, the caller is where that says, if it is an address', (t) => {
  process.env.ADDRESS_HEADER = 'X-Viewer-Address'
  t.after(() => delete process.env.ADDRESS_HEADER)
  const ipOf = (headers: Record<string, string>) => startCall(eventOf({ headers }), 0, () => 0).ip
  assert.equal(ipOf({ 'x-viewer-address': '198.51.100.9' }), '198.51.100.9')
  assert.equal(ipOf({ 'X-Viewer-Address': '2001:db8::9' }), '2001:db8::9')
  for (const wrong of ['198.51.100.9, 192.0.2.1', 'somewhere', '']) {
    assert.equal(ipOf({ 'x-viewer-address': wrong }), '192.0.2.7')
  }
  assert.equal(ipOf({}), '192.0.2.7')
})

test('an audit line says who, which client, which session, from where and why', () => {
  const lines: string[] = []
  const before = sink.write
  sink.write = (line) => void lines.push(line)
  const call = { ...aCall({ application: anApplication(), now: 0 }), client: aClient() }
  audit(call, 'session.reuse_detected', { level: 'warn', sid: 's', sub: 'ada', generation: 7, reason: 'why' })
  audit(aCall({ application: anApplication(), now: 0 }), 'user_code.wrong', {})
  sink.write = before
  const both = { time: '1970-01-01T00:00:00.000Z', request_id: 'request-1', application: 'demo', ip: '192.0.2.7' }
  const [first, second] = lines.map((line) => JSON.parse(line) as unknown)
  const who = { client_id: 'cli', sid: 's', sub: 'ada', generation: 7, reason: 'why' }
  assert.deepEqual(first, { ...both, ...who, level: 'warn', event: 'session.reuse_detected' })
  assert.deepEqual(second, { ...both, level: 'info', event: 'user_code.wrong' })
})
