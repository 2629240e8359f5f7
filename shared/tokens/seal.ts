/** Seals values that a browser or the table keeps for the broker (JWE, RFC 7516, dir + A256GCM). */

import { EncryptJWT, type JWTPayload, jwtDecrypt } from 'jose'
import { JOSEError, JWEDecryptionFailed } from 'jose/errors'
import type { Keyring } from './keyring.ts'

/** The purpose that a value is sealed for. It can be unsealed for that purpose alone. */
export type OwnPurpose = 'question' | 'client-question' | 'result' | 'browser' | 'ops-cursor' | 'trial'
/** Purposes of values that hold a provider's tokens or codes, or lead to them. They are also bound to the provider. */
export type ProviderPurpose = 'sign-in' | `device login ${string}` | `provider ${string} ${string}`

type Bound<Purpose> = { readonly purpose: Purpose; readonly application: string; readonly nowMs: number }
export type Sealing = Bound<OwnPurpose>
/** @property provider id (shared/domain/provider-identity.ts) */
export type ProviderSealing = Bound<ProviderPurpose> & { readonly provider: string }
/** @property providers ids of the acceptable providers */
export type ProviderUnsealing = Bound<ProviderPurpose> & { readonly providers: readonly string[] }

/** Seals a JSON value. */
export function seal(
  keyring: Keyring,
  sealing: Sealing | ProviderSealing,
  value: unknown,
  lifetimeSeconds: number,
): Promise<string> {
  const { kid, key } = keyring.sealKey(sealing.nowMs)
  const iat = Math.floor(sealing.nowMs / 1000)
  const provider = 'provider' in sealing && { provider: sealing.provider }
  const claims = { value, iss: sealing.application, aud: sealing.purpose, iat, exp: iat + lifetimeSeconds }
  return new EncryptJWT({ ...claims, ...provider }).setProtectedHeader({ alg: 'dir', enc: 'A256GCM', kid }).encrypt(key)
}

/** @returns undefined for a value of another origin, purpose or application, or an expired one */
export async function unseal<Value>(keyring: Keyring, sealing: Sealing, sealed: string): Promise<Value | undefined> {
  return (await payloadIn<Value>(keyring, sealing, sealed))?.value
}

/**
 * @returns `other-provider`: an authentic value for none of these providers, which must not be sent to them. undefined for a value
 *   of another origin, purpose or application, or an expired one
 */
export async function unsealForProvider<Value>(
  keyring: Keyring,
  sealing: ProviderUnsealing,
  sealed: string,
): Promise<{ readonly value: Value } | 'other-provider' | undefined> {
  const payload = await payloadIn<Value>(keyring, sealing, sealed)
  if (payload === undefined) return undefined
  const { value, provider } = payload
  return typeof provider === 'string' && sealing.providers.includes(provider) ? { value } : 'other-provider'
}

async function payloadIn<Value>(
  keyring: Keyring,
  { application, purpose, nowMs }: Bound<string>,
  sealed: string,
): Promise<({ readonly value: Value } & JWTPayload) | undefined> {
  try {
    const { payload } = await jwtDecrypt<{ value: Value }>(
      sealed,
      ({ kid }) => {
        const match = keyring.sealKeys.find((candidate) => candidate.kid === kid)
        if (match === undefined) throw new JWEDecryptionFailed()
        return match.key
      },
      {
        issuer: application,
        audience: purpose,
        currentDate: new Date(nowMs),
        keyManagementAlgorithms: ['dir'],
        contentEncryptionAlgorithms: ['A256GCM'],
      },
    )
    return payload
  } catch (error) {
    if (error instanceof JOSEError) return undefined
    throw error
  }
}
