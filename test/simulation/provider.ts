/**
 * A model of an identity provider: it signs everybody in, with ID tokens where the scope `openid` is asked for, rotates its refresh
 * tokens, and ends a grant whose spent refresh token is presented again (RFC 9700 §4.14.2).
 */

import { createHash, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { type Chance, oneOf } from './chance.ts'
import { signed } from './sign.ts'
import { virtual } from './virtual.ts'

export const providerOrigin = 'https://idp.example'

const [own, strange] = [0, 1].map(() => generateKeyPairSync('ec', { namedCurve: 'P-256' })) as [KeyPair, KeyPair]
type KeyPair = ReturnType<typeof generateKeyPairSync>

function kidOf(key: KeyObject): string {
  return key === own.publicKey ? 'own' : 'strange'
}

/** What the authorization request or the device's request said. */
type Asked = { readonly isOpenId: boolean; readonly nonce: string | undefined; readonly challenge: string | undefined }
/** The person that a wrong ID token is about. */
export const impostor = 'mallory'

type Grant = {
  readonly sub: string
  isAlive: boolean
  refreshToken: string
  readonly accessTokens: string[]
}

export type RefreshRequest = {
  readonly token: string
  readonly isReuse: boolean
  readonly successor: string | undefined
}

export class Provider {
  readonly #grants: Grant[] = []
  readonly #codes = new Map<string, Asked & { readonly sub: string }>()
  readonly #byRefreshToken = new Map<string, Grant>()
  readonly #deviceCodes = new Map<string, { isOpenId: boolean; isApproved: boolean | undefined; isUsed: boolean }>()
  readonly #accessTokenSeconds: number
  readonly #forges: (count: number) => Chance | undefined
  readonly #keys: readonly KeyObject[]
  #count = 0
  /** Every text that is secret at the provider, for the check that none is in the clear elsewhere. */
  readonly secrets: string[] = []
  /** Told of each refresh that it answers. */
  onRefresh: (request: RefreshRequest) => void = () => {}

  /** @param forges whether the n-th ID token is a wrong one, as somebody in between may put in */
  constructor(accessTokenSeconds: number, forges: (count: number) => Chance | undefined, trustsStranger = false) {
    this.#accessTokenSeconds = accessTokenSeconds
    this.#forges = forges
    this.#keys = (trustsStranger ? [own, strange] : [own]).map(({ publicKey }) => publicKey)
  }

  /** What the browser comes back with from the sign-in page. @returns the query of the callback */
  signIn(authorizationUrl: string, sub: string): string {
    const asked = new URL(authorizationUrl).searchParams
    const code = this.#secret('code')
    this.#codes.set(code, {
      ...{ sub, isOpenId: isOpenId(asked), nonce: asked.get('nonce') ?? undefined },
      challenge: asked.get('code_challenge') ?? undefined,
    })
    return new URLSearchParams({ code, state: asked.get('state') ?? '' }).toString()
  }

  /** A person decides at the provider's own page about the device that asked last. */
  decide(isApproved: boolean): void {
    const waiting = [...this.#deviceCodes.values()].findLast((device) => device.isApproved === undefined)
    if (waiting !== undefined) waiting.isApproved = isApproved
  }

  /** Answers a request, in one moment. */
  answer(url: string, body: URLSearchParams, authorization: string): Response {
    switch (new URL(url).pathname) {
      case '/.well-known/openid-configuration':
        return json(200, metadata)
      case '/jwks':
        return json(200, {
          keys: this.#keys.map((key) => ({
            ...key.export({ format: 'jwk' }),
            kid: kidOf(key),
            use: 'sig',
            alg: 'ES256',
          })),
        })
      case '/token':
        return this.#token(body)
      case '/userinfo':
        return this.#userinfo(authorization.replace(/^Bearer /i, ''))
      case '/revoke':
        return this.#revoke(body.get('token') ?? '')
      case '/device': {
        const deviceCode = this.#secret('device')
        this.#deviceCodes.set(deviceCode, { isOpenId: isOpenId(body), isApproved: undefined, isUsed: false })
        return json(200, {
          ...{ device_code: deviceCode, user_code: `CODE-${this.#count}`, expires_in: 600, interval: 5 },
          verification_uri: `${providerOrigin}/activate`,
        })
      }
      default:
        return json(404, { error: 'not_found' })
    }
  }

  #token(body: URLSearchParams): Response {
    switch (body.get('grant_type')) {
      case 'authorization_code': {
        const code = body.get('code') ?? ''
        const asked = this.#codes.get(code)
        this.#codes.delete(code)
        // RFC 7636 §4.6
        const challenge = createHash('sha256')
          .update(body.get('code_verifier') ?? '')
          .digest('base64url')
        return asked?.challenge !== challenge ? refusal() : this.#open(asked.sub, asked)
      }
      case 'refresh_token':
        return this.#refresh(body.get('refresh_token') ?? '')
      default: {
        const device = this.#deviceCodes.get(body.get('device_code') ?? '')
        if (device === undefined || device.isUsed) return refusal()
        if (device.isApproved === undefined) return json(400, { error: 'authorization_pending' })
        if (!device.isApproved) return json(400, { error: 'access_denied' })
        device.isUsed = true
        return this.#open('ada', { isOpenId: device.isOpenId, nonce: undefined })
      }
    }
  }

  #open(sub: string, asked: Pick<Asked, 'isOpenId' | 'nonce'>): Response {
    const grant = { sub, isAlive: true, refreshToken: '', accessTokens: [] }
    this.#grants.push(grant)
    return this.#issue(grant, asked.isOpenId ? { id_token: this.#idToken(sub, asked.nonce) } : {})
  }

  #idToken(sub: string, nonce: string | undefined): string {
    const nowSeconds = Math.floor(virtual.nowMs / 1_000)
    const right = {
      ...{ iss: providerOrigin, aud: 'broker', sub, nonce, iat: nowSeconds, exp: nowSeconds + 300 },
      ...{ auth_time: nowSeconds, name: 'Ada' },
    }
    const chance = this.#forges(this.#count)
    if (chance === undefined) return signed(own.privateKey, right, kidOf(own.publicKey))
    const wrong = oneOf(chance, [
      { aud: 'another client' },
      { iss: 'https://other.example' },
      { exp: nowSeconds - 3_600 },
      // A device flow has no nonce.
      ...(nonce === undefined ? [] : [{ nonce: 'of another sign-in' }]),
      'signature',
    ] as const)
    const claims = { ...right, sub: impostor, ...(wrong !== 'signature' && wrong) }
    const { privateKey, publicKey } = wrong === 'signature' ? strange : own
    return signed(privateKey, claims, kidOf(publicKey))
  }

  #issue(grant: Grant, more: object = {}): Response {
    grant.refreshToken = this.#secret('refresh')
    this.#byRefreshToken.set(grant.refreshToken, grant)
    const accessToken = this.#secret('access')
    grant.accessTokens.push(accessToken)
    return json(200, {
      ...{ access_token: accessToken, token_type: 'Bearer', expires_in: this.#accessTokenSeconds },
      ...{ refresh_token: grant.refreshToken, scope: 'profile', ...more },
    })
  }

  #refresh(token: string): Response {
    const grant = this.#byRefreshToken.get(token)
    const isReuse = grant !== undefined && grant.refreshToken !== token
    if (isReuse) grant.isAlive = false
    const answer = grant?.isAlive ? this.#issue(grant) : refusal()
    this.onRefresh({ token, isReuse, successor: grant?.isAlive ? grant.refreshToken : undefined })
    return answer
  }

  #userinfo(token: string): Response {
    const grant = this.#grants.find(({ isAlive, accessTokens }) => isAlive && accessTokens.includes(token))
    return grant === undefined ? json(401, { error: 'invalid_token' }) : json(200, { sub: grant.sub, name: 'Ada' })
  }

  #revoke(token: string): Response {
    const grant =
      this.#byRefreshToken.get(token) ?? this.#grants.find(({ accessTokens }) => accessTokens.includes(token))
    if (grant !== undefined) grant.isAlive = false
    return json(200, {})
  }

  /** Names are longer than any word that could stand in a log by chance. */
  #secret(kind: string): string {
    this.#count += 1
    const secret = `provider-${kind}-${this.#count}-${Math.floor(virtual.chance.next() * 1e9)}`
    this.secrets.push(secret)
    return secret
  }
}

const metadata = {
  issuer: providerOrigin,
  ...{ authorization_endpoint: `${providerOrigin}/authorize`, token_endpoint: `${providerOrigin}/token` },
  ...{ jwks_uri: `${providerOrigin}/jwks`, userinfo_endpoint: `${providerOrigin}/userinfo` },
  ...{ revocation_endpoint: `${providerOrigin}/revoke`, device_authorization_endpoint: `${providerOrigin}/device` },
  ...{ response_types_supported: ['code'], subject_types_supported: ['public'] },
  id_token_signing_alg_values_supported: ['ES256'],
}

function isOpenId(parameters: URLSearchParams): boolean {
  return parameters.get('scope')?.split(' ').includes('openid') ?? false
}

function refusal(): Response {
  return json(400, { error: 'invalid_grant' })
}

function json(status: number, body: object): Response {
  return new Response(JSON.stringify(body), { status, headers: { 'content-type': 'application/json' } })
}
