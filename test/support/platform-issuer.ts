/** Issuers of workload identities over HTTP, several on one port: each has keys, counts its requests, and can be broken. */

import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type CryptoKey, exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose'

export type Answer = { readonly status?: number; readonly headers?: Record<string, string>; readonly body?: string }
type Break = (what: 'metadata' | 'jwks') => Answer | 'hang-up' | 'stall' | undefined

export type PlatformKey = {
  readonly alg: string
  readonly kid: string | undefined
  readonly privateKey: CryptoKey
  readonly jwk: JWK
}

export type PlatformIssuer = {
  readonly issuer: string
  /** What the key set holds, replaceable at any time. */
  keys: PlatformKey[]
  /** Another answer than the usual one. */
  broken: Break | undefined
  /** Requests so far, by what was asked for. */
  readonly asked: { metadata: number; jwks: number }
  /** @param header members of the header beside alg, kid and typ; undefined takes one out */
  sign(claims: object, key?: PlatformKey, header?: object): Promise<string>
}

export type Platforms = { issuer(name: string, ...keys: PlatformKey[]): PlatformIssuer; stop(): Promise<void> }

export async function newPlatformKey(alg = 'RS256', kid: string | undefined = alg): Promise<PlatformKey> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true })
  return {
    alg,
    kid,
    privateKey,
    jwk: { ...(await exportJWK(publicKey)), use: 'sig', ...(kid !== undefined && { kid }) },
  }
}

export async function startPlatforms(): Promise<Platforms> {
  const issuers = new Map<string, PlatformIssuer>()
  const server = createServer((request, response) => {
    const [, name = '', what] = /^\/([^/]+)\/(jwks|\.well-known\/openid-configuration)$/.exec(request.url ?? '') ?? []
    const issuer = issuers.get(name)
    if (issuer === undefined) return void response.writeHead(404).end()
    const kind = what === 'jwks' ? 'jwks' : 'metadata'
    issuer.asked[kind] += 1
    const answer = issuer.broken?.(kind)
    if (answer === 'hang-up') return void response.destroy()
    if (answer === 'stall') return void response.writeHead(200).write('{')
    const usual =
      kind === 'jwks'
        ? { keys: issuer.keys.map(({ jwk }) => jwk) }
        : { issuer: issuer.issuer, jwks_uri: `${issuer.issuer}/jwks` }
    const { status = 200, headers = {}, body = JSON.stringify(usual) } = answer ?? {}
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(body)
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    issuer: (name, ...keys) => {
      const issuer: PlatformIssuer = {
        ...{ issuer: `${base}/${name}`, keys, broken: undefined, asked: { metadata: 0, jwks: 0 } },
        sign: (claims, key = issuer.keys[0]!, header = {}) => {
          const payload = JSON.parse(JSON.stringify(claims)) as Record<string, unknown>
          const full = JSON.parse(JSON.stringify({ alg: key.alg, kid: key.kid, typ: 'JWT', ...header })) as {
            alg: string
          }
          return new SignJWT(payload).setProtectedHeader(full).sign(key.privateKey)
        },
      }
      issuers.set(name, issuer)
      return issuer
    },
    stop: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
