/** The scopes and audiences that a page shows a person for consent. */

import { registeredAudiences } from '../domain/audience.ts'
import type { Application, Client } from '../domain/registration.ts'
import { registeredScopes } from '../domain/scope.ts'

export type RequestedAccess = { readonly scopes: readonly string[]; readonly audiences: readonly string[] }

/**
 * For a client that is given the provider's access token, that one's scopes as they are asked for there, and whom it is for:
 * the audience that the provider is told, or else the provider itself.
 *
 * @param asked scopes and audiences of the session
 * @param providerOrigin of the page where people sign in
 */
export function requestedAccess(
  { provider }: Pick<Application, 'provider'>,
  client: Pick<Client, 'accessToken' | 'scopes' | 'audiences'>,
  requested: RequestedAccess,
  providerOrigin: string,
): RequestedAccess {
  const scopes = registeredScopes(client.scopes, requested.scopes)
  if (client.accessToken !== 'provider') {
    return { scopes, audiences: registeredAudiences(client.audiences, requested.audiences) }
  }
  const staysSignedIn = scopes.includes('offline_access') ? ['offline_access'] : []
  return {
    scopes: [...new Set([...provider.scopes, ...staysSignedIn])],
    audiences: [provider.parameters.audience ?? providerOrigin],
  }
}
