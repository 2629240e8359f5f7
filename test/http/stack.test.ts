/**
 * The stack of middlewares: what every endpoint answers and logs, whatever its own code does.
 */

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Context } from 'aws-lambda'
import { hashSecret } from '../../shared/domain/secret.ts'
import { type Call, type ClientCall, conclude } from '../../shared/http/call.ts'
import { grantError, OAuthError } from '../../shared/http/errors.ts'
import { clientEndpoint, pageEndpoint, publicEndpoint } from '../../shared/http/stack.ts'
import { setProcessParts } from '../../shared/parts.ts'
import { problemPage } from '../../shared/sign-in/page-problems.ts'
import { Unavailable } from '../../shared/unavailable.ts'
import { call, eventOf, formHeaders, type Request, startBroker, type TestBroker } from '../support/calls.ts'
import { aClient, anApplication } from '../support/registry.ts'

let broker: TestBroker
before(async () => {
  broker = await startBroker({
    applications: [anApplication(), anApplication({ name: 'auth0like', errorProfile: 'auth0' })],
    clients: [
      aClient(),
      aClient({ application: 'auth0like' }),
      aClient({ clientId: 'web', auth: 'client_secret_basic', secretHashes: [hashSecret('secret')] }),
    ],
  })
})
after(() => broker.stop())

const asCli: Request = { headers: formHeaders, body: 'client_id=cli' }
const done = async () => ({ status: 200, body: { fine: true } })
const thrower = (error: unknown) => async () => Promise.reject(error)

describe('an answer', () => {
  test('is JSON that nobody keeps, with the request id and the security headers', async () => {
    const { status, headers, json } = await call(clientEndpoint('same-origin', done), asCli)
    assert.equal(status, 200)
    assert.deepEqual(json, { fine: true })
    assert.deepEqual(headers, {
      'content-type': 'application/json',
      'cache-control': 'no-store',
      pragma: 'no-cache',
      'x-content-type-options': 'nosniff',
      'strict-transport-security': 'max-age=63072000',
      'x-request-id': 'request-1',
    })
  })

  test('of a cross-origin endpoint may be read by any script, its errors too', async () => {
    const endpoint = clientEndpoint('cross-origin', done)
    assert.equal((await call(endpoint, asCli)).headers['access-control-allow-origin'], '*')
    assert.equal(
      (await call(endpoint, { headers: formHeaders, body: 'client_id=x' })).headers['access-control-allow-origin'],
      '*',
    )
    assert.ok(!('access-control-allow-origin' in (await call(clientEndpoint('same-origin', done), asCli)).headers))
    assert.ok(!('access-control-allow-credentials' in (await call(endpoint, asCli)).headers))
  })

  test('may be kept where it says so, and then says nothing against it', async () => {
    const { headers } = await call(
      publicEndpoint('cross-origin', async () => ({
        status: 200,
        headers: { 'cache-control': 'public, max-age=300' },
        body: {},
      })),
    )
    assert.equal(headers['cache-control'], 'public, max-age=300')
    assert.ok(!('pragma' in headers))
  })

  test('that is text is a page, and one without a body has no type', async () => {
    const page = await call(
      pageEndpoint(async () => ({ status: 200, body: '<p>' }), problemPage),
      { method: 'GET' },
    )
    assert.deepEqual([page.headers['content-type'], page.body], ['text/html; charset=utf-8', '<p>'])
    const empty = await call(publicEndpoint('same-origin', async () => ({ status: 303, headers: { location: '/x' } })))
    assert.deepEqual(
      [empty.status, empty.headers['content-type'], empty.headers.location, empty.body],
      [303, undefined, '/x', ''],
    )
  })

  test('cannot take another’s request id', async () => {
    const { headers } = await call(
      publicEndpoint('same-origin', async () => ({ status: 200, headers: { 'x-request-id': 'mine' }, body: {} })),
    )
    assert.equal(headers['x-request-id'], 'request-1')
  })
})

describe('what a function is handed', () => {
  async function seen(request: Request): Promise<ClientCall> {
    let handed: ClientCall | undefined
    await call(
      clientEndpoint('same-origin', async (given) => {
        handed = given
        return { status: 200, body: {} }
      }),
      request,
    )
    assert.ok(handed, 'the function was not called')
    return handed
  }

  test('is the application, its issuer, the client, the parameters, and one moment', async () => {
    const { application, client, issuer, parameters, ip, requestId, now } = await seen({
      headers: formHeaders,
      body: 'client_id=cli&scope=openid',
    })
    assert.deepEqual(
      [application.name, client.clientId, parameters.optional('scope'), ip, requestId],
      ['demo', 'cli', 'openid', '192.0.2.7', 'request-1'],
    )
    assert.equal(issuer, 'https://abc.execute-api.eu-central-1.amazonaws.com/prod/demo')
    assert.ok(Math.abs(now - Date.now()) < 60_000)
  })

  test('comes from a form, JSON, or either in base64', async () => {
    for (const [type, body] of [
      ['application/x-www-form-urlencoded', 'client_id=cli&state=s%C3%A9'],
      ['application/json', '{"client_id":"cli","state":"sé"}'],
    ] as const) {
      for (const isBase64Encoded of [false, true]) {
        const sent = isBase64Encoded ? Buffer.from(body).toString('base64') : body
        const { parameters } = await seen({ headers: { 'Content-Type': type }, body: sent, isBase64Encoded })
        assert.equal(parameters.optional('state'), 'sé')
      }
    }
  })

  test('the query of a POST does not count, and the body of a GET does not either', async () => {
    const posted = await call(clientEndpoint('same-origin', done), {
      headers: formHeaders,
      query: { client_id: ['cli'] },
    })
    assert.deepEqual([posted.status, posted.json.error], [400, 'invalid_request'])
    let read: Call | undefined
    const look = async (given: Call) => {
      read = given
      return { status: 200, body: {} }
    }
    const query = { state: ['a b&c'], unknown: ['1', '2'] }
    await call(publicEndpoint('same-origin', look), { method: 'GET', query, headers: formHeaders, body: 'code=c' })
    assert.equal(read?.parameters.optional('state'), 'a b&c')
    assert.equal(read?.parameters.optional('code'), undefined)
    const twice = await call(publicEndpoint('same-origin', look), { method: 'GET', query: { state: ['1', '2'] } })
    assert.deepEqual([twice.status, twice.json.error], [400, 'invalid_request'])
  })

  test('nothing at all with Basic is a client that sent no parameters, and without it a request that holds none', async () => {
    const authorization = `Basic ${Buffer.from('web:secret').toString('base64')}`
    assert.equal((await seen({ headers: { authorization } })).client.clientId, 'web')
    const { status, json } = await call(clientEndpoint('same-origin', done), {})
    assert.deepEqual([status, json.error], [400, 'invalid_request'])
  })
})

describe('what goes wrong', () => {
  test('an application that is not there is 404, before its body is read', async () => {
    for (const application of ['nobody', 'a'.repeat(3_000), '', '__proto__']) {
      const { status, json } = await call(clientEndpoint('same-origin', done), { ...asCli, application, body: '\0' })
      assert.deepEqual([status, json.error], [404, 'invalid_request'])
    }
    const { pathParameters: _, ...event } = eventOf()
    const pathless = await clientEndpoint('same-origin', done)({ ...event, pathParameters: null }, {} as Context)
    assert.equal(pathless.statusCode, 404)
  })

  test('a client that is not there is 401, and the function is not called', async () => {
    const endpoint = clientEndpoint('same-origin', async () => assert.fail('it was called'))
    const { status, json, headers } = await call(endpoint, { headers: formHeaders, body: 'client_id=nobody' })
    assert.deepEqual([status, json.error, headers['cache-control']], [401, 'invalid_client', 'no-store'])
  })

  test('a refusal is answered with its status, by the profile of the application, and its reason is logged', async () => {
    const endpoint = clientEndpoint('same-origin', thrower(grantError({ kind: 'reuse', generation: 7 })))
    const rfc = await call(endpoint, asCli)
    assert.deepEqual([rfc.status, rfc.json.error, rfc.json.reason], [400, 'invalid_grant', undefined])
    assert.equal((await call(endpoint, { ...asCli, application: 'auth0like' })).status, 403)
    assert.equal(rfc.log.length, 1)
    const { level, event, error, reason, status, application, client_id } = rfc.log[0] ?? {}
    assert.deepEqual(
      [level, event, error, reason, status, application, client_id],
      ['info', 'request', 'invalid_grant', 'reuse', 400, 'demo', 'cli'],
    )
  })

  for (const error of [
    new Error('rt_secret\n    at rt_secret'),
    new TypeError('rt_secret'),
    'rt_secret',
    undefined,
    null,
    { message: 'rt_secret' },
  ]) {
    test(`a function that throws ${typeof error} ${error instanceof Error ? error.name : ''} is server_error without detail, logged without a message`, async () => {
      const { status, json, lines, headers, log } = await call(clientEndpoint('same-origin', thrower(error)), asCli)
      assert.deepEqual([status, json.error, headers['x-request-id']], [500, 'server_error', 'request-1'])
      assert.ok(!JSON.stringify(json).includes('secret'))
      assert.ok(!lines.join().includes('secret'))
      assert.deepEqual(
        log.map(({ event, level, request_id }) => [event, level, request_id]),
        [
          ['fault', 'error', 'request-1'],
          ['request', 'error', 'request-1'],
        ],
      )
    })
  }

  test('a part out of reach is 503 with Retry-After, a warning, and says what stays valid', async () => {
    const cause = Object.assign(new Error('secret'), { name: 'ThrottlingException' })
    const { status, json, headers, log, lines } = await call(
      clientEndpoint('same-origin', thrower(new Unavailable('provider', cause, 5))),
      asCli,
    )
    assert.deepEqual([status, json.error, headers['retry-after']], [503, 'temporarily_unavailable', '5'])
    assert.match(String(json.error_description), /stays valid, unless the answer to a write was lost/)
    const { level, fault } = log[0] ?? {}
    assert.equal(level, 'warn')
    assert.match(String(fault), /^Unavailable .* < ThrottlingException/)
    assert.deepEqual([log[1]?.status, log[1]?.reason], [503, 'provider'])
    assert.ok(!lines.join().includes('secret'))
  })

  test('a page’s problem is a page, with the same status and Retry-After', async () => {
    const problems = [
      [new OAuthError('invalid_request', 'x', { status: 418 }), 418],
      [new Unavailable('store', undefined, 7), 503],
      [new Error('secret'), 500],
    ] as const
    for (const [error, expected] of problems) {
      const { status, headers, body } = await call(pageEndpoint(thrower(error), problemPage), { method: 'GET' })
      assert.deepEqual(
        [status, headers['content-type'], headers['cache-control']],
        [expected, 'text/html; charset=utf-8', 'no-store'],
      )
      assert.ok(!body.includes('secret'))
      if (expected === 503) assert.equal(headers['retry-after'], '7')
    }
    const nobody = await call(pageEndpoint(done, problemPage), { method: 'GET', application: 'nobody' })
    assert.deepEqual([nobody.status, nobody.headers['content-type']], [404, 'text/html; charset=utf-8'])
  })
})

describe('the log', () => {
  test('has one line a request, with what is known of it', async () => {
    const { log } = await call(clientEndpoint('same-origin', done), asCli)
    const { time, duration_ms, ...line } = log[0] ?? {}
    assert.equal(log.length, 1)
    assert.match(String(time), /^\d{4}-\d\d-\d\dT/)
    assert.ok(Number(duration_ms) >= 0)
    assert.deepEqual(line, {
      ...{
        level: 'info',
        event: 'request',
        request_id: 'request-1',
        route: '/{application}/oauth/token',
        method: 'POST',
      },
      ...{ status: 200, application: 'demo', client_id: 'cli', ip: '192.0.2.7' },
    })
  })

  const rotated = { sid: 's', sub: 'ada', generation: 2 }

  test('has the event that a request came to in the request’s own line', async () => {
    const endpoint = clientEndpoint('same-origin', async (given) => {
      conclude(given, 'session.rotated', rotated)
      return done()
    })
    const { log } = await call(endpoint, asCli)
    assert.equal(log.length, 1)
    const { event, status, route, client_id, sid, sub, generation } = log[0] ?? {}
    assert.deepEqual([event, status, route, client_id], ['session.rotated', 200, '/{application}/oauth/token', 'cli'])
    assert.deepEqual({ sid, sub, generation }, rotated)
  })

  test('keeps an event whose request fails after it', async () => {
    const endpoint = clientEndpoint('same-origin', async (given) => {
      conclude(given, 'session.rotated', rotated)
      throw new Error('signing failed')
    })
    const { log } = await call(endpoint, asCli)
    const told = log.map(({ event, level, status, error, sid }) => [event, level, status, error, sid])
    assert.deepEqual(told, [
      ['fault', 'error', undefined, undefined, undefined],
      ['session.rotated', 'error', 500, 'server_error', 's'],
    ])
  })

  test('holds no header and no parameter', async () => {
    const headers = {
      ...formHeaders,
      authorization: `Basic ${Buffer.from('web:secret').toString('base64')}`,
      cookie: 'c=secret',
    }
    const { lines } = await call(clientEndpoint('same-origin', done), {
      headers,
      body: 'state=secret&refresh_token=secret',
      query: { token: ['secret'] },
    })
    assert.ok(!/secret|cookie|Basic/.test(lines.join()))
  })
})

test('a broker that is not set up says server_error at each request until it is', async () => {
  const { TABLE_NAME } = process.env
  delete process.env.TABLE_NAME
  setProcessParts(undefined)
  const { status, json } = await call(publicEndpoint('same-origin', done))
  assert.deepEqual([status, json.error], [500, 'server_error'])
  Object.assign(process.env, { TABLE_NAME })
  assert.equal((await call(publicEndpoint('same-origin', done))).status, 200)
})
