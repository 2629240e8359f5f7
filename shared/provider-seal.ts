/**
 * What belongs to a provider, sealed for that provider: nobody can unseal it without learning where it may be sent.
 *
 * Owns that the registration which says so is not older than the seal.
 */

import { acceptedProviders, providerId } from './domain/provider-identity.ts'
import type { Application } from './domain/registration.ts'
import type { Parts } from './parts.ts'
import type { Keyring } from './tokens/keyring.ts'
import { type ProviderPurpose, seal, unsealForProvider } from './tokens/seal.ts'

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
 * `application`: whose provider the value may be sent to. `other-provider`: the application has another provider by now,
 * which must not be sent anything of it. undefined: not sealed by us, not for this, or over.
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
  // A warm Lambda goes by a registration that is up to ten seconds old, while others seal for the provider of now.
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
  const open = (keyring: Keyring) => unsealForProvider<Value>(keyring, sealing, sealed)
  const unsealed = (await open(await parts.keyring())) ?? (await withFreshKeyring(parts, purpose, open))
  return typeof unsealed === 'object' ? { value: unsealed.value, application } : unsealed
}

/**
 * After an emergency retirement, other processes may seal with a key that this one has not read yet. Treating their seal as
 * lost would end a session, so the keyring is read again. Anybody can make up a cookie, so a cookie is not worth that read.
 */
async function withFreshKeyring<Result>(
  parts: Pick<Parts, 'keyring'>,
  purpose: ProviderPurpose,
  open: (keyring: Keyring) => Promise<Result>,
): Promise<Result | undefined> {
  return purpose === 'sign-in' ? undefined : open(await parts.keyring(0))
}
