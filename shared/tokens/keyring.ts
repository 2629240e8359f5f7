/**
 * The keyring: every key of ours. Keys that sign tokens, keys that authenticate credentials, keys that seal what a
 * browser carries for us.
 *
 * Owns how a key is picked, and how long a warm Lambda goes by what it has read. Must not know where the secret is kept,
 * nor how keys come and go (rotation.ts).
 *
 * Which key makes things is a matter of time alone: each says from when on it is used, and it is known everywhere before
 * that. So all Lambdas change to it at the same moment, and it can be told of any past moment which key was in use.
 */

import { createPrivateKey, createSecretKey, type KeyObject } from 'node:crypto'
import type { JWK } from 'jose'
import type { MacKey } from '../domain/credential.ts'
import type { SigningAlgorithm } from '../domain/registration.ts'
import { type KeyLife, parseKeyring } from './keyring-secret.ts'

export type SigningKey = { readonly kid: string; readonly alg: SigningAlgorithm; readonly key: KeyObject }
export type SealKey = { readonly kid: string; readonly key: Uint8Array }

export type Keyring = {
  /** The key that signs at that moment. */
  signingKey(alg: SigningAlgorithm, atMs: number): SigningKey
  /** Public halves of all signing keys (RFC 7517 §5), for clients that verify and for ourselves. */
  readonly publicKeys: readonly JWK[]
  /** The key that makes credentials at that moment; asked again of the same moment, the same key. */
  macKey(atMs: number): MacKey
  /** The keys that made credentials in that time, the last one first. */
  macKeysBetween(fromMs: number, toMs: number): readonly MacKey[]
  /** All that may have made a credential: to open one with, never to make one. */
  readonly macKeys: readonly MacKey[]
  /** The key that seals at that moment. */
  sealKey(atMs: number): SealKey
  /** All that may have sealed: to open with, never to seal. */
  readonly sealKeys: readonly SealKey[]
  /** The key that hashes what sessions are found by; undefined until the first rotation of a keyring without one. */
  readonly lookupKey: Uint8Array | undefined
}

/** Reads the secret's text. @throws when it is not a keyring, or a kind of key has none that is current */
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
    publicKeys: secret.signing.map(({ kid, alg, jwk }) => ({ ...publicHalf(jwk), kid, alg, use: 'sig' })),
    macKey: (atMs) => usedAt(mac, atMs),
    macKeysBetween: (fromMs, toMs) => usedBetween(mac, fromMs, toMs),
    macKeys: mac,
    sealKey: (atMs) => usedAt(seal, atMs),
    sealKeys: seal,
    lookupKey: secret.lookup && Buffer.from(secret.lookup.key, 'base64url'),
  }
}

/**
 * @param notOlderThanMs for whoever meets what was made with a key that it does not know
 * @throws {Unavailable}
 */
export type CachedKeyring = (notOlderThanMs?: number) => Promise<Keyring>

/** How long a warm Lambda goes by the keyring it has read. */
export const keyringCachedMs = 300_000
/** How long a verifier may go by the public halves it has fetched: long enough to spare requests. */
export const publishedKeysCachedSeconds = 300
const retryMs = 10_000

/**
 * A keyring that is read once and again every five minutes, by whichever request comes then. If that fails, the one at
 * hand still serves.
 *
 * @param read the secret's text
 * @param now the clock, ms
 */
export function cachedKeyring(read: () => Promise<string>, now: () => number): CachedKeyring {
  let kept: { keyring: Keyring; readAt: number; until: number } | undefined
  let reading: Promise<Keyring> | undefined
  return async (notOlderThanMs = Number.POSITIVE_INFINITY) => {
    if (kept !== undefined && now() < kept.until && now() - kept.readAt <= notOlderThanMs) return kept.keyring
    reading ??= read()
      .then(readKeyring)
      .finally(() => {
        reading = undefined
      })
    try {
      kept = { keyring: await reading, readAt: now(), until: now() + keyringCachedMs }
    } catch (error) {
      // Whoever asks for a younger one has a question that the one at hand has not answered.
      if (kept === undefined || now() - kept.readAt > notOlderThanMs) throw error
      kept = { ...kept, until: now() + retryMs }
    }
    return kept.keyring
  }
}

function publicHalf({ kty, crv, x, y, n, e }: JWK): JWK {
  return kty === 'RSA' ? { kty, n, e } : { kty, crv, x, y }
}

function usedAt<Key extends KeyLife>(keys: readonly Key[], atMs: number): Key {
  // The current one also when its time has not come: it replaces a key that was retired, of whose time nothing is left.
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
