/**
 * Who calls, by the local gateway's word: at the routes of ops the local user, and nobody elsewhere; and under which request id.
 */

import assert from 'node:assert/strict'
import { request } from 'node:http'
import { after, before, test } from 'node:test'
import type { APIGatewayProxyEvent } from 'aws-lambda'
import type { Route } from '../../infra/routes.ts'
import { type Gateway, startGateway } from '../../local/gateway.ts'

const base = { functionName: 'sessions', crossOrigin: false } as const
const routes: readonly Route[] = [
  { ...base, path: '/{application}/sessions/{sid}', methods: ['DELETE'], authorization: 'iam' },
  { ...base, path: '/{application}/keys', methods: ['GET'], authorization: 'function' },
]
const nobody = { accountId: null, caller: null, user: null, userArn: null }
const localUser = {
  accountId: '000000000000',
  caller: 'local',
  user: 'local',
  userArn: 'arn:aws:iam::000000000000:user/local',
}

let gateway: Gateway
let seen: APIGatewayProxyEvent
before(async () => {
  const loadHandler = async () => async (event: APIGatewayProxyEvent) => {
    seen = event
    return { statusCode: 200, body: '{}' }
  }
  gateway = await startGateway({ port: 0, routes, loadHandler, log: () => {} })
})
after(() => gateway.close())

async function callerAt(method: string, path: string, host: string): Promise<typeof nobody> {
  await new Promise((resolve, reject) => {
    const outgoing = request(`${gateway.url}${path}`, { method, agent: false, headers: { host } }, (answer) => {
      answer.resume().on('end', resolve)
    })
    outgoing.on('error', reject).end()
  })
  const { accountId, caller, user, userArn } = seen.requestContext.identity
  return { accountId, caller, user, userArn } as typeof nobody
}

test('a request of ops for this machine by its own name is the local user’s', async () => {
  for (const host of ['127.0.0.1:8787', 'localhost:8787', 'LOCALHOST', '[::1]:8787']) {
    assert.deepEqual(await callerAt('DELETE', '/demo/sessions/abc', host), localUser, host)
    assert.deepEqual(seen.pathParameters, { application: 'demo', sid: 'abc' })
  }
})

test('a request for another host, which a page on the web may have led here, is nobody’s', async () => {
  for (const host of [
    'evil.example',
    '127.0.0.1.evil.example:8787',
    'localhost.evil.example',
    'evil.example:127.0.0.1',
  ]) {
    assert.deepEqual(await callerAt('DELETE', '/demo/sessions/abc', host), nobody, host)
  }
})

test('at every other route it is nobody', async () => {
  assert.deepEqual(await callerAt('GET', '/demo/keys', 'localhost'), nobody)
})

test('the caller chooses requestId by a header, as at API Gateway, and extendedRequestId never', async () => {
  const headers = { 'x-amzn-RequestId': 'chosen', 'x-amz-apigw-id': 'chosen', 'x-request-id': 'chosen' }
  await fetch(`${gateway.url}/demo/keys`, { headers })
  const { requestId, extendedRequestId } = seen.requestContext
  assert.equal(requestId, 'chosen')
  assert.match(extendedRequestId ?? '', /^[0-9a-f-]{36}$/)
})
