/**
 * The keyring: the keys that sign tokens, authenticate credentials and seal values.
 *
 * Each key has the time from which it is used, and every Lambda knows the key before that time. So all Lambdas change keys at the
 * same moment, and the key that was in use at any past time is known.
 */

import { createPrivateKey, createSecretKey, type KeyObject } from 'node:crypto'
import type { JWK } from 'jose'
import type { MacKey } from '../domain/credential.ts'
import type { SigningAlgorithm } from '../domain/registration.ts'
import { type KeyLife, parseKeyring } from './keyring-secret.ts'

export type SigningKey = { readonly kid: string; readonly alg: SigningAlgorithm; readonly key: KeyObject }
export type SealKey = { readonly kid: string; readonly key: Uint8Array }

export type Keyring = {
  /** The key that signs at that time. */
  signingKey(alg: SigningAlgorithm, atMs: number): SigningKey
  /** The public keys of all signing keys (RFC 7517 §5). */
  readonly publicKeys: readonly JWK[]
  /** The key that makes credentials at that time. The same time always gives the same key. */
  macKey(atMs: number): MacKey
  /** The keys that made credentials in that interval, the latest first. */
  macKeysBetween(fromMs: number, toMs: number): readonly MacKey[]
  /** All keys that may have made a credential, for verification only. */
  readonly macKeys: readonly MacKey[]
  /** The key that seals at that time. */
  sealKey(atMs: number): SealKey
  /** All keys that may have sealed a value, for unsealing only. */
  readonly sealKeys: readonly SealKey[]
  /** The key that hashes e-mail addresses; undefined until the first rotation of a keyring without one. */
  readonly lookupKey: Uint8Array | undefined
}

/** Reads the secret's text. @throws if it is no keyring, or a kind of key has no current one */
export function readKeyring(text: string): Keyring {
  const secret = parseKeyring(text)
  const signing = secret.signing
    .filter(({ status }) => status !== 'next')
    .map(({ jwk, ...stored }) => ({ ...stored, key: createPrivateKey({ key: jwk, format: 'jwk' }) }))
  const mac = secret.mac.map((stored) => ({ ...stored, key: createSecretKey(stored.key, 'base64url') }))
  const seal = secret.seal.map((stored) => ({ ...stored, key: Buffer.from(stored.key, 'base64url') }))
  for (const keys of [mac, seal]) assertDefined<KeyLife>(keys.find(({ status }) => status === 'current'))
  return {
    signingKey: (alg, atMs) =>
      usedAt(
        signing.filter((key) => key.alg === alg),
        atMs,
      ),
    publicKeys: secret.signing.map(({ kid, alg, jwk }) => ({ ...publicKeyOf(jwk), kid, alg, use: 'sig' })),
    macKey: (atMs) => usedAt(mac, atMs),
    macKeysBetween: (fromMs, toMs) => usedBetween(mac, fromMs, toMs),
    macKeys: mac,
    sealKey: (atMs) => usedAt(seal, atMs),
    sealKeys: seal,
    lookupKey: secret.lookup && Buffer.from(secret.lookup.key, 'base64url'),
  }
}

/**
 * @param notOlderThanMs for a caller that has found an unknown key. @default any age
 * @throws {Unavailable}
 */
export type CachedKeyring = (notOlderThanMs?: number) => Promise<Keyring>

/** How long a warm Lambda caches the keyring. */
export const keyringCachedMs = 300_000
/** How long a verifier may cache the public keys. */
export const publishedKeysCachedSeconds = 300
const retryMs = 10_000

/**
 * Caches the keyring for five minutes. If reading it again fails, the cached one is used on, and the next attempt is 10 s later.
 *
 * @param read the secret's text
 * @param now the clock, ms
 */
export function cachedKeyring(read: () => Promise<string>, now: () => number): CachedKeyring {
  let cached: { keyring: Keyring; readAt: number; until: number } | undefined
  let reading: Promise<Keyring> | undefined
  return async (notOlderThanMs = Number.POSITIVE_INFINITY) => {
    if (cached !== undefined && now() < cached.until && now() - cached.readAt <= notOlderThanMs) return cached.keyring
    reading ??= read()
      .then(readKeyring)
      .finally(() => {
        reading = undefined
      })
    try {
      cached = { keyring: await reading, readAt: now(), until: now() + keyringCachedMs }
    } catch (error) {
      // The cached keyring does not help a caller that needs a newer one.
      if (cached === undefined || now() - cached.readAt > notOlderThanMs) throw error
      cached = { ...cached, until: now() + retryMs }
    }
    return cached.keyring
  }
}

function publicKeyOf({ kty, crv, x, y, n, e }: JWK): JWK {
  return kty === 'RSA' ? { kty, n, e } : { kty, crv, x, y }
}

function usedAt<Key extends KeyLife>(keys: readonly Key[], atMs: number): Key {
  // If the predecessor was retired, the current key is used before its time.
  return usedBetween(keys, atMs, atMs)[0] ?? assertDefined(keys.find(({ status }) => status === 'current'))
}

function usedBetween<Key extends KeyLife>(keys: readonly Key[], fromMs: number, toMs: number): readonly Key[] {
  return keys
    .filter(({ status }) => status !== 'next')
    .filter(({ usedFromSeconds = 0 }) => usedFromSeconds * 1000 <= toMs)
    .filter(({ usedUntilSeconds }) => usedUntilSeconds === undefined || fromMs < usedUntilSeconds * 1000)
    .sort((one, other) => (other.usedFromSeconds ?? 0) - (one.usedFromSeconds ?? 0))
}

function assertDefined<T>(key: T | undefined): T {
  if (key === undefined) throw new Error('the keyring has no current key of a kind that is needed')
  return key
}
