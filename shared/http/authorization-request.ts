/**
 * What a flow is started for: scopes and an audience, as the client asks and its registration allows.
 *
 * Owns the two checks that both ways to start (device and code) share. Must not know either flow.
 */

import type { Client } from '../domain/registration.ts'
import { allowsScopes, readScopes } from '../domain/scope.ts'
import { OAuthError } from './errors.ts'
import type { Parameters } from './parameters.ts'

/**
 * @returns what was asked for, in that order; `offline_access` alone is left out for a client that cannot refresh
 * @throws {OAuthError} invalid_scope (RFC 6749 §3.3), invalid_target (RFC 8707 §2)
 */
export function grantAsked(client: Client, parameters: Parameters): { scopes: readonly string[]; audience: string } {
  const asked = readScopes(parameters.optional('scope'))
  if (asked === undefined || !allowsScopes(client.scopes, asked)) {
    throw new OAuthError('invalid_scope', 'scope is malformed, or more than this client may ask for.')
  }
  const audience = parameters.optional('audience') ?? client.audiences[0]
  if (audience === undefined || !client.audiences.includes(audience)) {
    throw new OAuthError('invalid_target', 'audience is not one that this client may ask for.')
  }
  const canRefresh = client.grants.includes('refresh_token')
  return { scopes: asked.filter((scope) => canRefresh || scope !== 'offline_access'), audience }
}
