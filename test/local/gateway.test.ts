/**
 * The local gateway: requests become the events that API Gateway makes, answers go back as API Gateway sends them.
 */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { after, before, beforeEach, test } from 'node:test'
import type { APIGatewayProxyEvent, APIGatewayProxyResult, Context } from 'aws-lambda'
import { preflightHeaders, type Route } from '../../infra/routes.ts'
import { type Gateway, type Handler, startGateway } from '../../local/gateway.ts'
import { PortTaken } from '../../local/ports.ts'

const routes = [
  { path: '/{application}/oauth/token', methods: ['POST'], functionName: 'token', crossOrigin: true },
  { path: '/{application}/activate', methods: ['GET', 'POST'], functionName: 'activate', crossOrigin: false },
  { path: '/{application}/oauth/{anything}', methods: ['GET'], functionName: 'poll', crossOrigin: false },
  {
    path: '/.well-known/oauth-authorization-server/{application}',
    methods: ['GET'],
    functionName: 'metadata',
    crossOrigin: true,
  },
  { path: '/{application}/keys', methods: ['GET'], functionName: 'metadata', crossOrigin: true },
].map((route) => ({ ...route, authorization: 'function' }) as Route)

const plain: APIGatewayProxyResult = { statusCode: 200, body: '{}' }

let gateway: Gateway
let handler: Handler
let seen: { name: string; event: APIGatewayProxyEvent; context: Context }[] = []
let logged: string[] = []

const loadHandler =
  async (name: string): Promise<Handler> =>
  async (event, context) => {
    seen.push({ name, event, context })
    return handler(event, context)
  }
const start = (more: Partial<Parameters<typeof startGateway>[0]> = {}) =>
  startGateway({ port: 0, routes, loadHandler, log: (line) => logged.push(line), ...more })

before(async () => {
  gateway = await start()
})
after(() => gateway.close())
beforeEach(() => {
  seen = []
  logged = []
  handler = async () => plain
})

const at = (path: string) => `${gateway.url}${path}`
const eventOf = () => seen[0]!.event

test('a function gets the event of a REST API proxy integration', async () => {
  await fetch(at('/demo/oauth/token?a=1&a=2&b=x+y%26'), {
    method: 'POST',
    headers: {
      'Content-Type': 'application/x-www-form-urlencoded',
      'User-Agent': 'tester',
      'X-Forwarded-For': '1.2.3.4',
    },
    body: 'grant_type=refresh_token&scope=ä',
  })
  const event = eventOf()
  assert.equal(seen[0]?.name, 'token')
  assert.equal(event.resource, '/{application}/oauth/token')
  assert.equal(event.path, '/demo/oauth/token')
  assert.equal(event.httpMethod, 'POST')
  assert.deepEqual(event.pathParameters, { application: 'demo' })
  assert.deepEqual(event.queryStringParameters, { a: '2', b: 'x y&' })
  assert.deepEqual(event.multiValueQueryStringParameters, { a: ['1', '2'], b: ['x y&'] })
  assert.equal(event.stageVariables, null)
  assert.equal(event.body, 'grant_type=refresh_token&scope=ä')
  assert.equal(event.isBase64Encoded, false)
  const { requestContext } = event
  assert.equal(requestContext.identity.sourceIp, '127.0.0.1')
  assert.equal(requestContext.identity.userAgent, 'tester')
  assert.equal(requestContext.httpMethod, 'POST')
  assert.equal(requestContext.resourcePath, '/{application}/oauth/token')
  assert.equal(requestContext.path, '/demo/oauth/token')
  assert.equal(requestContext.protocol, 'HTTP/1.1')
  assert.match(requestContext.requestId, /^[0-9a-f-]{36}$/)
  assert.match(requestContext.requestTime ?? '', /^\d\d\/[A-Z][a-z]{2}\/\d{4}:\d\d:\d\d:\d\d \+0000$/)
  assert.ok(Math.abs(requestContext.requestTimeEpoch - Date.now()) < 10_000)
})

test('what a request does not have is null', async () => {
  await fetch(at('/demo/activate'))
  const { body, queryStringParameters, multiValueQueryStringParameters } = eventOf()
  assert.deepEqual([body, queryStringParameters, multiValueQueryStringParameters], [null, null, null])
})

test('the domain is the gateway’s own, whatever the Host header says', async () => {
  await raw('GET /demo/activate HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n')
  assert.equal(`http://${eventOf().requestContext.domainName}`, gateway.url)
})

test('headers keep their spelling; of repeated ones the last stands alone and all stand in the multi-value map', async () => {
  await raw('GET /demo/activate HTTP/1.1\r\nHost: x\r\nX-Many: one\r\nX-Many: two\r\nConnection: close\r\n\r\n')
  const { headers, multiValueHeaders } = eventOf()
  assert.equal(headers['X-Many'], 'two')
  assert.deepEqual(multiValueHeaders['X-Many'], ['one', 'two'])
})

test('names like __proto__ are parameters like any other', async () => {
  await fetch(at('/demo/activate?__proto__=x'))
  assert.deepEqual(Object.entries(eventOf().queryStringParameters ?? {}), [['__proto__', 'x']])
})

test('path parameters are decoded, and a path that cannot be is refused', async () => {
  await fetch(at('/d%C3%A9mo/activate'))
  assert.equal(eventOf().pathParameters?.application, 'démo')
  assert.equal((await raw('GET /%zz/activate HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')).slice(9, 12), '400')
})

test('literal segments win over parameters, and an empty segment is no parameter', async () => {
  await fetch(at('/demo/oauth/other'))
  assert.equal(seen[0]?.name, 'poll')
  assert.equal((await fetch(at('/demo/oauth/token'))).status, 405)
  assert.equal((await fetch(at('//activate'))).status, 404)
  assert.equal((await fetch(at('/demo/activate//'))).status, 404)
})

test('a slash at the end of a path is ignored, as by a REST API of API Gateway', async () => {
  await fetch(at('/demo/activate/'))
  assert.deepEqual([eventOf().resource, eventOf().path], ['/{application}/activate', '/demo/activate/'])
})

test('a function gets a Lambda context with the limits of the cloud', async () => {
  await fetch(at('/demo/activate'))
  const { context } = seen[0]!
  assert.equal(context.functionName, 'activate')
  assert.match(context.awsRequestId, /^[0-9a-f-]{36}$/)
  const remaining = context.getRemainingTimeInMillis()
  assert.ok(remaining > 0 && remaining <= 20_000)
  assert.equal(context.memoryLimitInMB, '1024')
})

test('an answer goes back with its status, headers, cookies and body', async () => {
  handler = async () => ({
    statusCode: 201,
    headers: { 'content-type': 'text/plain', 'x-one': 'left out', 'x-number': 5 },
    multiValueHeaders: { 'set-cookie': ['a=1', 'b=2'], 'X-One': ['kept'] },
    body: 'grüße',
  })
  const answer = await fetch(at('/demo/activate'))
  assert.equal(answer.status, 201)
  assert.deepEqual(answer.headers.getSetCookie(), ['a=1', 'b=2'])
  assert.equal(answer.headers.get('x-one'), 'kept')
  assert.equal(answer.headers.get('x-number'), '5')
  assert.equal(answer.headers.get('content-length'), '7')
  assert.equal(await answer.text(), 'grüße')
})

test('a body in base64 goes back as the bytes it stands for', async () => {
  handler = async () => ({ statusCode: 200, body: Buffer.from([0, 255, 1]).toString('base64'), isBase64Encoded: true })
  assert.deepEqual([...(await (await fetch(at('/demo/activate'))).bytes())], [0, 255, 1])
})

test('an answer without content has no length', async () => {
  handler = async () => ({ statusCode: 204, body: '' })
  const answer = await fetch(at('/demo/activate'))
  assert.deepEqual([answer.status, answer.headers.get('content-length')], [204, null])
})

test('a preflight is answered at cross-origin routes alone', async () => {
  const preflight = await fetch(at('/demo/oauth/token'), { method: 'OPTIONS' })
  assert.equal(preflight.status, 204)
  for (const [name, value] of Object.entries(preflightHeaders)) assert.equal(preflight.headers.get(name), value)
  const other = await fetch(at('/demo/activate'), { method: 'OPTIONS' })
  assert.deepEqual([other.status, other.headers.get('access-control-allow-origin')], [405, null])
  assert.equal(seen.length, 0)
})

test('an unknown path and a wrong method are OAuth errors that nobody stores', async () => {
  const unknown = await fetch(at('/demo/nothing'))
  const wrong = await fetch(at('/demo/activate'), { method: 'DELETE' })
  assert.deepEqual([unknown.status, wrong.status], [404, 405])
  assert.equal(wrong.headers.get('allow'), 'GET, POST')
  for (const answer of [unknown, wrong]) {
    assert.equal(answer.headers.get('cache-control'), 'no-store')
    assert.match(answer.headers.get('x-request-id') ?? '', /^[0-9a-f-]{36}$/)
    const { error, error_description } = (await answer.json()) as Record<string, string>
    assert.equal(error, 'invalid_request')
    assert.match(error_description ?? '', /^[\x20\x21\x23-\x5b\x5d-\x7e]+$/)
  }
})

test('a function that throws is 503, as in the cloud, with nothing of the failure; the log says why', async () => {
  handler = async () => {
    throw new Error('the secret is hunter2')
  }
  const answer = await fetch(at('/demo/oauth/token'), { method: 'POST' })
  const text = await answer.text()
  assert.deepEqual([answer.status, answer.headers.get('retry-after')], [503, '1'])
  assert.equal(JSON.parse(text).error, 'temporarily_unavailable')
  assert.doesNotMatch(text, /hunter2/)
  assert.match(logged.join(), new RegExp(`${answer.headers.get('x-request-id')}.*hunter2`))
})

test('a function that takes longer than it may is 503', async (t) => {
  const other = await start({ timeLimitMs: 10 })
  t.after(() => other.close())
  handler = () => new Promise(() => {})
  assert.equal((await fetch(`${other.url}/demo/activate`)).status, 503)
  assert.match(logged.join(), /no answer within 10 ms/)
})

for (const [what, result] of Object.entries({
  'has no status': { body: '{}' },
  'is nothing': undefined,
  'has a header with a line break': { statusCode: 200, headers: { 'x-bad': 'a\r\nset-cookie: b' }, body: '' },
})) {
  test(`an answer that ${what} is 503`, async () => {
    handler = async () => result as APIGatewayProxyResult
    const answer = await fetch(at('/demo/activate'))
    assert.deepEqual([answer.status, answer.headers.getSetCookie()], [503, []])
  })
}

test('a request line and header values of 10,240 bytes are handed on, and one byte more is 413', async () => {
  const withHeader = (length: number) => {
    const head = 'GET /demo/activate HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-Long: '
    return raw(`${head}${'a'.repeat(length)}\r\n\r\n`)
  }
  const rest = 'GET /demo/activate HTTP/1.1'.length + 'x'.length + 'close'.length
  assert.match(await withHeader(10_240 - rest), /^HTTP\/1.1 200 /)
  assert.match(await withHeader(10_241 - rest), /^HTTP\/1.1 413 /)
})

test('a header that Node cannot read gets an error in the shape of OAuth', async () => {
  const head = 'GET /demo/activate HTTP/1.1\r\nHost: x\r\n'
  const unreadable = [
    [400, 'X-Odd: \x01'],
    [413, `X-Long: ${'a'.repeat(100_000)}`],
  ] as const
  for (const [status, line] of unreadable) {
    const answer = await raw(`${head}${line}\r\n\r\n`)
    assert.match(answer, new RegExp(`^HTTP/1\\.1 ${status} [^]*\r\ncontent-type: application/json\r\n`))
    assert.match(answer, /\r\nx-request-id: [\w-]+\r\n/)
    assert.match(answer, /\r\n\r\n\{"error":"invalid_request","error_description":"[^"]+"\}$/)
  }
})

test('a body of 10 MB is handed on, and one byte more is 413 and the end of the connection', async () => {
  const most = 10 * 1024 * 1024
  handler = async ({ body }) => ({ statusCode: 200, body: String(body?.length) })
  const fits = await fetch(at('/demo/oauth/token'), { method: 'POST', body: Buffer.alloc(most, 'a') })
  assert.equal(await fits.text(), String(most))
  const tooLong = await fetch(at('/demo/oauth/token'), { method: 'POST', body: Buffer.alloc(most + 1, 'a') })
  assert.deepEqual([tooLong.status, tooLong.headers.get('connection')], [413, 'close'])
  assert.equal(((await tooLong.json()) as { error: string }).error, 'invalid_request')
  assert.equal(seen.length, 1)
})

test('a body that is announced too long is refused before it comes', async () => {
  const socket = await dial()
  socket.write(`POST /demo/oauth/token HTTP/1.1\r\nHost: x\r\nContent-Length: ${10 * 1024 * 1024 + 1}\r\n\r\n`)
  assert.match(String((await once(socket, 'data'))[0]), /^HTTP\/1.1 413 /)
  socket.destroy()
})

test('a body whose length nobody announced is measured as it comes', async () => {
  const chunk = Buffer.alloc(1024 * 1024, 'a')
  const body = async function* () {
    for (let count = 0; count < 11; count += 1) yield chunk
  }
  const init = { method: 'POST', body: ReadableStream.from(body()), duplex: 'half' } as const
  const answer = await fetch(at('/demo/oauth/token'), init)
  assert.equal(answer.status, 413)
})

test('a client that hangs up in the middle of its body does no harm', async () => {
  const socket = await dial()
  socket.write('POST /demo/oauth/token HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf')
  socket.destroy()
  assert.equal((await fetch(at('/demo/activate'))).status, 200)
  assert.deepEqual(
    seen.map(({ name }) => name),
    ['activate'],
  )
})

test('one connection serves many requests', async () => {
  const socket = await dial()
  for (let count = 0; count < 3; count += 1) {
    socket.write('GET /demo/activate HTTP/1.1\r\nHost: x\r\n\r\n')
    const [answer] = await once(socket, 'data')
    assert.match(String(answer), /^HTTP\/1.1 200 /)
  }
  socket.destroy()
})

test('every function is loaded at the start, once', async () => {
  const loaded: string[] = []
  const other = await start({
    loadHandler: async (name) => {
      loaded.push(name)
      return async () => plain
    },
  })
  await other.close()
  assert.deepEqual(loaded.sort(), ['activate', 'metadata', 'poll', 'token'])
})

test('a function that cannot be loaded stops the start and frees the port', async () => {
  const port = Number(new URL((await startAndClose()).url).port)
  await assert.rejects(start({ port, loadHandler: () => Promise.reject(new Error('no such file')) }), /no such file/)
  const again = await start({ port })
  await again.close()
})

test('a port in use names the port and the variable', async () => {
  const port = Number(new URL(gateway.url).port)
  await assert.rejects(start({ port }), (error: unknown) => {
    return error instanceof PortTaken && error.message.includes(`${port}`) && error.message.includes('PORT')
  })
})

test('requests that come before all is prepared wait for it', async () => {
  const prepared = Promise.withResolvers<void>()
  let isPrepared = false
  handler = async () => ({ statusCode: 200, body: String(isPrepared) })
  const other = await start({ until: prepared.promise })
  const answer = fetch(`${other.url}/demo/activate`)
  const socket = await dial(other)
  socket.end('\r\n')
  await once(socket, 'close')
  isPrepared = true
  prepared.resolve()
  assert.equal(await (await answer).text(), 'true')
  await other.close()
})

test('closing hangs up on idle connections at once and lets a request under way finish', async () => {
  const entered = Promise.withResolvers<void>()
  const leave = Promise.withResolvers<void>()
  handler = async () => {
    entered.resolve()
    await leave.promise
    return plain
  }
  const other = await start()
  const [idle, busy] = [await dial(other), await dial(other)]
  const idleClosed = once(idle, 'close')
  idle.write('GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n')
  await once(idle, 'data')
  busy.write('GET /demo/activate HTTP/1.1\r\nHost: x\r\n\r\n')
  await entered.promise
  const closed = other.close()
  await idleClosed
  const answered = once(busy, 'data')
  leave.resolve()
  assert.match(String((await answered)[0]), /^HTTP\/1.1 200 /)
  await closed
})

async function startAndClose(): Promise<Gateway> {
  const other = await start()
  await other.close()
  return other
}

async function dial(to = gateway): Promise<Socket> {
  const socket = connect(Number(new URL(to.url).port), '127.0.0.1')
  socket.on('error', () => {})
  await once(socket, 'connect')
  return socket
}

/** Sends bytes as they are and reads until the gateway hangs up. */
async function raw(request: string): Promise<string> {
  const socket = await dial()
  socket.write(request)
  let answer = ''
  for await (const chunk of socket.setEncoding('utf8')) answer += chunk
  return answer
}
