/**
 * Keys and assertions of clients that prove themselves by `private_key_jwt` (RFC 7523 §2.2).
 *
 * Owns the signing. Must not know what is asked for with an assertion.
 */
import { randomUUID } from 'node:crypto'
import { type CryptoKey, exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose'

export type Signer = { readonly alg: string; readonly privateKey: CryptoKey; readonly jwk: JWK }

export async function newSigner(alg = 'ES256'): Promise<Signer> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true })
  return { alg, privateKey, jwk: await exportJWK(publicKey) }
}

/** Good for a minute, unless a claim says otherwise; undefined takes one out. */
export function sign(
  { alg, privateKey }: Signer,
  clientId: string,
  audience: string,
  claims: Readonly<Record<string, unknown>> = {},
): Promise<string> {
  const now = Math.floor(Date.now() / 1000)
  const usual = { iss: clientId, sub: clientId, aud: audience, exp: now + 60, iat: now, jti: randomUUID() }
  const payload: unknown = JSON.parse(JSON.stringify({ ...usual, ...claims }))
  return new SignJWT(payload as Record<string, unknown>).setProtectedHeader({ alg }).sign(privateKey)
}

/** The parameters that an assertion is sent with. */
export function asserting(assertion: string) {
  return {
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    client_assertion: assertion,
  }
}
