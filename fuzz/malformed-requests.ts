/**
 * Requests that HTTP clients and schemathesis do not send, at every operation: odd segments of the path, queries, bodies, content
 * types and headers, on plain sockets.
 */

import { once } from 'node:events'
import { connect } from 'node:net'
import { gzipSync } from 'node:zlib'
import { operations } from '../shared/api-description/operations.ts'
import { type Answer, answerFaults } from '../test/api-description/support.ts'

/** How many requests are on their way at a time. */
const concurrency = 8

type Raw = {
  readonly path?: string
  readonly query?: string
  /** Lines, sent as Latin-1. */
  readonly headers?: readonly string[]
  readonly body?: string | Buffer
}

const json = 'Content-Type: application/json'
const form = 'Content-Type: application/x-www-form-urlencoded'
const long = 'x'.repeat(5_000)

/** In place of a parameter of the path. */
const segments = [
  ...['%00', '%zz', '%', '%C3%28', '%ED%A0%80', '%F0%9F%98%80', '%2F', '%2e%2e', '..', '.', '__proto__', 'constructor'],
  ...['demo%20', 'DEMO', 'demo;a=b', `${long}`, '%0d%0aX-Injected:%201', '{application}', '*', "'", '\\'],
]
const queries = [
  ...[
    'a=1&a=2',
    'client_id=a&client_id=b',
    'limit=1&limit=1',
    'state=%00',
    'user_code=%ED%A0%80',
    'subject=%zz',
    '&&=&',
    '?',
  ],
  ...[
    '__proto__=1&constructor=2',
    'cursor=x',
    `name=${long}`,
    'limit=1e1',
    'limit=%EF%BC%91',
    'email=a%40',
    'max_age=-1',
  ],
  ...[Array.from({ length: 150 }, (_, index) => `p${index}=1`).join('&'), 'result=..%2F', 'ui_locales=%3Cscript%3E'],
  ...['client_id=web&redirect_uri=http%3A%2F%2F127.0.0.1%3A9999%2Fcb&response_type=code&state=%0d%0a%00&scope=%22'],
  ...['client_id=web&redirect_uri=http%3A%2F%2F127.0.0.1%3A9999%2Fcb&response_type=code&state=%C3%28&resource=%00'],
]
const bodies: readonly Raw[] = [
  {},
  { headers: [json] },
  ...['', ' ', '{', '[]', 'null', '"x"', '1e999', '{"client_id":"a","client_id":"b"}', '{"client_id":"\\ud800"}'].map(
    (body) => ({ headers: [json], body }),
  ),
  ...['{"client_id":"\\u0000"}', '{"__proto__":{"client_id":"cli"}}', '{"client_id":{"toString":1}}'].map((body) => ({
    headers: [json],
    body,
  })),
  ...['{"resource":{},"client_id":"cli"}', '{"all":1}', '{"all":true,"all":true}', '{"subject":""}'].map((body) => ({
    headers: [json],
    body,
  })),
  { headers: [json], body: `${'['.repeat(30_000)}${']'.repeat(30_000)}` },
  { headers: [json], body: `{"a":${'{"a":'.repeat(10_000)}1${'}'.repeat(10_000)}}` },
  { headers: [json], body: Buffer.from('\ufeff{"client_id":"cli"}') },
  { headers: [json], body: Buffer.from([0xff, 0xfe, 0x7b, 0x00, 0x7d, 0x00]) },
  {
    headers: ['Content-Type: application/json; charset=utf-16le'],
    body: Buffer.from('{"client_id":"cli"}', 'utf16le'),
  },
  { headers: ['Content-Type: application/json; charset=nonsense; q="'], body: '{"client_id":"cli"}' },
  { headers: ['Content-Type: APPLICATION/JSON ;x'], body: '{"client_id":"cli"}' },
  { headers: [json, form], body: 'client_id=cli' },
  { headers: [json, 'Content-Encoding: gzip'], body: gzipSync('{"client_id":"cli"}') },
  ...['text/plain', 'multipart/form-data; boundary=x', 'application/xml', '', ';', '*/*', 'application/json+x'].map(
    (type) => ({ headers: [`Content-Type: ${type}`], body: 'client_id=cli' }),
  ),
  ...['&', '=', 'client_id', 'client_id=%', 'client_id=%ED%A0%80', 'client_id=%00', 'client_id=a&client_id=a'].map(
    (body) => ({ headers: [form], body }),
  ),
  ...['grant_type=refresh_token&client_id=cli&refresh_token=rt_%C3%28', 'client_id=cli&scope=%0a', '+=+'].map(
    (body) => ({ headers: [form], body }),
  ),
  { headers: [form], body: Buffer.from([0x63, 0x3d, 0xff, 0xc0, 0x80]) },
  { headers: [form], body: 'x'.repeat(65_537) },
  { headers: [form], body: Array.from({ length: 101 }, () => 'a=b').join('&') },
  { headers: [form, 'Transfer-Encoding: chunked'], body: '0\r\n\r\n' },
]
const authorizations = [
  ...['Basic', 'Basic ', 'Basic ====', 'Basic Og==', 'Basic AAA6AAA=', 'Basic !!!!', `Basic ${long}`, 'Basic //79Ov/+'],
  ...[
    'Bearer',
    'Bearer  ',
    'Bearer a.b.c',
    `Bearer ${long}`,
    'Bearer \xff',
    'Digest a="b"',
    'AWS4-HMAC-SHA256 x',
    '\x01',
  ],
]
const oddHeaders: readonly (readonly string[])[] = [
  ...authorizations.map((value) => [`Authorization: ${value}`]),
  ['Authorization: Basic Y2xpOg==', 'Authorization: Bearer a.b.c'],
  ['Cookie: __Host-a=%zz; =; ;;; a=\xff', `Cookie: ${'a=b; '.repeat(900)}`],
  ['Accept-Language: *;q=x, \xff, de-\x7f'],
  ['User-Agent: token-broker/99.0.0 node'],
  ['X-Amzn-RequestId: \xff<script>', 'X-Request-Id: a'],
  ['X-Forwarded-For: \xff', 'Forwarded: for=x;host=y'],
  ['Origin: null', 'Sec-Fetch-Site: nonsense'],
  ['Expect: 100-continue'],
  [`X-Long: ${'y'.repeat(11_000)}`],
  [`X-Longer: ${'y'.repeat(70_000)}`],
]

const good: Readonly<Record<string, string>> = { application: 'demo', sid: 'x'.repeat(22), file: 'viewer.js' }

type Sent = Raw & { readonly operation: string; readonly method: string; readonly path: string }

function requests(): readonly Sent[] {
  return Object.keys(operations).flatMap((operation) => {
    const [method = '', template = ''] = operation.split(' ')
    const path = filled(template, good)
    const names = [...template.matchAll(/\{(\w+)\}/g)].map(([, name]) => name!)
    const paths = names.flatMap((name) => segments.map((segment) => filled(template, { ...good, [name]: segment })))
    const odd: readonly Raw[] = [
      ...[`${path}/`, `/${path}`, `${path}//`, ...paths].map((one) => ({ path: one })),
      ...queries.map((query) => ({ query })),
      ...(method === 'GET' ? bodies.slice(0, 3) : bodies),
      ...oddHeaders.map((headers) => ({ headers })),
    ]
    return odd.map((raw) => ({ operation, method, path, ...raw }))
  })
}

function filled(template: string, values: Readonly<Record<string, string>>): string {
  return template.replace(/\{(\w+)\}/g, (_, name: string) => values[name] ?? name)
}

/**
 * @param document the broker's description
 * @returns how many requests were sent, and what is wrong with their answers
 */
export async function sendMalformed(base: string, document: object) {
  const rest = requests().values()
  const faults: string[] = []
  let count = 0
  const send = async () => {
    for (const one of rest) {
      count += 1
      const wrong = faultsIn(document, one, await ask(base, one))
      if (wrong.length > 0) faults.push(`${one.operation} ${shown(one)}: ${wrong.join('; ')}`)
    }
  }
  await Promise.all(Array.from({ length: concurrency }, send))
  return { count, faults }
}

function faultsIn(document: object, { operation }: Sent, answer: Answer | undefined): readonly string[] {
  if (answer === undefined) return ['the connection was closed without an answer']
  // No route has such a path.
  if (answer.status === 404 && isUnrouted(answer)) return []
  return [
    ...(answer.status >= 500 ? [`the status is ${answer.status}`] : []),
    ...answerFaults(document, operations[operation]!, answer),
  ]
}

function isUnrouted({ text }: Answer): boolean {
  return text.includes('There is nothing at this path.')
}

function shown({ operation: _operation, method: _method, ...raw }: Sent): string {
  return JSON.stringify(raw).slice(0, 300)
}

async function ask(base: string, { method, path, query, headers = [], body }: Sent): Promise<Answer | undefined> {
  const { hostname, port, host } = new URL(base)
  const isChunked = headers.some((line) => line.startsWith('Transfer-Encoding'))
  const length = body === undefined || isChunked ? [] : [`Content-Length: ${Buffer.byteLength(body)}`]
  const target = query === undefined ? path : `${path}?${query}`
  const head = [`${method} ${target} HTTP/1.1`, `Host: ${host}`, 'Connection: close', ...headers, ...length, '', '']
  const socket = connect(Number(port), hostname)
  const chunks: Buffer[] = []
  // A broker that answers early may close the connection while the request is still being sent.
  socket.on('data', (chunk) => chunks.push(chunk)).on('error', () => {})
  socket.write(Buffer.from(head.join('\r\n'), 'latin1'))
  if (body !== undefined) socket.write(body)
  await once(socket, 'close')
  return answerIn(Buffer.concat(chunks).toString())
}

function answerIn(text: string): Answer | undefined {
  // 100 Continue comes before the answer.
  const [head = '', ...rest] = text.replace(/^HTTP\/1\.1 100 .*\r\n\r\n/, '').split('\r\n\r\n')
  const [line = '', ...named] = head.split('\r\n')
  if (line === '') return undefined
  const headers = named.map((header): [string, string] => {
    const at = header.indexOf(': ')
    return [header.slice(0, at).toLowerCase(), header.slice(at + 2)]
  })
  return { status: Number(line.split(' ')[1]), headers: Object.fromEntries(headers), text: rest.join('\r\n\r\n') }
}
