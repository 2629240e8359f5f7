/**
 * Access tokens, and refresh tokens that rotate.
 */

import { randomBytes } from 'node:crypto'

/** What a test may change at any time. */
export type Behaviour = {
  /** Who signs in. */
  person: string
  /** The `scope` of token answers; empty for none, undefined for what was asked for. */
  scope: string | undefined
  accessTokenSeconds: number
  /** False: no answer has a refresh token. */
  givesRefreshTokens: boolean
  /** False: a refresh token stays good, and the answer to a refresh has none. */
  rotates: boolean
  /** False: a used refresh token is refused, and its successor stays good. */
  reuseKills: boolean
  deviceCodeSeconds: number
  intervalSeconds: number
  /** False: an early poll is answered like any other. */
  enforcesInterval: boolean
  /** `auth0`: 403 for what RFC 6749 and 8628 give 400, and 429 for slow_down. */
  errorProfile: 'rfc' | 'auth0'
}

export const usualBehaviour: Behaviour = {
  person: 'ada',
  scope: undefined,
  accessTokenSeconds: 300,
  givesRefreshTokens: true,
  rotates: true,
  reuseKills: true,
  deviceCodeSeconds: 900,
  intervalSeconds: 5,
  enforcesInterval: true,
  errorProfile: 'rfc',
}

/** One sign-in of one person. */
export type Grant = {
  readonly sub: string
  readonly scope: string
  readonly nonce: string | undefined
  readonly authTimeSeconds: number
  live: boolean
}

export type Issued = { readonly accessToken: string; readonly refreshToken: string | undefined; readonly grant: Grant }

/** The `error` of RFC 6749 §5.2 or RFC 8628 §3.5. */
export type Refused = { readonly error: string }

export type Tokens = ReturnType<typeof createTokens>

/** The kind is part of the token, so that a test can find it in a log or a table. */
export function draw(kind: string): string {
  return `provider-${kind}-${randomBytes(24).toString('base64url')}`
}

export function createTokens(behaviour: Behaviour) {
  const refreshTokens = new Map<string, { readonly grant: Grant; used: boolean }>()
  const accessTokens = new Map<string, { readonly grant: Grant; readonly untilMs: number }>()
  const issue = (grant: Grant, withRefreshToken: boolean): Issued => {
    const accessToken = draw('access-token')
    accessTokens.set(accessToken, { grant, untilMs: Date.now() + behaviour.accessTokenSeconds * 1_000 })
    if (!withRefreshToken) return { accessToken, refreshToken: undefined, grant }
    const refreshToken = draw('refresh-token')
    refreshTokens.set(refreshToken, { grant, used: false })
    return { accessToken, refreshToken, grant }
  }
  const refreshTokensThat = (are: (token: { grant: Grant; used: boolean }) => boolean) =>
    [...refreshTokens].filter(([, token]) => are(token)).map(([text]) => text)
  return {
    open: (scope: string, nonce?: string): Issued => {
      const grant = { sub: behaviour.person, scope, nonce, authTimeSeconds: Math.floor(Date.now() / 1_000), live: true }
      return issue(grant, behaviour.givesRefreshTokens)
    },
    refresh: (refreshToken: string): Issued | Refused => {
      const known = refreshTokens.get(refreshToken)
      if (known?.used && behaviour.reuseKills) known.grant.live = false
      if (known === undefined || known.used || !known.grant.live) return { error: 'invalid_grant' }
      known.used = behaviour.rotates
      return issue(known.grant, behaviour.rotates)
    },
    revoke: (token: string): void => {
      const known = refreshTokens.get(token) ?? accessTokens.get(token)
      if (known !== undefined) known.grant.live = false
    },
    /** Whose access token it is, while it is good. */
    holder: (accessToken: string): Grant | undefined => {
      const known = accessTokens.get(accessToken)
      return known?.grant.live && known.untilMs > Date.now() ? known.grant : undefined
    },
    usedRefreshTokens: () => refreshTokensThat(({ used }) => used),
    liveRefreshTokens: () => refreshTokensThat(({ used, grant }) => !used && grant.live),
    refreshTokens: () => [...refreshTokens.keys()],
    accessTokens: () => [...accessTokens.keys()],
  }
}
