/**
 * Checks the scopes and audiences that a client requests against its registration.
 *
 * Whether a session was granted them is checked by the write that spends the credential (shared/domain/single-use.ts).
 */

import { isResource, maxAudiences, normalisedAudience, registeredAudiences } from '../domain/audience.ts'
import type { Client } from '../domain/registration.ts'
import { allowsScopes, parseScopes } from '../domain/scope.ts'
import { OAuthError } from './errors.ts'
import type { Parameters } from './parameters.ts'

export type Requested = { readonly scopes: readonly string[]; readonly audiences: readonly string[] }

/**
 * What a flow is started for.
 *
 * @returns what was asked for, in that order; `offline_access` alone is left out for a client that cannot refresh; without
 * a word about audiences, the client's first
 * @throws {OAuthError} invalid_scope (RFC 6749 §3.3), invalid_target (RFC 8707 §2)
 */
export function grantRequested(client: Client, parameters: Parameters): Requested {
  const scopes = scopesRequested(client, parameters)
  const canRefresh = client.grants.includes('refresh_token')
  const audiences = audiencesRequested(client, parameters)
  const [first] = client.audiences
  if (first === undefined) throw new OAuthError('invalid_target', 'This client may ask for no audience.')
  return {
    scopes: scopes.filter((scope) => canRefresh || scope !== 'offline_access'),
    audiences: audiences.length > 0 ? audiences : [first],
  }
}

/** @returns empty when nothing was asked for. @throws {OAuthError} invalid_scope */
export function scopesRequested(client: Client, parameters: Parameters): readonly string[] {
  const scopes = parseScopes(parameters.optional('scope'))
  if (scopes === undefined || !allowsScopes(client.scopes, scopes)) {
    throw new OAuthError('invalid_scope', 'scope is malformed, or more than this client may ask for.')
  }
  return scopes
}

/**
 * Each `resource` (RFC 8707 §2), and `audience`, which is another name for one value.
 *
 * @returns in their order, as they are registered; empty when nothing was asked for
 * @throws {OAuthError} invalid_target
 */
export function audiencesRequested(client: Client, parameters: Parameters): readonly string[] {
  const resources = parameters.all('resource')
  if (!resources.every(isResource)) {
    throw new OAuthError('invalid_target', 'resource must be an absolute URI without a fragment.')
  }
  const audience = parameters.optional('audience')
  const named = [...(audience === undefined ? [] : [audience]), ...resources]
  const requested = [...new Map(named.map((value) => [normalisedAudience(value), value])).values()]
  const registered = registeredAudiences(client.audiences, requested)
  if (registered.length < requested.length) {
    throw new OAuthError('invalid_target', 'resource and audience must be what this client may ask for.')
  }
  if (requested.length > maxAudiences) {
    throw new OAuthError('invalid_target', `A session can be for ${maxAudiences} audiences at most.`)
  }
  return registered
}
