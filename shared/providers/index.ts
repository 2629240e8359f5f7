/**
 * The provider of an application, cached in a warm Lambda.
 */

import { providerSecretName } from '../domain/provider-identity.ts'
import type { Application } from '../domain/registration.ts'
import type { Parts } from '../parts.ts'
import { createOAuth2Provider } from './oauth2.ts'
import { createOidcProvider } from './oidc.ts'
import type { Provider } from './provider.ts'

type Made = Map<string, { readonly settings: string; readonly provider: Provider }>
/** A provider holds a secret that this broker has read, so it is cached with those secrets. */
const memory = new WeakMap<Parts['secrets'], Made>()

/** The same one until the application's settings change. */
export function providerOf(
  { secrets }: Pick<Parts, 'secrets'>,
  { name, provider: settings }: Pick<Application, 'name' | 'provider'>,
): Provider {
  const written = JSON.stringify(settings)
  const made: Made = memory.get(secrets) ?? new Map()
  memory.set(secrets, made)
  const known = made.get(name)
  if (known?.settings === written) return known.provider
  const secret = () => secrets.read(providerSecretName({ name, provider: settings }))
  const provider =
    settings.kind === 'oidc' ? createOidcProvider(settings, secret) : createOAuth2Provider(settings, secret)
  made.set(name, { settings: written, provider })
  return provider
}
