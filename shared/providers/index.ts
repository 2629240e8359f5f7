/**
 * The provider of an application, cached in a warm Lambda.
 */

import { type Broker, broker } from '../broker.ts'
import { providerSecretName } from '../domain/provider-identity.ts'
import type { Application } from '../domain/registration.ts'
import { createOAuth2Provider } from './oauth2.ts'
import { createOidcProvider } from './oidc.ts'
import type { Provider } from './provider.ts'

type Made = Map<string, { readonly settings: string; readonly provider: Provider }>
/** By broker, since a provider holds a secret that its broker has read. */
const memory = new WeakMap<Broker, Made>()

/** The same one until the application's settings change. */
export function providerOf({ name, provider: settings }: Pick<Application, 'name' | 'provider'>): Provider {
  const written = JSON.stringify(settings)
  const made: Made = memory.get(broker()) ?? new Map()
  memory.set(broker(), made)
  const known = made.get(name)
  if (known?.settings === written) return known.provider
  const secret = () => broker().secrets.read(providerSecretName({ name, provider: settings }))
  const provider =
    settings.kind === 'oidc' ? createOidcProvider(settings, secret) : createOAuth2Provider(settings, secret)
  made.set(name, { settings: written, provider })
  return provider
}
