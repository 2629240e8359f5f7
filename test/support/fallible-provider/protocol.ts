/**
 * The right answers of an identity provider: OAuth 2.0 with refresh tokens and device codes, and OpenID Connect.
 */

import { randomUUID } from 'node:crypto'
import { exportJWK, SignJWT } from 'jose'
import { sharedKeys } from '../rsa-keys.ts'
import { createCodes, createDevices } from './codes.ts'
import type { Reply } from './fault.ts'
import { type Behaviour, createTokens, type Grant, type Issued, type Refused } from './tokens.ts'

/** `code`, `refresh` and `poll` are the token endpoint's, by grant. */
export const kinds = [
  ...(['discovery', 'jwks', 'authorize', 'code', 'refresh', 'poll', 'device', 'revoke', 'userinfo'] as const),
]
export type Kind = (typeof kinds)[number]

export type Parameters = Readonly<Record<string, string>>

/** The broker's client id here. Any secret is accepted, and none. */
export const fallibleClientId = 'broker'

export const deviceGrant = 'urn:ietf:params:oauth:grant-type:device_code'

const grants: Readonly<Record<string, Kind>> = {
  authorization_code: 'code',
  refresh_token: 'refresh',
  [deviceGrant]: 'poll',
}

export function kindOf(path: string, { grant_type = '' }: Parameters): Kind | undefined {
  if (path === '/.well-known/openid-configuration') return 'discovery'
  if (path === '/token') return grants[grant_type]
  return kinds.find((kind) => path === `/${kind}` && !Object.values(grants).includes(kind))
}

export type Protocol = Readonly<Record<Kind, (parameters: Parameters, bearer: string) => Promise<Reply>>>

export async function createProtocol(issuer: string, behaviour: Behaviour) {
  const tokens = createTokens(behaviour)
  const codes = createCodes(tokens)
  const devices = createDevices(behaviour, tokens)
  const { sign, jwk } = await createSigner(issuer)
  const answer = async (result: Issued | Refused): Promise<Reply> =>
    'error' in result ? refusal(behaviour, result.error) : success(behaviour, result, sign)

  const protocol: Protocol = {
    discovery: async () => ({ status: 200, body: metadataOf(issuer) }),
    jwks: async () => ({ status: 200, body: { keys: [jwk] } }),
    authorize: async (asked) => sendBack(asked, codes),
    code: ({ code = '', redirect_uri: redirectUri = '', code_verifier: verifier }) =>
      answer(codes.redeem({ code, redirectUri, verifier })),
    refresh: ({ refresh_token: refreshToken = '' }) => answer(tokens.refresh(refreshToken)),
    poll: ({ device_code: deviceCode = '' }) => answer(devices.poll(deviceCode)),
    device: async ({ scope = '' }) => ({ status: 200, body: deviceAnswer(issuer, behaviour, devices.start(scope)) }),
    revoke: async ({ token = '' }) => {
      tokens.revoke(token)
      // RFC 7009 §2.2: the body is ignored.
      return { status: 200 }
    },
    userinfo: async (_, bearer) => profile(tokens.holder(bearer)),
  }
  return { protocol, tokens, codes, devices }
}

/** There is no login page: the person is signed in and has consented. */
function sendBack(asked: Parameters, codes: ReturnType<typeof createCodes>): Reply {
  const { redirect_uri: redirectUri = '', scope = '', state, nonce, code_challenge: challenge } = asked
  const back = new URL(redirectUri)
  back.searchParams.set('code', codes.issue({ redirectUri, scope, nonce, challenge }))
  if (state !== undefined) back.searchParams.set('state', state)
  return { status: 302, headers: { location: back.href } }
}

async function success(behaviour: Behaviour, issued: Issued, sign: Signer): Promise<Reply> {
  const { accessToken, refreshToken, grant } = issued
  const scope = behaviour.scope ?? grant.scope
  return {
    status: 200,
    body: {
      ...{ access_token: accessToken, token_type: 'Bearer', expires_in: behaviour.accessTokenSeconds },
      ...(refreshToken !== undefined && { refresh_token: refreshToken }),
      ...(scope !== '' && { scope }),
      ...(grant.scope.split(' ').includes('openid') && { id_token: await sign(grant) }),
    },
  }
}

const auth0Statuses: Readonly<Record<string, number>> = {
  ...{ authorization_pending: 403, expired_token: 403, access_denied: 403, invalid_grant: 403, slow_down: 429 },
}

function refusal({ errorProfile }: Behaviour, error: string): Reply {
  const status = (errorProfile === 'auth0' ? auth0Statuses[error] : undefined) ?? 400
  return { status, body: { error } }
}

function deviceAnswer(issuer: string, behaviour: Behaviour, started: { deviceCode: string; userCode: string }) {
  const { deviceCode, userCode } = started
  return {
    ...{ device_code: deviceCode, user_code: userCode },
    verification_uri: `${issuer}/activate`,
    verification_uri_complete: `${issuer}/activate?user_code=${userCode}`,
    ...{ expires_in: behaviour.deviceCodeSeconds, interval: behaviour.intervalSeconds },
  }
}

function profile(grant: Grant | undefined): Reply {
  if (grant === undefined) return { status: 401, headers: { 'www-authenticate': 'Bearer error="invalid_token"' } }
  return { status: 200, body: claimsOf(grant) }
}

function claimsOf({ sub }: Grant) {
  return { sub, name: 'Ada', email: `${sub}@example.test`, email_verified: true }
}

type Signer = (grant: Grant) => Promise<string>

async function createSigner(issuer: string) {
  const { privateKey, publicKey } = sharedKeys()
  const header = { kid: 'one', alg: 'RS256' }
  const sign: Signer = (grant) =>
    new SignJWT({ ...claimsOf(grant), nonce: grant.nonce, auth_time: grant.authTimeSeconds, jti: randomUUID() })
      .setProtectedHeader(header)
      .setIssuer(issuer)
      .setAudience(fallibleClientId)
      .setIssuedAt()
      .setExpirationTime('300s')
      .sign(privateKey)
  return { sign, jwk: { ...(await exportJWK(publicKey)), ...header, use: 'sig' } }
}

function metadataOf(issuer: string) {
  return {
    issuer,
    authorization_endpoint: `${issuer}/authorize`,
    token_endpoint: `${issuer}/token`,
    device_authorization_endpoint: `${issuer}/device`,
    revocation_endpoint: `${issuer}/revoke`,
    userinfo_endpoint: `${issuer}/userinfo`,
    jwks_uri: `${issuer}/jwks`,
    response_types_supported: ['code'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['RS256'],
    code_challenge_methods_supported: ['S256'],
  }
}
