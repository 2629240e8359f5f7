/**
 * The keyring as its secret stores it: JSON, with the times of each key.
 *
 *     next      published, not used yet
 *     current   used from its time on, or about to be
 *     previous  used until its successor's time, kept until everything it made has expired
 */

import { generateKeyPairSync, randomBytes } from 'node:crypto'
import type { JWK } from 'jose'
import type { SigningAlgorithm } from '../domain/registration.ts'

export type KeyStatus = 'next' | 'current' | 'previous'

/** Seconds since the epoch. */
export type KeyLife = {
  readonly status: KeyStatus
  /** When it was added to the keyring, so that all can read it before it is used. 0: unknown. */
  readonly publishedAtSeconds: number
  /** When its use begins, in every Lambda at once; absent for `next`. */
  readonly usedFromSeconds?: number
  /** When its successor's use begins; for `previous` only. */
  readonly usedUntilSeconds?: number
  /** No rotation removes it before; for `previous` only. */
  readonly keptUntilSeconds?: number
}

export type StoredSigningKey = KeyLife & {
  readonly kid: string
  readonly alg: SigningAlgorithm
  readonly jwk: JWK
}
/** @property id 0 to 255, because credentials have one byte for it. @property key base64url */
export type StoredMacKey = KeyLife & { readonly id: number; readonly key: string }
export type StoredSealKey = KeyLife & { readonly kid: string; readonly key: string }
/** No rotation replaces it, because its hashes must be found for as long as a session lives. */
export type StoredLookupKey = KeyLife & { readonly kid: string; readonly key: string }

export type KeyringSecret = {
  readonly version: 2
  /** Increases by one with every change, so that a keyring only replaces the one that it was derived from. */
  readonly serial: number
  /** When the change was made. It takes effect once every Lambda has read it. */
  readonly madeAtSeconds: number
  readonly signing: readonly StoredSigningKey[]
  readonly mac: readonly StoredMacKey[]
  readonly seal: readonly StoredSealKey[]
  /** Hashes e-mail addresses. Absent in old keyrings; the next rotation adds it. */
  readonly lookup?: StoredLookupKey
}

export const signingAlgorithms: readonly SigningAlgorithm[] = ['ES256', 'RS256']

/** Generates a new keyring. @returns the secret's text */
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

/** Parses the secret's text. @throws if it is no keyring of a known version */
export function parseKeyring(text: string): KeyringSecret {
  const stored = JSON.parse(text) as KeyringSecret | FirstKeyringSecret
  if (stored.version === 2) return stored
  if (stored.version === 1) return upgrade(stored)
  throw new Error('the secret is not a keyring of a version that is known here')
}

export function writeKeyring(secret: KeyringSecret): string {
  return JSON.stringify(secret)
}

// --- new keys -------------------------------------------------------------------------------------------------------

/** The source of new keys. Tests hand in cheaper ones. */
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

/** Version 1 has no times, so its keys count as published and used from the epoch on. */
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
