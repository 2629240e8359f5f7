/**
 * The command line as an OAuth client of the broker: a public one, on a device (RFC 8628).
 *
 * Owns its requests and what the answers mean. Must not know where tokens are kept.
 */

import { setTimeout as pause } from 'node:timers/promises'
import { isLoopback } from '../shared/domain/loopback.ts'
import { OutOfReach, Problem, reasonOf } from './problem.ts'

export type Tokens = {
  readonly accessToken: string
  readonly expiresInSeconds: number
  readonly refreshToken?: string
  readonly scope?: string
  readonly sub?: string
}

/** An answer that is a no (RFC 6749 §5.2). */
export type Refused = { readonly error: string; readonly description: string }

export type DeviceCode = {
  readonly deviceCode: string
  readonly userCode: string
  readonly verificationUri: string
  readonly verificationUriComplete: string
  readonly expiresInSeconds: number
  readonly intervalSeconds: number
}

type Body = Readonly<Record<string, unknown>>
type Form = Readonly<Record<string, string | undefined>>

const mostTries = 3
const answerWithinMs = 10_000
const slowDownSeconds = 5
const longestPauseSeconds = 60
const defaultIntervalSeconds = 5
/** RFC 6749 §5.1 only recommends expires_in. */
const defaultExpiresInSeconds = 300

/** RFC 8628 §3.1 @throws {Problem} */
export async function startDevice(issuer: string, form: Form): Promise<DeviceCode> {
  const body = await ask(issuer, 'device_authorization', form)
  if (isRefused(body)) throw refusal(body)
  return {
    deviceCode: text(body, 'device_code'),
    userCode: text(body, 'user_code'),
    verificationUri: text(body, 'verification_uri'),
    verificationUriComplete: text(body, 'verification_uri_complete') || text(body, 'verification_uri'),
    expiresInSeconds: Number(body.expires_in),
    intervalSeconds: Number(body.interval ?? defaultIntervalSeconds),
  }
}

/**
 * Polls until the person has decided (RFC 8628 §3.4 and §3.5). A broker that is out of reach for a while is asked again.
 *
 * @throws {Problem} denied, too late
 */
export async function waitForApproval(issuer: string, clientId: string, device: DeviceCode): Promise<Tokens> {
  const deadline = Date.now() + device.expiresInSeconds * 1000
  let intervalSeconds = device.intervalSeconds
  const form = {
    grant_type: 'urn:ietf:params:oauth:grant-type:device_code',
    client_id: clientId,
    device_code: device.deviceCode,
  }
  while (Date.now() < deadline) {
    await pause(intervalSeconds * 1000)
    const body = await ask(issuer, 'token', form).catch((error: unknown) => {
      if (error instanceof OutOfReach) return undefined
      throw error
    })
    // RFC 8628 §3.5: after a time-out the client backs off.
    if (body === undefined) intervalSeconds = Math.min(longestPauseSeconds, intervalSeconds * 2)
    else if (!isRefused(body)) return tokensIn(body)
    else if (body.error === 'slow_down') intervalSeconds += slowDownSeconds
    else if (body.error === 'access_denied') throw new Problem('The request was denied.')
    else if (body.error === 'expired_token') break
    else if (body.error !== 'authorization_pending') throw refusal(body)
  }
  throw new Problem('Nobody approved it in time.', undefined, 'token-broker login begins anew.')
}

/**
 * RFC 6749 §6. A try without an answer may have been heard all the same: the next one then shows a spent token, which the
 * broker forgives within the client's graceSeconds. No later try would be better off.
 *
 * @throws {OutOfReach}
 */
export async function refresh(issuer: string, clientId: string, refreshToken: string): Promise<Tokens | Refused> {
  const form = { grant_type: 'refresh_token', client_id: clientId, refresh_token: refreshToken }
  const body = await ask(issuer, 'token', form)
  return isRefused(body) ? body : tokensIn(body)
}

/** RFC 7009 @throws {Problem} */
export async function revoke(issuer: string, clientId: string, token: string): Promise<void> {
  const body = await ask(issuer, 'revoke', { client_id: clientId, token })
  if (isRefused(body)) throw refusal(body)
}

export function isRefused(answer: object): answer is Refused {
  return 'error' in answer
}

export function refusal({ error, description }: Refused): Problem {
  return new Problem(`The broker refuses: ${error}${description === '' ? '' : ` (${description})`}`)
}

async function ask(issuer: string, endpoint: string, form: Form): Promise<Body | Refused> {
  const parameters = Object.entries(form).filter((entry): entry is [string, string] => entry[1] !== undefined)
  for (let tries = 1; ; tries += 1) {
    const answer = await once(`${issuer}/oauth/${endpoint}`, new URLSearchParams(parameters))
    if (typeof answer !== 'string') return answer
    if (tries === mostTries) throw outOfReach(issuer, answer)
    await pause(250 * 2 ** tries)
  }
}

/** @returns why there was no answer */
async function once(url: string, body: URLSearchParams): Promise<Body | Refused | string> {
  try {
    const response = await fetch(url, {
      method: 'POST',
      body,
      redirect: 'manual',
      signal: AbortSignal.timeout(answerWithinMs),
    })
    const words = await response.text()
    if (response.status >= 500) return `status ${response.status}`
    const answer = JSON.parse(words) as Body
    if (response.status === 200) return answer
    const error = text(answer, 'error')
    if (error === '') return `status ${response.status}, without an OAuth error`
    return { error, description: text(answer, 'error_description') }
  } catch (error) {
    return error instanceof SyntaxError ? 'an answer that is not JSON' : reasonOf(error)
  }
}

function outOfReach(issuer: string, why: string): OutOfReach {
  const url = new URL(issuer)
  const hint = isLoopback(url) ? 'Does it run? npm start; --url or TOKEN_BROKER_URL names another one.' : undefined
  return new OutOfReach(`The broker at ${url.origin} is out of reach (${why}); what is stored stays good.`, hint)
}

function tokensIn(body: Body): Tokens {
  const expiresIn = Number(body.expires_in)
  const sub = subjectIn(text(body, 'id_token'))
  return {
    accessToken: text(body, 'access_token'),
    expiresInSeconds: expiresIn > 0 ? expiresIn : defaultExpiresInSeconds,
    ...(typeof body.refresh_token === 'string' && { refreshToken: body.refresh_token }),
    ...(typeof body.scope === 'string' && { scope: body.scope }),
    ...(sub !== undefined && { sub }),
  }
}

/** OIDC Core §3.1.3.7: what came from the token endpoint over TLS needs no other proof; and here it is only shown. */
function subjectIn(idToken: string): string | undefined {
  try {
    const claims = JSON.parse(Buffer.from(idToken.split('.')[1] ?? '', 'base64url').toString()) as Body
    return typeof claims.sub === 'string' ? claims.sub : undefined
  } catch {
    return undefined
  }
}

function text(body: Body, member: string): string {
  const value = Object(body)[member]
  return typeof value === 'string' ? value : ''
}
