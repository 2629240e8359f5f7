/**
 * Sealing: what somebody else keeps for us and may neither read nor change (JWE, RFC 7516, dir + A256GCM).
 *
 * Owns the seal and what it is bound to: a purpose, an application and an end. Must not know what is sealed.
 */

import { EncryptJWT, jwtDecrypt } from 'jose'
import { JOSEError, JWEDecryptionFailed } from 'jose/errors'
import type { Keyring } from './keyring.ts'

export type Sealing = {
  /** So that what was sealed for one use opens for no other. */
  readonly purpose: string
  readonly application: string
  readonly nowMs: number
}

/** Seals a JSON value. */
export function seal(keyring: Keyring, sealing: Sealing, value: unknown, lifetimeSeconds: number): Promise<string> {
  const { kid, key } = keyring.sealKey(sealing.nowMs)
  const iat = Math.floor(sealing.nowMs / 1000)
  return new EncryptJWT({ value, iss: sealing.application, aud: sealing.purpose, iat, exp: iat + lifetimeSeconds })
    .setProtectedHeader({ alg: 'dir', enc: 'A256GCM', kid })
    .encrypt(key)
}

/** @returns undefined for what was not sealed by us, for this, or has ended */
export async function unseal<Value>(keyring: Keyring, sealing: Sealing, sealed: string): Promise<Value | undefined> {
  try {
    const { payload } = await jwtDecrypt<{ value: Value }>(
      sealed,
      ({ kid }) => {
        const match = keyring.sealKeys.find((candidate) => candidate.kid === kid)
        if (match === undefined) throw new JWEDecryptionFailed()
        return match.key
      },
      {
        issuer: sealing.application,
        audience: sealing.purpose,
        currentDate: new Date(sealing.nowMs),
        keyManagementAlgorithms: ['dir'],
        contentEncryptionAlgorithms: ['A256GCM'],
      },
    )
    return payload.value
  } catch (error) {
    if (error instanceof JOSEError) return undefined
    throw error
  }
}
