/** `sessions list`, `show` and `revoke` against a broker, and against one that answers in several sweeps or not at all. */

import '../support/hasty-sweeps.ts'
import assert from 'node:assert/strict'
import { createHash, createHmac } from 'node:crypto'
import { createServer, type IncomingMessage, type RequestListener } from 'node:http'
import { after, before, describe, type TestContext, test } from 'node:test'
import { call, str } from '../../local/demo/program.ts'
import { listen } from '../../local/ports.ts'
import { type BrokerHere, startBrokerHere } from '../flows/support/broker-here.ts'
import { json, startAnswering } from './support/answers.ts'
import { commandLine, signedIn, type Variables } from './support/command-line.ts'

let broker: BrokerHere
before(async () => {
  broker = await startBrokerHere()
})
after(() => broker.stop())

const tool = (t: TestContext, variables: Variables = {}) =>
  commandLine(t, { TOKEN_BROKER_URL: broker.url, ...variables })

/** Sessions of a person who is nobody else's. */
let people = 0
async function sessionsOf(t: TestContext, clients: readonly string[]) {
  const person = `person-${++people}`
  const home = await commandLine(t)
  const tokens: string[] = []
  for (const clientId of clients) {
    tokens.push((await signedIn(home, broker.url, { clientId, person })).refreshToken ?? '')
  }
  return { person, tokens }
}

type Session = { readonly sid: string; readonly client_id: string; readonly state: string }
const listed = (body: Readonly<Record<string, unknown>>) => body.sessions as readonly Session[]
const refreshed = async (clientId: string, token: string) =>
  call(`${broker.url}/demo/oauth/token`, { client_id: clientId, grant_type: 'refresh_token', refresh_token: token })

test('what is no broker ends no session, whatever it answers', async (t) => {
  const page: RequestListener = (_incoming, outgoing) =>
    outgoing.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html>')
  for (const answer of [page, json(200, {}), json(200, [])]) {
    const ops = await tool(t, { TOKEN_BROKER_URL: await startAnswering(t, [answer, answer]) })
    for (const words of [
      ['x'.repeat(22), '--yes'],
      ['--all', '--yes'],
    ]) {
      const { code, stdout, stderr } = await ops.run('sessions', 'revoke', ...words)
      assert.deepEqual([code, stdout, /Check the URL/.test(stderr)], [1, '', true], stderr)
    }
  }
})

describe('sessions list', () => {
  test('B14 sessions list prints a table, newest first, or JSON', async (t) => {
    const { person } = await sessionsOf(t, ['job', 'cli'])
    const ops = await tool(t)
    const { code, stdout } = await ops.run('sessions', 'list', '--subject', person)
    assert.equal(code, 0)
    const [head, first, second] = stdout.split('\n')
    assert.match(head!, /^SESSION +PERSON +CLIENT +STATE +BEGAN +REFRESHED +TIMES +ENDS +FROM$/)
    assert.match(
      first!,
      new RegExp(`^[\\w-]{22} +${person} +cli +active +(\\d+ s ago|now) .* in (29|30) d +127\\.0\\.0\\.1$`),
    )
    assert.match(second!, / job +active /)
    const { body } = await ops.json('sessions', 'list', '--subject', person)
    assert.deepEqual(
      listed(body).map(({ client_id }) => client_id),
      ['cli', 'job'],
    )
  })

  test('B14 sessions list is paged: the cursor continues it, and --all reads every page', async (t) => {
    const { person } = await sessionsOf(t, ['job', 'job', 'job'])
    const ops = await tool(t)
    const filter = ['sessions', 'list', '--subject', person, '--limit', '2']
    const first = await ops.run(...filter)
    const [, cursor = ''] = /^more: --cursor (\S+)$/m.exec(first.stdout) ?? []
    const second = await ops.json(...filter, '--cursor', cursor)
    assert.equal(listed(second.body).length, 1)
    const all = await ops.json(...filter, '--all')
    assert.equal(listed(all.body).length, 3)
    assert.match(all.stderr, /3 sessions/)
  })

  test('sessions list reports a wrong state, limit, cursor or application', async (t) => {
    const ops = await tool(t)
    assert.equal((await ops.run('sessions', 'list', '--state', 'happy')).code, 2)
    assert.equal((await ops.run('sessions', 'list', '--limit', '1000')).code, 2)
    assert.equal((await ops.run('sessions', 'list', '--cursor', 'forged')).code, 1)
    assert.equal((await ops.run('sessions', 'list', '--application', 'nowhere')).code, 1)
    const none = await ops.json('sessions', 'list', '--subject', 'nobody-at-all')
    assert.deepEqual([none.code, none.body], [1, { sessions: [] }])
  })
})

describe('sessions show', () => {
  test('sessions show prints a session, the command for its history, and the query', async (t) => {
    const { person } = await sessionsOf(t, ['job'])
    const ops = await tool(t)
    const [session] = listed((await ops.json('sessions', 'list', '--subject', person)).body)
    const { code, stdout } = await ops.run('sessions', 'show', session!.sid)
    assert.equal(code, 0)
    assert.match(stdout, new RegExp(`^sid +${session!.sid}\nstate +active\nsub +${person}\n`))
    assert.match(stdout, new RegExp(`^  token-broker sessions history ${session!.sid}$`, 'm'))
    assert.match(stdout, new RegExp(`filter.*${session!.sid}`))
    assert.doesNotMatch(stdout, /rt_|eyJ|\ufffd/)
  })

  test('sessions show of an unknown session is exit code 1, with a hint', async (t) => {
    const { code, stderr } = await (await tool(t)).run('sessions', 'show', 'A'.repeat(22))
    assert.equal(code, 1)
    assert.match(stderr, /^There is no such session\.\n.*--application/)
  })

  for (const sid of [`-5${'A'.repeat(20)}`, `--${'A'.repeat(20)}`]) {
    test(`a session id may begin with a dash: ${sid}`, async (t) => {
      const ops = await tool(t)
      for (const words of [
        ['sessions', 'show', sid, '--application', 'demo'],
        ['sessions', 'revoke', sid, '--yes', '--reason', 'laptop stolen'],
      ]) {
        const { code, stderr } = await ops.run(...words)
        assert.equal(code, 1, words.join(' '))
        assert.match(stderr, /^There is no such session\.\n/)
      }
    })
  }
})

describe('sessions revoke', () => {
  test('B16 sessions revoke ends one session; repeating it says that it had ended', async (t) => {
    const { person, tokens } = await sessionsOf(t, ['job', 'cli'])
    const ops = await tool(t)
    const sessions = listed((await ops.json('sessions', 'list', '--subject', person)).body)
    const { sid } = sessions.find(({ client_id }) => client_id === 'job')!
    const revoke = ['sessions', 'revoke', sid, '--yes', '--reason', 'laptop stolen & sold'] as const
    const first = await ops.run(...revoke)
    assert.deepEqual([first.code, /^Revoked\./.test(first.stdout)], [0, true], first.stderr)
    const second = await ops.run(...revoke)
    assert.match(second.stdout, /^It had ended already \(revoked\)/)
    assert.equal(str(await refreshed('job', tokens[0]!), 'error'), 'invalid_grant')
    assert.equal((await refreshed('cli', tokens[1]!)).status, 200)
    assert.match(broker.output(), /laptop stolen & sold/)
  })

  test('B15 sessions revoke ends all sessions of a person, and says how many', async (t) => {
    const { person, tokens } = await sessionsOf(t, ['job', 'job'])
    const { code, body } = await (await tool(t)).json('sessions', 'revoke', '--subject', person, '--yes')
    assert.deepEqual([code, body.revoked, body.complete], [0, 2, true])
    for (const token of tokens) assert.equal(str(await refreshed('job', token), 'error'), 'invalid_grant')
  })

  test('B15 sessions revoke ends all sessions of a client, and says when that is in effect everywhere', async (t) => {
    const { tokens } = await sessionsOf(t, ['brief'])
    const { code, stdout } = await (await tool(t)).run('sessions', 'revoke', '--client', 'brief', '--yes')
    assert.equal(code, 0)
    assert.match(
      stdout,
      /^All sessions of the client brief of demo .* revoked\. In effect everywhere from .*Z \(in \d+ s\)\.$/m,
    )
    assert.equal(str(await refreshed('brief', tokens[0]!), 'error'), 'invalid_grant')
    assert.equal((await (await tool(t)).run('sessions', 'revoke', '--client', 'nobody', '--yes')).code, 1)
  })

  test('sessions revoke does nothing without a yes; in a pipe that is exit code 2', async (t) => {
    const { person } = await sessionsOf(t, ['job'])
    const ops = await tool(t)
    const { code, stderr } = await ops.run('sessions', 'revoke', '--subject', person)
    assert.deepEqual([code, /--yes/.test(stderr)], [2, true])
    assert.equal(listed((await ops.json('sessions', 'list', '--subject', person, '--state', 'active')).body).length, 1)
    assert.equal((await ops.run('sessions', 'revoke', '--yes')).code, 2)
    assert.equal((await ops.run('sessions', 'revoke', '--yes', '--all', '--client', 'job')).code, 2)
  })
})

type Asked = { readonly request: IncomingMessage; readonly body: string }

/** A server that gives these answers one after the other, and keeps what it was asked. */
async function answering(t: TestContext, ...answers: readonly (readonly [status: number, body: object])[]) {
  const asked: Asked[] = []
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    asked.push({ request, body: Buffer.concat(chunks).toString() })
    const [status, body] = answers[Math.min(asked.length, answers.length) - 1]!
    response.writeHead(status, { 'content-type': 'application/json', 'retry-after': '0' }).end(JSON.stringify(body))
  })
  const port = await listen(server, 0, 'PORT')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return { url: `http://127.0.0.1:${port}`, asked }
}

describe('a broker that', () => {
  test('a revocation in several sweeps continues at the cursor, and the counts are added', async (t) => {
    const part = { by: 'subject', revoked_before: '2026-11-22T00:00:00Z', effective_at: '2026-11-22T00:00:00Z' }
    const { url, asked } = await answering(
      t,
      [200, { sessions: [{ sid: 'A'.repeat(22), sub: 'alice', state: 'active' }] }],
      [200, { ...part, revoked: 40, complete: false, cursor: 'here' }],
      [200, { ...part, revoked: 2, complete: true }],
      [200, { sessions: [{ sid: 'A'.repeat(22), sub: 'alice', state: 'revoked' }] }],
    )
    const { code, body } = await (await tool(t, { TOKEN_BROKER_URL: url })).json(
      ...['sessions', 'revoke', '--subject', 'alice', '--reason', 'why', '--yes'],
    )
    assert.deepEqual([code, body.revoked, body.complete], [0, 42, true])
    assert.deepEqual(
      asked.filter((each) => each.body !== '').map((each) => JSON.parse(each.body)),
      [
        { subject: 'alice', reason: 'why' },
        { subject: 'alice', reason: 'why', cursor: 'here' },
      ],
    )
  })

  test('a broker that answers 503 is asked again; one that never answers is exit code 4', async (t) => {
    const stumbling = await answering(t, [503, {}], [503, {}], [200, { sessions: [] }])
    assert.equal((await (await tool(t, { TOKEN_BROKER_URL: stumbling.url })).run('sessions', 'list')).code, 0)
    const away = await answering(t, [503, {}])
    const { code, stderr } = await (await tool(t, { TOKEN_BROKER_URL: away.url })).run('sessions', 'list')
    assert.deepEqual([code, /out of reach \(status 503\)/.test(stderr), away.asked.length], [4, true, 4])
    assert.equal((await (await tool(t, { TOKEN_BROKER_URL: 'http://127.0.0.1:1' })).run('sessions', 'list')).code, 4)
  })

  test('a refusal of the broker is exit code 1, with the right that is missing', async (t) => {
    const { url } = await answering(t, [403, { message: 'User is not authorized' }])
    const { code, stderr } = await (await tool(t, { TOKEN_BROKER_URL: url })).run('sessions', 'list')
    assert.deepEqual([code, /not authorized.*\n.*execute-api:Invoke/s.test(stderr)], [1, true])
  })

  test('names with control characters do not reach the terminal', async (t) => {
    const sub = '\u001b]0;owned\u0007\u001b[2Jmallory'
    const session = { sid: 'A'.repeat(22), sub, client_id: 'cli', state: 'active', created_at: '2026-11-22T00:00:00Z' }
    const { url } = await answering(t, [200, { sessions: [session] }])
    const { stdout } = await (await tool(t, { TOKEN_BROKER_URL: url })).run('sessions', 'list')
    assert.ok(!stdout.includes('\u001b') && stdout.includes('mallory'))
  })
})

describe('a call that is signed', () => {
  const keys = { AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE', AWS_SECRET_ACCESS_KEY: 'a/secret', AWS_SESSION_TOKEN: 'a-token' }

  test('a signed call has the signature that AWS computes, also with spaces and slashes', async (t) => {
    const session = { sid: 'A'.repeat(22), client_id: 'cli', state: 'active', created_at: '2026-11-22T00:00:00Z' }
    const { url, asked } = await answering(t, [200, { sessions: [session] }])
    const ops = await tool(t, { TOKEN_BROKER_URL: url, AWS_REGION: 'eu-central-1', ...keys })
    const words = ['--subject', 'auth0|alice b/ü+1', '--application', 'billing', '--sign']
    assert.equal((await ops.run('sessions', 'list', ...words)).code, 0)
    const [{ request, body }] = asked as [Asked]
    assert.match(
      request.headers.authorization ?? '',
      /Credential=AKIDEXAMPLE\/\d{8}\/eu-central-1\/execute-api\/aws4_request/,
    )
    assert.equal(request.headers['x-amz-security-token'], 'a-token')
    assert.equal(signatureIn(request), signatureOf(request, body, keys.AWS_SECRET_ACCESS_KEY))
  })

  test('the signature of a call includes the body', async (t) => {
    const { url, asked } = await answering(t, [200, { complete: true }])
    const ops = await tool(t, { TOKEN_BROKER_URL: url, ...keys })
    const words = ['--client', 'nightly', '--yes', '--sign', '--region', 'us-east-1']
    assert.equal((await ops.run('sessions', 'revoke', ...words)).code, 0)
    const [{ request, body }] = asked as [Asked]
    assert.equal(signatureIn(request), signatureOf(request, body, keys.AWS_SECRET_ACCESS_KEY))
    assert.notEqual(signatureIn(request), signatureOf(request, `${body} `, keys.AWS_SECRET_ACCESS_KEY))
  })

  test('a call without AWS credentials is not made', async (t) => {
    const { url, asked } = await answering(t, [200, { sessions: [] }])
    const nowhere = {
      AWS_CONFIG_FILE: '/nowhere',
      AWS_SHARED_CREDENTIALS_FILE: '/nowhere',
      AWS_EC2_METADATA_DISABLED: 'true',
    }
    const ops = await tool(t, { TOKEN_BROKER_URL: url, AWS_REGION: 'eu-central-1', ...nowhere })
    const { code, stderr } = await ops.run('sessions', 'list', '--sign')
    assert.deepEqual([code, /no AWS credentials/.test(stderr), asked.length], [1, true, 0])
  })

  test('a call to another machine is never made without TLS', async (t) => {
    const { code, stderr } = await (await tool(t)).run('sessions', 'list', '--url', 'http://broker.example')
    assert.deepEqual([code, /https/.test(stderr)], [2, true])
  })
})

function signatureIn({ headers }: IncomingMessage): string | undefined {
  return /Signature=([0-9a-f]{64})/.exec(headers.authorization ?? '')?.[1]
}

/** Signature Version 4 as its documentation has it, of a request as it arrived. */
function signatureOf({ method, url = '', headers }: IncomingMessage, body: string, secret: string): string {
  const [path = '', query = ''] = url.split('?')
  const encode = (text: string) =>
    encodeURIComponent(text).replace(
      /[!'()*]/g,
      (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
    )
  const [, scope = '', names = ''] =
    /Credential=[^/]+\/([^,]+), SignedHeaders=([^,]+)/.exec(headers.authorization ?? '') ?? []
  const hash = (text: string) => createHash('sha256').update(text).digest('hex')
  const canonical = [
    method,
    path.split('/').map(encode).join('/'),
    query
      .split('&')
      .filter(Boolean)
      .map((pair) =>
        pair
          .split('=')
          .map((part) => encode(decodeURIComponent(part)))
          .join('='),
      )
      .sort()
      .join('&'),
    ...names.split(';').map((name) => `${name}:${String(headers[name]).trim()}`),
    '',
    names,
    hash(body),
  ].join('\n')
  const text = ['AWS4-HMAC-SHA256', headers['x-amz-date'], scope, hash(canonical)].join('\n')
  const key = scope
    .split('/')
    .reduce<string | Buffer>((before, part) => createHmac('sha256', before).update(part).digest(), `AWS4${secret}`)
  return createHmac('sha256', key).update(text).digest('hex')
}
