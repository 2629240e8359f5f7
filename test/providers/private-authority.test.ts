/**
 * P27 of the requirements: a provider whose certificate comes from a private authority.
 */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { after, before, test } from 'node:test'
import type { OAuth2Settings, OidcSettings } from '../../shared/domain/registration.ts'
import { createOAuth2Provider } from '../../shared/providers/oauth2.ts'
import { createOidcProvider } from '../../shared/providers/oidc.ts'
import { fetchTrusting } from '../../shared/providers/private-fetch.ts'
import { parseRegistry } from '../../shared/registry-file.ts'
import { certificateForLoopback } from '../support/certificate.ts'
import { providerDefaults } from '../support/registry.ts'
import { comeBack, redirectUri, rejectsAsUnavailable } from '../support/sign-in.ts'

const own = certificateForLoopback()
const strange = certificateForLoopback()

let server: Server
let url: string
const bodies: string[] = []
before(async () => {
  server = createServer({ cert: own.certificate, key: own.key }, async (request, response) => {
    const asked = new URL(request.url ?? '/', 'https://127.0.0.1').pathname
    bodies.push(`${request.method} ${asked} ${await text(request)}`)
    if (asked === '/silent') return
    if (asked === '/hang-up') return void request.socket.destroy()
    if (asked === '/endless') {
      response.writeHead(200)
      const timer = setInterval(() => response.write(Buffer.alloc(262_144)), 1)
      return void response.on('close', () => clearInterval(timer))
    }
    response.writeHead(asked === '/away' ? 302 : 200, { 'content-type': 'application/json', location: '/token' })
    response.end(JSON.stringify(answers(asked)))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`
})
after(async () => {
  server.closeAllConnections()
  server.close()
  await once(server, 'close')
})

function answers(asked: string): object {
  if (asked === '/token') return { access_token: 'opaque', token_type: 'Bearer' }
  if (asked === '/userinfo') return { id: 7, name: 'Ada' }
  return {
    issuer: url,
    authorization_endpoint: `${url}/authorize`,
    token_endpoint: `${url}/token`,
    jwks_uri: `${url}/jwks`,
  }
}

function oauth2(certificateAuthority?: string) {
  const settings: OAuth2Settings = {
    ...{
      ...providerDefaults,
      kind: 'oauth2',
      clientId: 'broker',
      auth: 'client_secret_post',
      scopes: [],
      body: 'form',
      pkce: true,
      claims: {},
    },
    authorizationEndpoint: `${url}/authorize`,
    tokenEndpoint: `${url}/token`,
    userinfoEndpoint: `${url}/userinfo`,
    certificateAuthority,
  }
  return createOAuth2Provider(settings, async () => 'the secret')
}

function oidc(certificateAuthority?: string) {
  const settings: OidcSettings = {
    ...providerDefaults,
    kind: 'oidc',
    issuer: url,
    clientId: 'broker',
    auth: 'none',
    scopes: ['openid'],
    certificateAuthority,
  }
  return createOidcProvider(settings, async () => '')
}

async function signIn(provider: ReturnType<typeof oauth2>) {
  const { secrets } = await provider.begin(redirectUri, {})
  return comeBack(provider, secrets)
}

test('P27 with its authority in the settings, a provider of kind oauth2 is spoken to over TLS', async () => {
  bodies.length = 0
  const result = await signIn(oauth2(own.authority))
  assert.equal(result.kind === 'signed-in' && result.person.sub, '7')
  const [exchange = '', userinfo] = bodies
  const sent = new URLSearchParams(exchange.replace('POST /token ', ''))
  assert.deepEqual([sent.get('client_secret'), sent.get('redirect_uri')], ['the secret', redirectUri])
  assert.equal(userinfo, 'GET /userinfo ')
})

test('P27 a provider of kind oidc with its authority in the settings is spoken to over TLS', async () => {
  assert.equal(await oidc(own.authority).signInOrigin(), url)
})

test('P27 without its own authority a provider is refused, whatever another one or NODE_TLS_REJECT_UNAUTHORIZED says', async () => {
  await signIn(oauth2(own.authority))
  const before = process.env.NODE_TLS_REJECT_UNAUTHORIZED
  for (const certificateAuthority of [undefined, strange.authority]) {
    await rejectsAsUnavailable(signIn(oauth2(certificateAuthority)))
    await rejectsAsUnavailable(oidc(certificateAuthority).signInOrigin())
  }
  process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0'
  try {
    await rejectsAsUnavailable(signIn(oauth2(strange.authority)))
  } finally {
    if (before === undefined) delete process.env.NODE_TLS_REJECT_UNAUTHORIZED
    else process.env.NODE_TLS_REJECT_UNAUTHORIZED = before
  }
})

test('P27 a certificate for another host is refused', async () => {
  const { port } = new URL(url)
  await assert.rejects(fetchTrusting(own.authority)(`https://localhost:${port}/token`, {}), ({ cause }: Error) => {
    return (cause as NodeJS.ErrnoException).code === 'ERR_TLS_CERT_ALTNAME_INVALID'
  })
})

test('P27 such a request fails as fetch does, follows no redirect, and gives up after 1 MB of an answer', async () => {
  const fetch = fetchTrusting(own.authority)
  const signal = AbortSignal.timeout(100)
  await assert.rejects(fetch(`${url}/silent`, { signal }), { name: 'TimeoutError' })
  for (const path of ['hang-up', 'endless']) {
    await assert.rejects(fetch(`${url}/${path}`, {}), { name: 'TypeError', message: 'fetch failed' })
  }
  assert.equal((await fetch(`${url}/away`, {})).status, 302)
})

test('P27 the setting takes certificates and nothing else', () => {
  const mistakesWith = (certificateAuthority: string) => {
    const provider = { kind: 'oidc', issuer: 'https://10.0.0.7', clientId: 'b', certificateAuthority }
    const file = { applications: [{ name: 'a', displayName: 'A', provider, audiences: ['x'], clients: [] }] }
    const parsed = parseRegistry(JSON.stringify(file), {})
    return parsed.ok ? [] : [...new Set(parsed.mistakes.map(({ where }) => where))]
  }
  assert.deepEqual(mistakesWith(own.authority), [])
  assert.deepEqual(mistakesWith(`${own.authority}${strange.authority}`), [])
  const broken = own.authority.replace(/\n[A-Za-z0-9+/]{20}/, '\nAAAAAAAAAAAAAAAAAAAA')
  for (const wrong of ['', 'ca.pem', broken, own.key, `${own.authority}${own.key}`]) {
    assert.deepEqual(mistakesWith(wrong), ['applications[0].provider.certificateAuthority'], wrong)
  }
})
