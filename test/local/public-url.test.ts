/**
 * The local stack behind TLS (PUBLIC_URL), and with a provider of one's own.
 */

import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { request as plainRequest } from 'node:http'
import { createServer, request } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { approve } from '../../local/demo/person.ts'
import { call, str } from '../../local/demo/program.ts'
import { startLocalStack } from '../../local/stack.ts'
import { hasChromium, launchChromium } from '../pages/browser.ts'
import { certificateForLoopback } from '../support/certificate.ts'
import { run } from './support/child.ts'
import { directory } from './support/directory.ts'

const device = 'urn:ietf:params:oauth:grant-type:device_code'
const form = { client_id: 'cli', scope: 'openid offline_access' }

type Proxy = { readonly url: string; forwardTo(url: string): void; readonly ca: string }

/** Terminates TLS, as a reverse proxy or a tunnel does, and passes the Host header on. */
async function startTlsProxy(t: TestContext): Promise<Proxy> {
  const { authority: ca, certificate: cert, key } = certificateForLoopback()
  let target = ''
  const server = createServer({ key, cert }, (incoming, outgoing) => {
    const headers = { ...incoming.headers, 'x-forwarded-for': '192.0.2.1' }
    const onward = plainRequest(`${target}${incoming.url}`, { method: incoming.method ?? 'GET', headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 500, answer.headers)
      answer.pipe(outgoing)
    })
    incoming.pipe(onward)
  })
  await new Promise<void>((listening) => {
    server.listen(0, '127.0.0.1', listening)
  })
  t.after(() => {
    server.close()
    server.closeAllConnections()
  })
  const { port } = server.address() as AddressInfo
  const forwardTo = (url: string) => {
    target = url
  }
  return { url: `https://127.0.0.1:${port}`, ca, forwardTo }
}

function statusAt(url: string, ca: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const outgoing = request(url, { ca, agent: false }, (answer) => {
      answer.resume()
      resolve(answer.statusCode)
    })
    outgoing.on('error', reject).end()
  })
}

const skip = hasChromium() ? false : 'there is no Chromium'

test('behind TLS a person signs in at PUBLIC_URL, and the cookies are of that host alone', { skip }, async (t) => {
  const proxy = await startTlsProxy(t)
  const stack = await startLocalStack({ publicUrl: proxy.url, functionLog: () => {} })
  t.after(() => stack.close())
  proxy.forwardTo(stack.localUrl)
  assert.equal(stack.url, proxy.url)
  const browser = await launchChromium()
  t.after(() => browser.close())

  for (const application of ['demo', 'auth0like']) {
    const context = await browser.newContext({ ignoreHTTPSErrors: true })
    const started = await call(`${stack.localUrl}/${application}/oauth/device_authorization`, form)
    const address = str(started, 'verification_uri_complete')
    assert.ok(address.startsWith(`${proxy.url}/${application}/activate`), address)
    const tab = await context.newPage()
    await tab.goto(address)
    await tab.click('button[value=approve]')
    const names = (await context.cookies()).map(({ name, secure }) => ({ name, secure }))
    const ours = names.filter(({ name }) => name.includes('token-broker'))
    assert.ok(
      ours.length > 0 && ours.every(({ name, secure }) => name.startsWith('__Host-') && secure),
      JSON.stringify(ours),
    )
    await tab.fill('[name=login]', 'alice')
    await tab.fill('[name=password]', 'secret')
    await tab.click('button:not(.quiet)')
    await tab.waitForURL(`${proxy.url}/**`)
    const poll = { client_id: 'cli', grant_type: device, device_code: str(started, 'device_code') }
    const tokens = await call(`${stack.localUrl}/${application}/oauth/token`, poll)
    assert.equal(tokens.status, 200, JSON.stringify(tokens.body))
    const [, payload = ''] = str(tokens, 'access_token').split('.')
    const { iss } = JSON.parse(Buffer.from(payload, 'base64url').toString()) as { iss: string }
    assert.equal(iss, `${proxy.url}/${application}`)
    await context.close()
  }
})

test('what comes through a proxy is no call of ops, whatever host it names', async (t) => {
  const proxy = await startTlsProxy(t)
  const stack = await startLocalStack({ publicUrl: proxy.url, functionLog: () => {} })
  t.after(() => stack.close())
  proxy.forwardTo(stack.localUrl)
  assert.equal(await statusAt(`${proxy.url}/demo/sessions?limit=1`, proxy.ca), 403)
  assert.equal((await call(`${stack.localUrl}/demo/sessions?limit=1`)).status, 200)
})

test('people sign in at a provider of one’s own, whose secret is in the environment', async (t) => {
  const own = await startLocalStack({ functionLog: () => {}, providerSecret: () => 'the-secret-over-there' })
  const path = join(await directory(t), 'registry.json')
  const file = readFileSync('local/registry.json', 'utf8').replaceAll(['$', '{IDP_URL}'].join(''), own.idpUrl)
  const { applications } = JSON.parse(file) as { applications: { name: string }[] }
  writeFileSync(path, JSON.stringify({ applications: applications.filter(({ name }) => name === 'demo') }))
  t.after(() => own.close())

  const start = async (variables: Readonly<Record<string, string>>) => {
    const child = run(process.execPath, ['local/start.ts'], { PORT: '0', IDP_PORT: '0', REGISTRY: path, ...variables })
    t.after(() => child.process.kill('SIGTERM'))
    const [, url = ''] = await child.until(/^ready (\S+)$/m)
    return { url, output: child.output }
  }
  const signIn = async (url: string) => {
    const started = await call(`${url}/demo/oauth/device_authorization`, form)
    const { status } = await approve(str(started, 'verification_uri_complete'), 'alice')
    const poll = { client_id: 'cli', grant_type: device, device_code: str(started, 'device_code') }
    return { page: status, tokens: (await call(`${url}/demo/oauth/token`, poll)).status }
  }

  const told = await start({ PROVIDER_SECRET_DEMO: 'the-secret-over-there' })
  assert.doesNotMatch(told.output.stderr, /PROVIDER_SECRET/)
  assert.deepEqual(await signIn(told.url), { page: 200, tokens: 200 })

  const untold = await start({})
  assert.match(
    untold.output.stderr,
    /^The provider of demo is http\S+\. Set PROVIDER_SECRET_DEMO to the secret of the client token-broker-demo there/m,
  )
  assert.equal((await signIn(untold.url)).tokens, 400)
})
