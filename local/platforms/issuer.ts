/** An issuer of platform tokens: publishes its metadata (OIDC Discovery §4) and public keys, and signs tokens. */

import type { ServerResponse } from 'node:http'
import { importJWK, type JWK, SignJWT } from 'jose'

export type Claims = Readonly<Record<string, unknown>>

export type Setup = {
  readonly issuer: string
  /** The path of the platform's key set, below the issuer. */
  readonly keysPath: string
  /** Private keys. Each names its algorithm. */
  readonly keys: () => Promise<readonly JWK[]>
  /** Members of the JWT header beside `alg` and `kid`. */
  readonly header: { readonly typ?: 'JWT' }
}

export type Issuer = {
  readonly issuer: string
  /** @param lifetimeSeconds from now on */
  sign(alg: string, claims: Claims, lifetimeSeconds: number): Promise<string>
  /** Answers requests for metadata and keys. @param path below the issuer @returns whether it answered */
  answer(path: string, outgoing: ServerResponse): Promise<boolean>
}

export function createIssuer({ issuer, keysPath, keys, header }: Setup): Issuer {
  return {
    issuer,
    sign: async (alg, claims, lifetimeSeconds) => {
      const key = (await keys()).find((each) => each.alg === alg)
      if (key === undefined) throw new Error(`${issuer} has no key for ${alg}`)
      const now = Math.floor(Date.now() / 1_000)
      return new SignJWT({ iss: issuer, iat: now, exp: now + lifetimeSeconds, ...claims })
        .setProtectedHeader({ alg, ...(key.kid !== undefined && { kid: key.kid }), ...header })
        .sign(await importJWK(key, alg))
    },
    answer: async (path, outgoing) => {
      if (path === '/.well-known/openid-configuration') {
        const algorithms = (await keys()).map(({ alg }) => alg)
        sendJson(outgoing, {
          issuer,
          jwks_uri: `${issuer}${keysPath}`,
          response_types_supported: ['id_token'],
          subject_types_supported: ['public'],
          id_token_signing_alg_values_supported: algorithms,
        })
        return true
      }
      if (path !== keysPath) return false
      sendJson(outgoing, { keys: (await keys()).map(publicPart) })
      return true
    },
  }
}

function publicPart({ kty, n, e, crv, x, y, kid, alg }: JWK): JWK {
  const members = Object.entries({ kty, n, e, crv, x, y, kid, alg, use: 'sig' })
  return Object.fromEntries(members.filter(([, value]) => value !== undefined)) as JWK
}

export function sendJson(outgoing: ServerResponse, value: object, status = 200): void {
  outgoing.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value))
}
