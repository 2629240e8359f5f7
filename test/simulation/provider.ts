/**
 * A model of an identity provider (OAuth 2.0, without ID tokens): it signs everybody in, rotates its refresh tokens, and ends
 * a grant whose spent refresh token is presented again (RFC 9700 §4.14.2).
 */

import { virtual } from './virtual.ts'

export const providerOrigin = 'https://idp.example'

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
  readonly #codes = new Map<string, string>()
  readonly #byRefreshToken = new Map<string, Grant>()
  readonly #deviceCodes = new Map<string, { isApproved: boolean | undefined; isUsed: boolean }>()
  readonly #accessTokenSeconds: number
  #count = 0
  /** Every text that is secret at the provider, for the check that none is in the clear elsewhere. */
  readonly secrets: string[] = []
  /** Told of each refresh that it answers. */
  onRefresh: (request: RefreshRequest) => void = () => {}

  constructor(accessTokenSeconds: number) {
    this.#accessTokenSeconds = accessTokenSeconds
  }

  /** What the browser comes back with from the sign-in page. @returns the query of the callback */
  signIn(authorizationUrl: string, sub: string): string {
    const asked = new URL(authorizationUrl).searchParams
    const code = this.#secret('code')
    this.#codes.set(code, sub)
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
      case '/token':
        return this.#token(body)
      case '/userinfo':
        return this.#userinfo(authorization.replace(/^Bearer /i, ''))
      case '/revoke':
        return this.#revoke(body.get('token') ?? '')
      case '/device': {
        const deviceCode = this.#secret('device')
        this.#deviceCodes.set(deviceCode, { isApproved: undefined, isUsed: false })
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
        const sub = this.#codes.get(code)
        this.#codes.delete(code)
        return sub === undefined ? refusal() : this.#open(sub)
      }
      case 'refresh_token':
        return this.#refresh(body.get('refresh_token') ?? '')
      default: {
        const device = this.#deviceCodes.get(body.get('device_code') ?? '')
        if (device === undefined || device.isUsed) return refusal()
        if (device.isApproved === undefined) return json(400, { error: 'authorization_pending' })
        if (!device.isApproved) return json(400, { error: 'access_denied' })
        device.isUsed = true
        return this.#open('ada')
      }
    }
  }

  #open(sub: string): Response {
    const grant = { sub, isAlive: true, refreshToken: '', accessTokens: [] }
    this.#grants.push(grant)
    return this.#issue(grant)
  }

  #issue(grant: Grant): Response {
    grant.refreshToken = this.#secret('refresh')
    this.#byRefreshToken.set(grant.refreshToken, grant)
    const accessToken = this.#secret('access')
    grant.accessTokens.push(accessToken)
    return json(200, {
      ...{ access_token: accessToken, token_type: 'Bearer', expires_in: this.#accessTokenSeconds },
      ...{ refresh_token: grant.refreshToken, scope: 'profile' },
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

function refusal(): Response {
  return json(400, { error: 'invalid_grant' })
}

function json(status: number, body: object): Response {
  return new Response(JSON.stringify(body), { status, headers: { 'content-type': 'application/json' } })
}
