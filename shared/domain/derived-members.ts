/** Members of the registered records that follow from all clients of an application, of the file and of the table. */

import type { Application, Client, DeclaredClient, GrantType } from './registration.ts'

export const tokenExchange = 'urn:ietf:params:oauth:grant-type:token-exchange' satisfies GrantType

/**
 * The application with what its metadata lists (RFC 8414 §2): the scopes of its clients, and whether one may exchange tokens.
 *
 * @param clients all that the application has. A scope that it had before keeps its place in the list
 */
export function withMetadata(application: Application, clients: readonly DeclaredClient[]): Application {
  const { offersTokenExchange: _, ...others } = application
  const asked = clients.filter(isForPeople).flatMap(({ scopes }) => scopes)
  const stay = application.scopes.filter((scope) => asked.includes(scope))
  return {
    ...others,
    scopes: [...new Set([...stay, ...asked])],
    ...(clients.some(({ grants }) => grants.includes(tokenExchange)) && { offersTokenExchange: true }),
  }
}

/** The metadata is public, so it leaves out the scopes of services that act in their own name. */
function isForPeople({ grants }: Pick<Client, 'grants'>): boolean {
  return grants.some((grant) => grant !== 'client_credentials')
}

/**
 * Sessions store the provider's tokens only if a client may get them, or the broker must revoke them.
 *
 * @param clients all that one application has
 */
export function keepingProviderTokens<Record extends DeclaredClient>(
  revokeTokens: boolean,
  clients: readonly Record[],
): Record[] {
  return clients.map((client) => ({
    ...client,
    keepsProviderTokens: client.accessToken === 'provider' || isExchanged(client, clients) || revokeTokens,
  }))
}

/** Whether one of the clients may exchange this client's access tokens for the provider's. */
export function isExchanged(
  { application, clientId }: Pick<Client, 'application' | 'clientId'>,
  clients: readonly DeclaredClient[],
): boolean {
  return clients.some((each) => each.application === application && each.exchangesFor.includes(clientId))
}
