/**
 * The local stack behind TLS (PUBLIC_URL).
 */

import assert from 'node:assert/strict'
import { request as plainRequest } from 'node:http'
import { createServer, request } from 'node:https'
import type { AddressInfo } from 'node:net'
import { after, before, test } from 'node:test'
import { deviceGrant } from '../../local/commands.ts'
import { call, str } from '../../local/demo/program.ts'
import { type LocalStack, startLocalStack } from '../../local/stack.ts'
import { certificateForLoopback } from '../support/certificate.ts'
import { hasChromium, inTab } from './browser.ts'

const form = { client_id: 'cli', scope: 'openid offline_access' }
const skip = hasChromium() ? false : 'there is no Chromium'

type Proxy = { readonly url: string; readonly ca: string; forwardTo(url: string): void; close(): void }

let proxy: Proxy
let stack: LocalStack
before(async () => {
  proxy = await startTlsProxy()
  stack = await startLocalStack({ publicUrl: proxy.url, functionLog: () => {} })
  proxy.forwardTo(stack.localUrl)
})
after(async () => {
  await stack.close()
  proxy.close()
})

/** Terminates TLS, as a reverse proxy or a tunnel does, and passes the Host header on. */
async function startTlsProxy(): Promise<Proxy> {
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
  const { port } = server.address() as AddressInfo
  return {
    url: `https://127.0.0.1:${port}`,
    ca,
    forwardTo: (url) => {
      target = url
    },
    close: () => {
      server.close()
      server.closeAllConnections()
    },
  }
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

for (const application of ['demo', 'auth0like']) {
  test(
    `behind TLS a person signs in to ${application} at PUBLIC_URL, and the cookies are of that host alone`,
    { skip },
    () =>
      inTab({}, async (tab) => {
        assert.equal(stack.url, proxy.url)
        const started = await call(`${stack.localUrl}/${application}/oauth/device_authorization`, form)
        const address = str(started, 'verification_uri_complete')
        assert.ok(address.startsWith(`${proxy.url}/${application}/activate`), address)
        await tab.goto(address)
        await tab.click('button[value=approve]')
        const names = (await tab.context().cookies()).map(({ name, secure }) => ({ name, secure }))
        const ours = names.filter(({ name }) => name.includes('token-broker'))
        assert.ok(
          ours.length > 0 && ours.every(({ name, secure }) => name.startsWith('__Host-') && secure),
          JSON.stringify(ours),
        )
        await tab.fill('[name=login]', 'alice')
        await tab.fill('[name=password]', 'secret')
        await tab.click('button:not(.quiet)')
        await tab.waitForURL(`${proxy.url}/**`)
        const poll = { client_id: 'cli', grant_type: deviceGrant, device_code: str(started, 'device_code') }
        const tokens = await call(`${stack.localUrl}/${application}/oauth/token`, poll)
        assert.equal(tokens.status, 200, JSON.stringify(tokens.body))
        const [, payload = ''] = str(tokens, 'access_token').split('.')
        const { iss } = JSON.parse(Buffer.from(payload, 'base64url').toString()) as { iss: string }
        assert.equal(iss, `${proxy.url}/${application}`)
      }),
  )
}

test('what comes through a proxy is no call of ops, whatever host it names', async () => {
  assert.equal(await statusAt(`${proxy.url}/demo/sessions?limit=1`, proxy.ca), 403)
  assert.equal((await call(`${stack.localUrl}/demo/sessions?limit=1`)).status, 200)
})
