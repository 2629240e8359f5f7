/**
 * The keyring: every key of ours, in one secret. Keys that sign tokens, keys that authenticate credentials, keys that
 * seal what a browser carries for us.
 *
 * Owns the secret's format and how a key is picked. Each key is `next` (published, not used yet), `current` (used) or
 * `previous` (kept until the last thing it made has expired). Must not know where the secret is kept.
 */

import { randomBytes } from 'node:crypto'
import { type CryptoKey, exportJWK, generateKeyPair, importJWK, type JWK } from 'jose'
import type { MacKey } from '../domain/credential.ts'
import type { SigningAlgorithm } from '../domain/registration.ts'

type KeyStatus = 'next' | 'current' | 'previous'

/** As the secret holds it, in JSON. Octets are base64url. */
type KeyringSecret = {
  readonly version: 1
  readonly signing: readonly { status: KeyStatus; kid: string; alg: SigningAlgorithm; jwk: JWK }[]
  readonly mac: readonly { status: KeyStatus; id: number; key: string }[]
  readonly seal: readonly { status: KeyStatus; kid: string; key: string }[]
}

export type SigningKey = { readonly kid: string; readonly alg: SigningAlgorithm; readonly key: CryptoKey }
export type SealKey = { readonly kid: string; readonly key: Uint8Array }

export type Keyring = {
  /** The key that signs now. */
  signingKey(alg: SigningAlgorithm): SigningKey
  /** Public halves of all signing keys (RFC 7517 §5), for clients that verify and for ourselves. */
  readonly publicKeys: readonly JWK[]
  /** All that may have made a credential, the one that makes them now first. */
  readonly macKeys: readonly [MacKey, ...MacKey[]]
  /** All that may have sealed, the one that seals now first. */
  readonly sealKeys: readonly [SealKey, ...SealKey[]]
}

/** Draws a whole keyring. @returns the secret's text */
export async function generateKeyring(): Promise<string> {
  const secret: KeyringSecret = {
    version: 1,
    signing: [await drawSigningKey('ES256'), await drawSigningKey('RS256')],
    mac: [{ status: 'current', id: 1, key: randomBytes(32).toString('base64url') }],
    seal: [{ status: 'current', kid: drawKeyId(), key: randomBytes(32).toString('base64url') }],
  }
  return JSON.stringify(secret)
}

/** Reads the secret's text. @throws when it is not a keyring, or a kind of key has none that is current */
export async function readKeyring(text: string): Promise<Keyring> {
  const secret = JSON.parse(text) as KeyringSecret
  const signers = await Promise.all(
    secret.signing
      .filter(({ status }) => status === 'current')
      .map(async ({ kid, alg, jwk }) => ({ kid, alg, key: (await importJWK(jwk, alg)) as CryptoKey })),
  )
  return {
    signingKey: (alg) => demand(signers.find((key) => key.alg === alg)),
    publicKeys: secret.signing.map(({ kid, alg, jwk }) => ({ ...publicHalf(jwk), kid, alg, use: 'sig' })),
    macKeys: currentFirst(secret.mac, ({ id, key }) => ({ id, key: Buffer.from(key, 'base64url') })),
    sealKeys: currentFirst(secret.seal, ({ kid, key }) => ({ kid, key: Buffer.from(key, 'base64url') })),
  }
}

/** How long a warm Lambda goes by the keyring it has read. */
const keyringCachedMs = 300_000
const retriedMs = 10_000

/**
 * A keyring that is read once and again every five minutes, by whichever request comes then. If that fails, the one at
 * hand still serves.
 *
 * @param read the secret's text
 * @param now the clock, ms
 */
export function keptKeyring(read: () => Promise<string>, now: () => number): () => Promise<Keyring> {
  let kept: { keyring: Keyring; until: number } | undefined
  let reading: Promise<Keyring> | undefined
  return async () => {
    if (kept !== undefined && now() < kept.until) return kept.keyring
    reading ??= read()
      .then(readKeyring)
      .finally(() => {
        reading = undefined
      })
    try {
      kept = { keyring: await reading, until: now() + keyringCachedMs }
    } catch (error) {
      if (kept === undefined) throw error
      kept = { keyring: kept.keyring, until: now() + retriedMs }
    }
    return kept.keyring
  }
}

async function drawSigningKey(alg: SigningAlgorithm) {
  const { privateKey } = await generateKeyPair(alg, { extractable: true, modulusLength: 2048 })
  return { status: 'current', kid: drawKeyId(), alg, jwk: await exportJWK(privateKey) } as const
}

function drawKeyId(): string {
  return randomBytes(8).toString('base64url')
}

function publicHalf({ kty, crv, x, y, n, e }: JWK): JWK {
  return kty === 'RSA' ? { kty, n, e } : { kty, crv, x, y }
}

function currentFirst<Stored extends { status: KeyStatus }, Key>(
  stored: readonly Stored[],
  read: (stored: Stored) => Key,
): [Key, ...Key[]] {
  const current = demand(stored.find(({ status }) => status === 'current'))
  return [read(current), ...stored.filter((key) => key !== current).map(read)]
}

function demand<T>(key: T | undefined): T {
  if (key === undefined) throw new Error('the keyring has no current key of a kind that is needed')
  return key
}
