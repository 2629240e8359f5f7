/**
 * An identity provider for one sign-in. Its answers are right unless a test replaces one.
 */

import { type KeyObject, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { exportJWK, SignJWT } from 'jose'
import { sharedKeys } from './rsa-keys.ts'

export type Endpoint = 'discovery' | 'jwks' | 'token' | 'userinfo'
type Reply = (request: IncomingMessage, response: ServerResponse, body: string) => void | Promise<void>

export type TestProvider = {
  readonly issuer: string
  readonly requests: {
    readonly endpoint: Endpoint
    readonly body: string
    readonly authorization: string | undefined
  }[]
  /** Replaces an endpoint's answers until `behave`. */
  misbehave(endpoint: Endpoint, reply: Reply): void
  behave(): void
  /** Claims that are added to the ID token or replace its own; undefined leaves one out. */
  /** `kid` is that of the one key in the key set, too. */
  readonly idToken: { claims: Record<string, unknown>; key: KeyObject | undefined; kid: string }
  readonly userinfo: { claims: Record<string, unknown> }
  /** Members that are added to the metadata or replace its own. */
  readonly metadata: Record<string, unknown>
  stop(): Promise<void>
}

export const providerClientId = 'broker'

export async function startProvider(): Promise<TestProvider> {
  const { privateKey, publicKey } = sharedKeys()
  const jwk = { ...(await exportJWK(publicKey)), alg: 'RS256', use: 'sig' }
  const replaced = new Map<Endpoint, Reply>()
  const idToken: TestProvider['idToken'] = { claims: {}, key: undefined, kid: 'one' }
  const userinfo: TestProvider['userinfo'] = { claims: {} }
  const metadata: Record<string, unknown> = {}
  const requests: TestProvider['requests'] = []

  const usual: Record<Endpoint, Reply> = {
    discovery: (_, response) => json(response, 200, { ...metadataOf(issuer), ...metadata }),
    jwks: (_, response) => json(response, 200, { keys: [{ ...jwk, kid: idToken.kid }] }),
    token: async (_, response) =>
      json(response, 200, {
        access_token: 'the access token of the provider',
        token_type: 'Bearer',
        expires_in: 60,
        id_token: await signed(issuer, idToken, privateKey),
      }),
    userinfo: (_, response) => json(response, 200, { sub: 'ada', ...userinfo.claims }),
  }
  const server = createServer(async (request, response) => {
    const endpoint = endpointOf(request.url)
    if (endpoint === undefined) return void response.writeHead(404).end()
    const body = await text(request)
    requests.push({ endpoint, body, authorization: request.headers.authorization })
    await (replaced.get(endpoint) ?? usual[endpoint])(request, response, body)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`

  return {
    ...{ issuer, requests, idToken, userinfo, metadata },
    misbehave: (endpoint, reply) => void replaced.set(endpoint, reply),
    behave: () => {
      replaced.clear()
      Object.assign(idToken, { claims: {}, key: undefined, kid: 'one' })
      userinfo.claims = {}
      for (const name of Object.keys(metadata)) delete metadata[name]
      requests.length = 0
    },
    stop: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

export function json(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

function endpointOf(url = ''): Endpoint | undefined {
  if (url.startsWith('/.well-known/openid-configuration')) return 'discovery'
  return (['jwks', 'token', 'userinfo'] as const).find((endpoint) => url.startsWith(`/${endpoint}`))
}

function metadataOf(issuer: string): Record<string, unknown> {
  return {
    issuer,
    authorization_endpoint: `${issuer}/authorize?tenant=1`,
    token_endpoint: `${issuer}/token`,
    userinfo_endpoint: `${issuer}/userinfo`,
    jwks_uri: `${issuer}/jwks`,
    response_types_supported: ['code'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['RS256'],
    code_challenge_methods_supported: ['S256'],
  }
}

function signed(issuer: string, { claims, key, kid }: TestProvider['idToken'], usual: KeyObject): Promise<string> {
  const iat = Math.floor(Date.now() / 1000)
  const own = {
    iss: issuer,
    sub: 'ada',
    aud: providerClientId,
    iat,
    exp: iat + 300,
    auth_time: iat - 7,
    jti: randomUUID(),
  }
  const payload = JSON.parse(JSON.stringify({ ...own, ...claims })) as Record<string, unknown>
  return new SignJWT(payload).setProtectedHeader({ alg: 'RS256', kid }).sign(key ?? usual)
}
