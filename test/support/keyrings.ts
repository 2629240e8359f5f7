/**
 * Keyrings as tests look at them, and keys that cost nothing to draw.
 *
 * Owns the flat view of a keyring's text. Must not judge it.
 */

import assert from 'node:assert/strict'
import type { JWK } from 'jose'
import { type KeyLife, type KeySource, parseKeyring } from '../../shared/tokens/keyring-secret.ts'
import { type KeyringChange, nameOf } from '../../shared/tokens/rotation.ts'

/** Keys that cost nothing: what is told of them here does not depend on what they are. */
export function counted(): KeySource {
  let drawn = 0
  const next = () => `${++drawn}`
  return {
    signingKey: async () => ({ kty: 'EC', d: next() }) satisfies JWK,
    secretKey: next,
    keyId: () => `key-${next()}`,
  }
}

export function textOf(change: KeyringChange): string {
  assert.ok(change.ok, JSON.stringify(change))
  return change.text
}

export type Named = KeyLife & { name: string; line: string }

export function keysIn(text: string): Named[] {
  const { signing, mac, seal } = parseKeyring(text)
  return [
    ...signing.map((key) => ({ ...key, name: nameOf(key), line: key.alg })),
    ...mac.map((key) => ({ ...key, name: nameOf(key), line: 'mac' })),
    ...seal.map((key) => ({ ...key, name: nameOf(key), line: 'seal' })),
  ]
}

export const named = (text: string, line: string, status: string) =>
  keysIn(text)
    .filter((key) => key.line === line && key.status === status)
    .map(({ name }) => name)

export const lines = ['ES256', 'RS256', 'mac', 'seal']
