/** The identity of a provider. Sealed tokens, sign-ins under way and the broker's secret at the provider are bound to it. */

import { createHash } from 'node:crypto'
import type { Application, ProviderSettings } from './registration.ts'

export type ProviderIdentity = {
  readonly kind: ProviderSettings['kind']
  /** The issuer of an `oidc` provider, or the token endpoint of an `oauth2` one. */
  readonly address: string
  readonly clientId: string
}

export function identityOf(settings: ProviderSettings): ProviderIdentity {
  const { kind, clientId } = settings
  return { kind, address: settings.kind === 'oidc' ? settings.issuer : settings.tokenEndpoint, clientId }
}

/** The identity as 32 hexadecimal digits: 128 bits of a SHA-256. Seals and the names of secrets contain it. */
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

/** Ids whose sealed values may be sent to the application's provider: its own, and those of its former addresses. */
export function acceptedProviders({ provider, formerProviders = [] }: Application): readonly string[] {
  return [providerId(provider), ...formerProviders]
}

/** The oldest id goes first. No provider moves more often than this within the life of a session. */
const maxFormerProviders = 8

/** The new `formerProviders` when ops confirm that the provider is the same one at another address. */
export function formerProvidersAfter(before: Application, after: ProviderSettings): readonly string[] {
  return acceptedProviders(before)
    .filter((id) => id !== providerId(after))
    .slice(0, maxFormerProviders)
}

/** The name of the broker's client secret at the provider. */
export function providerSecretName({ name, provider }: Pick<Application, 'name' | 'provider'>): string {
  return `provider/${name}/${providerId(provider)}`
}
