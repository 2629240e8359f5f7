/**
 * The provider of an application.
 *
 * Owns which kind is made by what, and a warm Lambda's memory of them.
 */

import { broker } from '../broker.ts'
import { providerSecretName } from '../domain/provider-identity.ts'
import type { Application } from '../domain/registration.ts'
import { createOAuth2Provider } from './oauth2.ts'
import { createOidcProvider } from './oidc.ts'
import type { Provider } from './provider.ts'

const made = new Map<string, { settings: string; provider: Provider }>()

/** The same one until the application's settings change. */
export function providerOf({ name, provider: settings }: Pick<Application, 'name' | 'provider'>): Provider {
  const written = JSON.stringify(settings)
  const known = made.get(name)
  if (known?.settings === written) return known.provider
  const secret = () => broker().secrets.read(providerSecretName({ name, provider: settings }))
  const provider =
    settings.kind === 'oidc' ? createOidcProvider(settings, secret) : createOAuth2Provider(settings, secret)
  made.set(name, { settings: written, provider })
  return provider
}
