/** The keys of the local identity provider: one RSA key for its tokens, and one for its cookies. */

import type { JWK } from 'jose'
import { randomKeys } from '../../shared/tokens/keyring-secret.ts'

export type Keys = { readonly jwks: { readonly keys: JWK[] }; readonly cookieKeys: string[] }

export async function makeKeys(): Promise<Keys> {
  const { signingKey, secretKey, keyId } = randomKeys
  const jwk = { ...(await signingKey('RS256')), use: 'sig', alg: 'RS256', kid: keyId() }
  return { jwks: { keys: [jwk] }, cookieKeys: [secretKey()] }
}
