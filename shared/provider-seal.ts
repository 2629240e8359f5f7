/** Seals values for an application's provider, and unseals them together with the registration that says where they may be sent. */

import { acceptedProviders, providerId } from './domain/provider-identity.ts'
import type { Application } from './domain/registration.ts'
import type { Parts } from './parts.ts'
import type { Keyring } from './tokens/keyring.ts'
import { type ProviderPurpose, seal, unsealForProvider } from './tokens/seal.ts'

/** Seals a value for the application's provider. @throws {Unavailable} */
export async function sealFor(
  parts: Pick<Parts, 'keyring'>,
  { name, provider }: Pick<Application, 'name' | 'provider'>,
  purpose: ProviderPurpose,
  value: unknown,
  lifetimeSeconds: number,
  nowMs: number,
): Promise<string> {
  const sealing = { purpose, application: name, nowMs, provider: providerId(provider) }
  return seal(await parts.keyring(), sealing, value, lifetimeSeconds)
}

/**
 * The value, and the registration of the provider that it may be sent to. `other-provider`: the application has another provider
 * now, which must not receive the value. undefined: of another origin, purpose or application, or expired.
 */
export type Unsealed<Value> =
  | { readonly value: Value; readonly application: Application }
  | 'other-provider'
  | undefined

/** @throws {Unavailable} */
export async function unsealFrom<Value>(
  parts: Pick<Parts, 'keyring' | 'registrations'>,
  application: Application,
  purpose: ProviderPurpose,
  sealed: string,
  nowMs: number,
): Promise<Unsealed<Value>> {
  const unsealed = await unsealWith<Value>(parts, application, purpose, sealed, nowMs)
  if (unsealed !== 'other-provider') return unsealed
  // A warm Lambda caches the registration for up to ten seconds, while others may seal for a new provider already.
  parts.registrations.forget(application.name)
  const current = await parts.registrations.application(application.name)
  return current === undefined ? unsealed : unsealWith<Value>(parts, current, purpose, sealed, nowMs)
}

async function unsealWith<Value>(
  parts: Pick<Parts, 'keyring'>,
  application: Application,
  purpose: ProviderPurpose,
  sealed: string,
  nowMs: number,
): Promise<Unsealed<Value>> {
  const sealing = { purpose, application: application.name, nowMs, providers: acceptedProviders(application) }
  const unseal = (keyring: Keyring) => unsealForProvider<Value>(keyring, sealing, sealed)
  const unsealed = (await unseal(await parts.keyring())) ?? (await withFreshKeyring(parts, purpose, unseal))
  return typeof unsealed === 'object' ? { value: unsealed.value, application } : unsealed
}

/**
 * After an emergency retirement, other processes may seal with a key that this one has not read yet. Treating their value as lost
 * would end a session, so the keyring is read again. For a cookie it is not, because anybody can forge one to cause reads.
 */
async function withFreshKeyring<Result>(
  parts: Pick<Parts, 'keyring'>,
  purpose: ProviderPurpose,
  unseal: (keyring: Keyring) => Promise<Result>,
): Promise<Result | undefined> {
  return purpose === 'sign-in' ? undefined : unseal(await parts.keyring(0))
}
