/** `version`, and what command line and broker tell each other when their versions do not fit. */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type TestContext, test } from 'node:test'
import { mismatch, packageName, version } from '../../shared/version.ts'
import { sharedBroker } from '../flows/support/shared-broker.ts'
import { commandLine } from './support/command-line.ts'

const broker = await sharedBroker()

/** A broker of this version, as far as these commands ask. @returns its URL, and the requests that it got */
async function brokerOf(t: TestContext, told: string | undefined) {
  const requests: IncomingMessage[] = []
  const server = createServer((request, response) => {
    requests.push(request)
    if (told !== undefined) response.setHeader('Token-Broker-Version', told)
    const isDescription = request.url === '/openapi.json'
    response.end(JSON.stringify(isDescription ? { info: { version: told ?? '1' } } : { sessions: [] }))
  }).listen(0, '127.0.0.1')
  t.after(() => server.close())
  await once(server, 'listening')
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests }
}

test('version prints that of the command line, and that of the broker where a URL is given', async (t) => {
  const alone = await (await commandLine(t)).run('version')
  assert.deepEqual([alone.code, alone.stdout], [0, `${packageName} ${version}\n`])
  const { code, stdout } = await (await commandLine(t, { TOKEN_BROKER_URL: broker.url })).run('version')
  assert.deepEqual([code, stdout], [0, `${packageName} ${version}\nbroker ${version} at ${broker.url}\n`])
  assert.equal((await (await commandLine(t)).run('--version')).stdout, `${version}\n`)
})

test('version fails if the broker does not fit, and says which of the two to update and how', async (t) => {
  const { url } = await brokerOf(t, '0.3.1')
  const { code, stderr, body } = await (await commandLine(t)).json('version', '--url', url)
  assert.equal(code, 1)
  assert.deepEqual(body, { version, url, broker: '0.3.1', fits: false })
  assert.match(stderr, /Update the command line: npx @token-broker\/token-broker@0\.3\.1/)
})

test('version says why when a broker is too old to tell its version, or out of reach', async (t) => {
  const { url } = await brokerOf(t, undefined)
  const tool = await commandLine(t)
  const old = await tool.run('version', '--url', url)
  assert.equal(old.code, 1)
  assert.match(old.stderr, /Brokers before 0\.2\.0/)
  assert.equal((await tool.run('version', '--url', 'http://127.0.0.1:1')).code, 4)
})

test('an operator’s command warns once when it works with a broker that does not fit', async (t) => {
  const { url, requests } = await brokerOf(t, '0.1.9')
  const { code, stderr } = await (await commandLine(t)).runProcess('sessions', 'list', '--url', url)
  assert.equal(code, 0)
  assert.equal(requests[0]?.headers['user-agent'], `token-broker/${version}`)
  assert.equal(stderr.match(/Update the broker, or use the command line of its version/g)?.length, 1)
})

test('the broker tells operators its version, and a command line that does not fit what to do', async () => {
  const list = async (agent: string) => {
    const response = await fetch(`${broker.url}/demo/sessions?limit=none`, { headers: { 'user-agent': agent } })
    const { error_description: told } = (await response.json()) as { error_description: string }
    return { status: response.status, version: response.headers.get('token-broker-version'), told }
  }
  const [old, fitting] = await Promise.all([list('token-broker/0.1.0'), list(`token-broker/${version}`)])
  assert.deepEqual([old.status, old.version], [400, version])
  assert.equal(old.told, `${fitting.told} ${mismatch('0.1.0', version)}`)
  const description = (await (await fetch(`${broker.url}/openapi.json`)).json()) as { info: { version: string } }
  assert.equal(description.info.version, version)
})

test('versions fit when their first number that is not 0 is the same', () => {
  for (const [one, other] of [
    ['0.2.0', '0.2.9'],
    ['1.0.0', '1.4.2'],
    ['0.12.1', '0.12.0'],
  ] as const) {
    assert.equal(mismatch(one, other), undefined)
  }
  for (const [older, newer] of [
    ['0.2.9', '0.3.0'],
    ['0.9.0', '0.10.0'],
    ['0.10.0', '1.0.0'],
    ['1.9.0', '2.0.0'],
  ] as const) {
    assert.match(mismatch(older, newer) ?? '', /Update the command line: /)
    assert.match(mismatch(newer, older) ?? '', /Update the broker/)
  }
})
