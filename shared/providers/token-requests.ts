/**
 * What both kinds of provider share after a sign-in: refreshing and revoking tokens.
 */

import * as oidc from 'openid-client'
import { failureOf } from './failures.ts'
import type { Provider, ProviderTokens, RefreshResult } from './provider.ts'

/** Longer scopes would not fit into the item beside the tokens. */
const maxScopeLength = 2_048

/** RFC 6749 §5.1 */
export function tokensIn(answer: oidc.TokenEndpointResponse): ProviderTokens {
  const { access_token: accessToken, refresh_token: refreshToken, expires_in: expiresInSeconds, scope } = answer
  const lasts = expiresInSeconds !== undefined && expiresInSeconds > 0 ? Math.floor(expiresInSeconds) : undefined
  const told = scope === undefined || scope === '' || scope.length > maxScopeLength ? undefined : scope
  return { accessToken, refreshToken, expiresInSeconds: lasts, scope: told }
}

export function tokenRequests(configuration: () => Promise<oidc.Configuration>): Pick<Provider, 'refresh' | 'revoke'> {
  return {
    refresh: async (refreshToken, sub) => refresh(await configuration(), refreshToken, sub),
    revoke: async (tokens) => revoke(await configuration(), tokens),
  }
}

async function refresh(configuration: oidc.Configuration, refreshToken: string, sub: string): Promise<RefreshResult> {
  try {
    const answer = await oidc.refreshTokenGrant(configuration, refreshToken)
    // OIDC Core §12.2: an ID token in a refresh is about the same person.
    const told = answer.claims()?.sub
    if (told !== undefined && told !== sub) return { kind: 'unexpected', why: 'the tokens are of another person' }
    return { kind: 'refreshed', tokens: tokensIn(answer) }
  } catch (error) {
    const failure = failureOf(error)
    if (failure.kind === 'rejected') return { kind: 'refused' }
    return { kind: 'unexpected', why: failure.kind === 'unexpected' ? failure.why : failure.kind }
  }
}

/** RFC 7009 §2.1: revoking the refresh token ends the access tokens of its grant, too. */
async function revoke(
  configuration: oidc.Configuration,
  { refreshToken, accessToken }: Pick<ProviderTokens, 'accessToken' | 'refreshToken'>,
): Promise<string | undefined> {
  if (configuration.serverMetadata().revocation_endpoint === undefined) return 'it has no revocation endpoint'
  const hint = refreshToken === undefined ? 'access_token' : 'refresh_token'
  try {
    await oidc.tokenRevocation(configuration, refreshToken ?? accessToken, { token_type_hint: hint })
    return undefined
  } catch (error) {
    const failure = failureOf(error)
    return failure.kind === 'unexpected' ? failure.why : failure.kind
  }
}
