/**
 * The keyring as its secret holds it: JSON, with every key of ours, when each was published and from when to when it is
 * used.
 *
 * Owns the format, its older version included, and how fresh keys are drawn. Must not know where the secret is kept, nor
 * when keys change; that is rotation.ts.
 *
 *     next      published, not used yet
 *     current   used from its moment on, or about to be
 *     previous  used until its successor's moment, kept until the last thing it made has ended
 */

import { generateKeyPairSync, randomBytes } from 'node:crypto'
import type { JWK } from 'jose'
import type { SigningAlgorithm } from '../domain/registration.ts'

export type KeyStatus = 'next' | 'current' | 'previous'

/** Seconds since the epoch. */
export type KeyLife = {
  readonly status: KeyStatus
  /** Since when it is in the keyring, so that everyone can come to know it. 0: since ever. */
  readonly publishedAtSeconds: number
  /** The same moment for everybody who goes by this keyring; absent for `next`. */
  readonly usedFromSeconds?: number
  /** The moment from which its successor is used; for `previous` alone. */
  readonly usedUntilSeconds?: number
  /** No rotation drops it before; for `previous` alone. */
  readonly keptUntilSeconds?: number
}

export type StoredSigningKey = KeyLife & {
  readonly kid: string
  readonly alg: SigningAlgorithm
  readonly jwk: JWK
}
/** @property id 0 to 255, since credentials have one byte for it; @property key base64url */
export type StoredMacKey = KeyLife & { readonly id: number; readonly key: string }
export type StoredSealKey = KeyLife & { readonly kid: string; readonly key: string }
/** No rotation replaces it: what it hashed has to be found for as long as a session lives. */
export type StoredLookupKey = KeyLife & { readonly kid: string; readonly key: string }

export type KeyringSecret = {
  readonly version: 2
  /** One more with every change, so that what was derived from a keyring is known not to follow on another. */
  readonly serial: number
  /** When the change was made; it takes effect once everybody has read it. */
  readonly madeAtSeconds: number
  readonly signing: readonly StoredSigningKey[]
  readonly mac: readonly StoredMacKey[]
  readonly seal: readonly StoredSealKey[]
  /** Hashes what sessions are found by. Absent in a keyring that was drawn before; the next rotation draws it. */
  readonly lookup?: StoredLookupKey
}

export const signingAlgorithms: readonly SigningAlgorithm[] = ['ES256', 'RS256']

/** Draws a whole keyring. @returns the secret's text */
export async function generateKeyring(nowMs: number): Promise<string> {
  const madeAtSeconds = Math.floor(nowMs / 1000)
  const current = { status: 'current', publishedAtSeconds: madeAtSeconds, usedFromSeconds: madeAtSeconds } as const
  const next = { status: 'next', publishedAtSeconds: madeAtSeconds } as const
  const signing = [current, next].flatMap((life) =>
    signingAlgorithms.map((alg) => newSigningKey(randomKeys, alg, life)),
  )
  return writeKeyring({
    version: 2,
    serial: 1,
    madeAtSeconds,
    signing: await Promise.all(signing),
    mac: [newMacKey(randomKeys, 1, current), newMacKey(randomKeys, 2, next)],
    seal: [newSealKey(randomKeys, current), newSealKey(randomKeys, next)],
    lookup: newLookupKey(randomKeys, madeAtSeconds),
  })
}

/** Reads the secret's text. @throws when it is not a keyring of a version that is known here */
export function parseKeyring(text: string): KeyringSecret {
  const stored = JSON.parse(text) as KeyringSecret | FirstKeyringSecret
  if (stored.version === 2) return stored
  if (stored.version === 1) return upgrade(stored)
  throw new Error('the secret is not a keyring of a version that is known here')
}

export function writeKeyring(secret: KeyringSecret): string {
  return JSON.stringify(secret)
}

// --- drawing --------------------------------------------------------------------------------------------------------

/** Where fresh keys come from; tests hand in cheaper ones. */
export type KeySource = {
  signingKey(alg: SigningAlgorithm): Promise<JWK>
  /** 256 bits, base64url. */
  secretKey(): string
  keyId(): string
}

export const randomKeys: KeySource = {
  signingKey: async (alg) => {
    const { privateKey } =
      alg === 'ES256'
        ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
        : generateKeyPairSync('rsa', { modulusLength: 2048 })
    return privateKey.export({ format: 'jwk' }) as JWK
  },
  secretKey: () => randomBytes(32).toString('base64url'),
  keyId: () => randomBytes(8).toString('hex'),
}

export async function newSigningKey(
  source: KeySource,
  alg: SigningAlgorithm,
  life: KeyLife,
): Promise<StoredSigningKey> {
  return { ...life, kid: source.keyId(), alg, jwk: await source.signingKey(alg) }
}

export function newMacKey(source: KeySource, id: number, life: KeyLife): StoredMacKey {
  return { ...life, id, key: source.secretKey() }
}

export function newSealKey(source: KeySource, life: KeyLife): StoredSealKey {
  return { ...life, kid: source.keyId(), key: source.secretKey() }
}

export function newLookupKey(source: KeySource, nowSeconds: number): StoredLookupKey {
  const life = { status: 'current', publishedAtSeconds: nowSeconds, usedFromSeconds: nowSeconds } as const
  return { ...life, kid: source.keyId(), key: source.secretKey() }
}

// --- version 1 ------------------------------------------------------------------------------------------------------

/** The format before keys rotated: one current key of each kind, and no times. */
type FirstKeyringSecret = {
  readonly version: 1
  readonly signing: readonly { status: KeyStatus; kid: string; alg: SigningAlgorithm; jwk: JWK }[]
  readonly mac: readonly { status: KeyStatus; id: number; key: string }[]
  readonly seal: readonly { status: KeyStatus; kid: string; key: string }[]
}

/** What was there before times were written down has been there, and in use, since ever. */
function upgrade({ signing, mac, seal }: FirstKeyringSecret): KeyringSecret {
  const timed = <Key extends { status: KeyStatus }>(key: Key) => ({
    ...key,
    publishedAtSeconds: 0,
    ...(key.status !== 'next' && { usedFromSeconds: 0 }),
    ...(key.status === 'previous' && { usedUntilSeconds: 0 }),
  })
  return {
    version: 2,
    serial: 0,
    madeAtSeconds: 0,
    signing: signing.map(timed),
    mac: mac.map(timed),
    seal: seal.map(timed),
  }
}
