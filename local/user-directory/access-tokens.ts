/**
 * The user directory's access tokens: JWTs signed with RS256, which its clients need not understand.
 *
 * Owns key, signing and checking. Must not know who asks.
 */

import { randomUUID } from 'node:crypto'
import { exportJWK, generateKeyPair, importJWK, type JWK, jwtVerify, SignJWT } from 'jose'
import type { Json } from 'oidc-provider'
import type { Store } from '../identity-provider/store.ts'
import type { CodeGrant } from './codes.ts'
import { subjectOf } from './person.ts'

export const accessTokenSeconds = 3_600
const algorithm = 'RS256'

export async function openAccessTokens(issuer: string, store: Store) {
  const { jwk } = (await store.keep('directory-key', makeKey)) as { readonly jwk: JWK }
  const privateKey = await importJWK(jwk, algorithm)
  const publicKey = await importJWK({ kty: 'RSA', n: jwk.n!, e: jwk.e! }, algorithm)
  return {
    sign: ({ clientId, scope, userName }: CodeGrant): Promise<string> =>
      new SignJWT({ client_id: clientId, scope, username: userName })
        .setProtectedHeader({ alg: algorithm, typ: 'JWT' })
        .setIssuer(issuer)
        .setSubject(subjectOf(userName))
        .setAudience(issuer)
        .setIssuedAt()
        .setExpirationTime(`${accessTokenSeconds}s`)
        .setJti(randomUUID())
        .sign(privateKey),
    /** @returns whose it is; undefined for anything that is not a valid one of ours */
    userNameIn: async (token: string): Promise<string | undefined> => {
      try {
        const { payload } = await jwtVerify(token, publicKey, { issuer, audience: issuer, algorithms: [algorithm] })
        return String(payload.username)
      } catch {
        return undefined
      }
    },
  }
}

async function makeKey(): Promise<Json> {
  const { privateKey } = await generateKeyPair(algorithm, { extractable: true })
  return { jwk: await exportJWK(privateKey) }
}
