/** How a session begins: a person signs in with a browser, for a program that asked for a code or for a device. */

import { createHash, randomUUID } from 'node:crypto'
import { type Answer, baseUrl } from './broker.ts'
import { redirectUri, signersKey } from './registry.ts'
import { shownIn } from './seen.ts'
import { signed } from './sign.ts'
import { virtual } from './virtual.ts'
import type { World } from './world.ts'

/** What a program holds. */
export type Session = {
  readonly application: string
  readonly clientId: string
  sid: string
  refreshToken: string
  accessToken: string
  /** Every refresh token that it was given, the latest last. */
  readonly tokens: string[]
  isLost: boolean
}

/** Keeps cookies as a browser does. */
export class Browser {
  readonly #world: World
  readonly #name: string
  readonly #cookies = new Map<string, string>()
  #count = 0

  constructor(world: World, name: string) {
    this.#world = world
    this.#name = name
  }

  /** @param form sent as a POST. @returns undefined: there was no answer */
  async open(path: string, form?: Readonly<Record<string, string>>): Promise<Answer | undefined> {
    const [pathname = '', query = ''] = path.replace(baseUrl, '').split('?')
    const cookie = [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    this.#count += 1
    const answer = await this.#world.request({
      ...{ key: `${this.#name}.${this.#count}`, method: form === undefined ? 'GET' : 'POST', path: pathname, query },
      headers: { ...(cookie !== '' && { cookie }), ...(form !== undefined && { 'sec-fetch-site': 'same-origin' }) },
      ...(form !== undefined && { form }),
    })
    for (const line of answer?.cookies ?? []) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
      if (value === '') this.#cookies.delete(name)
      else this.#cookies.set(name, value)
    }
    return answer
  }
}

/** A person signs in for a program that sent the browser (RFC 6749 §4.1). @returns the code */
export async function codeFromSignIn(
  world: World,
  name: string,
  clientId: string,
  sub: string,
): Promise<string | undefined> {
  const browser = new Browser(world, name)
  const query = new URLSearchParams({
    ...{
      client_id: clientId,
      redirect_uri: redirectUri,
      response_type: 'code',
      scope: 'openid profile offline_access',
    },
    ...{ state: 'a state', code_challenge: challengeOf(verifier), code_challenge_method: 'S256' },
  })
  const sent = await browser.open(`/demo/oauth/authorize?${query}`)
  const back = sent?.headers.location && world.provider.signIn(sent.headers.location, sub)
  const returned = back ? await browser.open(`/demo/oauth/callback?${back}`) : undefined
  const location = returned?.headers.location
  return location ? (new URL(location).searchParams.get('code') ?? undefined) : undefined
}

export const verifier = 'a code verifier that is at least forty-three characters long'.replaceAll(' ', '-')

function challengeOf(text: string): string {
  return createHash('sha256').update(text).digest('base64url')
}

/** What proves a client, fresh for each request. Only `signer` has something to prove (RFC 7523 §2.2). */
export function proofOf(clientId: string): Record<string, string> {
  if (clientId !== 'signer') return { client_id: clientId }
  const nowSeconds = Math.floor(virtual.nowMs / 1_000)
  const claims = { iss: clientId, sub: clientId, aud: `${baseUrl}/demo`, iat: nowSeconds, exp: nowSeconds + 300 }
  return {
    client_id: clientId,
    client_assertion: signed(signersKey, { ...claims, jti: randomUUID() }),
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
  }
}

export function exchangeForm(clientId: string, code: string): Record<string, string> {
  return {
    ...proofOf(clientId),
    grant_type: 'authorization_code',
    code,
    redirect_uri: redirectUri,
    code_verifier: verifier,
  }
}

export function sessionFrom(application: string, clientId: string, { body }: Answer): Session {
  const session: Session = {
    ...{ application, clientId, sid: '', refreshToken: '', accessToken: '', tokens: [], isLost: false },
  }
  take(session, body)
  return session
}

/** Stores what a program was given. */
export function take(session: Session, body: Answer['body']): void {
  session.accessToken = String(body.access_token)
  const token = body.refresh_token
  if (typeof token !== 'string') return
  session.refreshToken = token
  session.sid = shownIn(token)?.sid ?? ''
  if (session.tokens.at(-1) !== token) session.tokens.push(token)
}

/** A session of a code flow, with all faults off. */
export async function quietSession(world: World, name: string, clientId: string, sub: string): Promise<Session> {
  const wasOn = world.faults.isOn
  world.faults.isOn = false
  const code = await codeFromSignIn(world, `${name} browser`, clientId, sub)
  const answer = await world.request({
    ...{ key: `${name} exchange`, method: 'POST', path: '/demo/oauth/token', form: exchangeForm(clientId, code ?? '') },
  })
  world.faults.isOn = wasOn
  if (answer?.status !== 200) throw new Error(`the session did not begin: ${answer?.status} ${answer?.text}`)
  return sessionFrom('demo', clientId, answer)
}

/** The hidden value of a form of ours. */
export function csrfIn(html: string): string {
  return /name="csrf" value="([^"]+)"/.exec(html)?.[1] ?? ''
}

/** Both sleep in virtual time. */
export const sleep = (ms: number) => virtual.sleep(ms)
