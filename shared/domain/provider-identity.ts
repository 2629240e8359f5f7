/**
 * Which provider something belongs to: a sealed token, a sign-in under way, the broker's secret there.
 *
 * Owns what makes two settings the same provider. Everything that is bound to a provider is bound to `providerId`.
 */

import { createHash } from 'node:crypto'
import type { Application, ProviderSettings } from './registration.ts'

export type ProviderIdentity = {
  readonly kind: ProviderSettings['kind']
  /** The issuer of an `oidc` provider, the token endpoint of an `oauth2` one: where codes, tokens and secrets are sent. */
  readonly address: string
  readonly clientId: string
}

export function identityOf(settings: ProviderSettings): ProviderIdentity {
  const { kind, clientId } = settings
  return { kind, address: settings.kind === 'oidc' ? settings.issuer : settings.tokenEndpoint, clientId }
}

/** The identity as 32 hexadecimal digits: 128 bits of a SHA-256. It stands in seals and in the names of secrets. */
export function providerId(settings: ProviderSettings): string {
  const { kind, address, clientId } = identityOf(settings)
  return createHash('sha256')
    .update(JSON.stringify([kind, address, clientId]))
    .digest('hex')
    .slice(0, 32)
}

export function isSameProvider(one: ProviderSettings, other: ProviderSettings): boolean {
  return providerId(one) === providerId(other)
}

/** Whose seals an application's provider may be sent: its own, and those of its former addresses. */
export function acceptedProviders({ provider, formerProviders = [] }: Application): readonly string[] {
  return [providerId(provider), ...formerProviders]
}

/** A provider does not move more often than this within the life of a session. */
const maxFormerProviders = 8

/** What `formerProviders` becomes when ops say that the provider is still the same one, at another address. */
export function formerProvidersAfter(before: Application, after: ProviderSettings): readonly string[] {
  return acceptedProviders(before)
    .filter((id) => id !== providerId(after))
    .slice(0, maxFormerProviders)
}

/** Where the broker's client secret at the provider is found: another provider has another secret. */
export function providerSecretName({ name, provider }: Pick<Application, 'name' | 'provider'>): string {
  return `provider/${name}/${providerId(provider)}`
}
