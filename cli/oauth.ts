/** The command line as an OAuth client of the broker: for a person on a device (RFC 8628), or a workload for itself. */

import { setTimeout as pause } from 'node:timers/promises'
import { isLoopback } from '../shared/domain/loopback.ts'
import { clock } from './clock.ts'
import { objectIn, type Response, request } from './http.ts'
import { exitCodes, OutOfReach, Problem, reasonOf } from './problem.ts'
import { programName } from './program-name.ts'
import { maxRefreshMs, maxRequestSeconds, type RefreshPlan, refreshPlan } from './refresh-plan.ts'
import { notRunning } from './settings.ts'

export type Tokens = {
  readonly accessToken: string
  readonly expiresInSeconds: number
  readonly refreshToken?: string
  readonly scope?: string
  readonly sub?: string
  /** Until the session ends for good (draft-ietf-oauth-refresh-token-expiration, `authorization_expires_in`). */
  readonly endsInSeconds?: number
  readonly graceSeconds?: number
}

/** An error answer (RFC 6749 §5.2). */
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

/** The client that asks. */
export type Caller = {
  readonly clientId: string
  /**
   * Creates the client's authentication parameters (RFC 7521 §4.2) for one try. A public client has none.
   *
   * @throws {Problem}
   */
  readonly authenticate?: () => Promise<Form>
  /** What to check if the broker rejects them. */
  readonly whenRefused?: () => string
}

/** For requests that may be repeated even if the first one succeeded: all but a refresh and a poll. */
const plainPlan: RefreshPlan = { isRepeatable: true, lastBeginMs: 15_000, timeoutsMs: [5_000, 5_000, 10_000] }
/**
 * One try, for longer than the broker takes. A poll that gets the tokens spends the device code, so another one that overtakes
 * it or follows it is reuse. `waitForApproval` decides when to poll again.
 */
const pollPlan: RefreshPlan = {
  isRepeatable: false,
  lastBeginMs: 0,
  timeoutsMs: [maxRefreshMs, maxRefreshMs, maxRefreshMs],
}
/** Applies if nothing can have been spent, or if another try cannot help. */
const maxTries = 3
const firstPauseMs = 500
const maxPauseMs = 2_000
const slowDownSeconds = 5
const maxPollPauseSeconds = 60
const defaultIntervalSeconds = 5
/** RFC 6749 §5.1 only recommends expires_in. */
const defaultExpiresInSeconds = 300
/** The broker's own member beside those of draft-ietf-oauth-refresh-token-expiration. */
const graceMember = 'refresh_token_grace'

const startAgain = `Start again: ${programName} login`
const answerLost = `The answer to an earlier poll was lost, perhaps the one with the tokens. ${startAgain}`

const startHints: Readonly<Record<string, string>> = {
  invalid_client: 'The client must be registered at this application with "auth": "none". Check --client-id.',
  unauthorized_client: 'The client must be registered with the device grant. Check --client-id.',
  invalid_scope: 'The client may not ask for all of these scopes. Pass others with --scope.',
}

const grantHints: Readonly<Record<string, string>> = {
  unauthorized_client:
    'The client must be registered with this grant: "client_credentials", or the one for token exchange.',
  invalid_scope: 'The client may not ask for these scopes. Pass others with --scope, and none for an exchange.',
  invalid_target: 'The client may not ask for this API. Pass another one with --audience.',
  invalid_grant: 'The access token to exchange must be valid, and of a client that "exchangesFor" names.',
}

/** RFC 8628 §3.1 @throws {Problem} */
export async function startDevice(issuer: string, caller: Caller, form: Form): Promise<DeviceCode> {
  const { body } = await ask(issuer, caller, 'device_authorization', form)
  if (isRefused(body)) throw refusal(body, caller, startHints[body.error])
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
 * Polls until the person has decided (RFC 8628 §3.4 and §3.5). Keeps polling while the broker is out of reach, but never while an
 * earlier poll may still be running.
 *
 * @throws {Problem} when the request was denied or has expired
 */
export async function waitForApproval(issuer: string, caller: Caller, device: DeviceCode): Promise<Tokens> {
  const deadline = clock.nowMs() + device.expiresInSeconds * 1000
  let intervalSeconds = device.intervalSeconds
  const form = {
    grant_type: 'urn:ietf:params:oauth:grant-type:device_code',
    device_code: device.deviceCode,
  }
  let lostAtMs: number | undefined
  while (clock.nowMs() < deadline) {
    const mayRunForMs = lostAtMs === undefined ? 0 : lostAtMs + maxRequestSeconds * 1000 - clock.nowMs()
    await clock.pause(Math.max(intervalSeconds * 1000, mayRunForMs))
    const answer = await ask(issuer, caller, 'token', form, pollPlan).catch((error: unknown) => {
      // The platform of a workload may be out of reach, too.
      if (!(error instanceof OutOfReach)) throw error
      if (error instanceof NoAnswer) lostAtMs = error.lostAtMs ?? lostAtMs
      return undefined
    })
    const body = answer?.body
    // RFC 8628 §3.5: after a time-out the client backs off.
    if (body === undefined) intervalSeconds = Math.min(maxPollPauseSeconds, intervalSeconds * 2)
    else if (!isRefused(body)) return tokensIn(body)
    else if (body.error === 'slow_down') intervalSeconds += slowDownSeconds
    else if (body.error === 'access_denied') throw new Problem('The request was denied.')
    else if (body.error === 'expired_token') break
    else if (body.error !== 'authorization_pending')
      throw refusal(body, caller, lostAtMs !== undefined && body.error === 'invalid_grant' ? answerLost : undefined)
  }
  throw new Problem('Nobody approved the request in time.', undefined, startAgain)
}

/**
 * RFC 6749 §6. A try without an answer may have spent the refresh token. Within the client's grace the next try gets the
 * same successor; refresh-plan.ts has the times.
 *
 * @throws {NoAnswer}
 */
export async function refresh(
  issuer: string,
  caller: Caller,
  refreshToken: string,
  graceSeconds: number | undefined,
): Promise<{ readonly answer: Tokens | Refused } & Pick<Answer, 'lostAtMs'>> {
  const form = { grant_type: 'refresh_token', refresh_token: refreshToken }
  const { body, lostAtMs } = await ask(issuer, caller, 'token', form, refreshPlan(graceSeconds))
  return { answer: isRefused(body) ? body : tokensIn(body), lostAtMs }
}

/**
 * A grant without a session: client_credentials (RFC 6749 §4.4) or token exchange (RFC 8693).
 *
 * @throws {Problem}
 */
export async function tokensFor(issuer: string, caller: Caller, form: Form): Promise<Tokens> {
  const { body } = await ask(issuer, caller, 'token', form)
  if (isRefused(body)) throw refusal(body, caller, grantHints[body.error])
  return tokensIn(body)
}

/** RFC 7009 @throws {Problem} */
export async function revoke(issuer: string, caller: Caller, token: string): Promise<void> {
  const { body } = await ask(issuer, caller, 'revoke', { token })
  if (isRefused(body)) throw refusal(body, caller)
}

export function isRefused(answer: object): answer is Refused {
  return 'error' in answer
}

export function refusal({ error, description }: Refused, caller: Caller, hint?: string): Problem {
  return new Problem(
    `The broker refuses: ${error}${description === '' ? '' : ` (${description})`}`,
    exitCodes.failed,
    (error === 'invalid_client' ? caller.whenRefused?.() : undefined) ?? hint,
  )
}

/** No try got an answer. */
export class NoAnswer extends OutOfReach {
  /** Whether the broker may have processed the request. */
  readonly mayBeDone: boolean
  readonly lostAtMs: Answer['lostAtMs']

  constructor(message: string, { isUnknown, lostAtMs }: Outcome, hint?: string) {
    super(message, hint)
    this.mayBeDone = isUnknown
    this.lostAtMs = lostAtMs
  }
}

type Answer = {
  readonly body: Body | Refused
  /** When the last try that may still be running was given up, if there was one. */
  readonly lostAtMs: number | undefined
}

type Outcome = Pick<Answer, 'lostAtMs'> & { readonly isUnknown: boolean }

type Failure = {
  readonly why: string
  /**
   * `unseen`: the request did not reach the broker. `answered`: the broker answered 503 and is done, perhaps without
   * knowing the outcome. `lost`: the request may be done, or still running.
   */
  readonly kind: 'unseen' | 'answered' | 'lost'
  readonly retryAfterMs: number
}

/** @throws {NoAnswer} */
async function ask(issuer: string, caller: Caller, endpoint: string, form: Form, plan = plainPlan): Promise<Answer> {
  let proof = await caller.authenticate?.()
  const beganAtMs = performance.now()
  let isUnknown = false
  let lostAtMs: number | undefined
  let why = ''
  for (let tries = 1; ; tries += 1) {
    // The broker may accept an assertion only once, so each try needs a new one.
    if (tries > 1) proof = await caller.authenticate?.().catch(() => proof)
    if (tries > 1 && performance.now() - beganAtMs > plan.lastBeginMs)
      throw noAnswer(issuer, why, { isUnknown, lostAtMs })
    const parameters = Object.entries({ ...form, client_id: caller.clientId, ...proof })
    const given = parameters.filter((entry): entry is [string, string] => entry[1] !== undefined)
    const elapsedMs = performance.now() - beganAtMs
    const usualMs = plan.timeoutsMs[Math.min(tries, 3) - 1]!
    // The last try may use all the time that is left.
    const timeoutMs = elapsedMs + usualMs > plan.lastBeginMs ? maxRefreshMs - elapsedMs : usualMs
    const answer = await once(`${issuer}/oauth/${endpoint}`, new URLSearchParams(given), Math.round(timeoutMs))
    if (!('kind' in answer)) return { body: answer.body, lostAtMs }
    why = answer.why
    isUnknown ||= answer.kind !== 'unseen'
    if (answer.kind === 'lost') lostAtMs = clock.nowMs()
    const pauseMs = Math.max(answer.retryAfterMs, Math.min(maxPauseMs, firstPauseMs * 2 ** (tries - 1)))
    const isTooLate = performance.now() - beganAtMs + pauseMs > plan.lastBeginMs
    // If the token may be spent, keep trying for as long as the grace lasts: each try gets the same successor. Without
    // grace, do not try again: a lost request may still be running, and the broker would mistake the next one for reuse.
    const isEnough = isUnknown && plan.isRepeatable ? false : lostAtMs !== undefined || tries >= maxTries
    if (isTooLate || isEnough) throw noAnswer(issuer, why, { isUnknown, lostAtMs })
    await pause(pauseMs)
  }
}

async function once(
  url: string,
  body: URLSearchParams,
  timeoutMs: number,
): Promise<Failure | { body: Body | Refused }> {
  let response: Response
  let words: string
  try {
    response = await request(new URL(url), { method: 'POST', body, timeoutMs })
    words = await response.text()
  } catch (error) {
    const why = reasonOf(error)
    return { why, kind: beforeSending.test(why) ? 'unseen' : 'lost', retryAfterMs: 0 }
  }
  const answer = objectIn(words)
  const error = text(answer ?? {}, 'error')
  if (response.status === 200 && answer !== undefined) return { body: answer }
  const why = answer === undefined ? 'an answer that is not JSON' : `status ${response.status}`
  const retryAfterMs = Number(response.headers.get('retry-after') ?? 0) * 1000 || 0
  // With `errorProfile` auth0, a poll that was too early is a 429, too.
  if (response.status === 429 && error !== 'slow_down') return { why, kind: 'unseen', retryAfterMs }
  // The broker, or its gateway after the function has ended, answers with an OAuth error. Any other 5xx says nothing about the request.
  if (response.status >= 500) return { why, kind: error === '' ? 'lost' : 'answered', retryAfterMs }
  if (error !== '') return { body: { error, description: text(answer ?? {}, 'error_description') } }
  return { why: `${why}, without an OAuth error`, kind: 'lost', retryAfterMs }
}

/** Error codes of Node and undici for a connection that was never made. */
const beforeSending =
  /^(ECONNREFUSED|ENOTFOUND|EAI_\w+|ENETUNREACH|EHOSTUNREACH|EADDRNOTAVAIL|UND_ERR_CONNECT_TIMEOUT|UND_ERR_ABORTED|ERR_TLS_\w+|\w*CERT\w*|UNABLE_TO_\w+)$/

function noAnswer(issuer: string, why: string, outcome: Outcome): NoAnswer {
  const url = new URL(issuer)
  const hint = isLoopback(url) ? notRunning : 'Try again later. Behind a proxy, set HTTPS_PROXY.'
  return new NoAnswer(`The broker at ${url.origin} is out of reach (${why}).`, outcome, hint)
}

function tokensIn(body: Body): Tokens {
  const expiresIn = Number(body.expires_in)
  const sub = subjectIn(text(body, 'id_token'))
  return {
    accessToken: text(body, 'access_token'),
    expiresInSeconds: expiresIn > 0 ? expiresIn : defaultExpiresInSeconds,
    ...(typeof body.refresh_token === 'string' && { refreshToken: body.refresh_token }),
    ...(typeof body.scope === 'string' && { scope: body.scope }),
    ...secondsIn(body, 'authorization_expires_in', 'endsInSeconds'),
    ...secondsIn(body, graceMember, 'graceSeconds'),
    ...(sub !== undefined && { sub }),
  }
}

/** OIDC Core §3.1.3.7: an ID token from the token endpoint over TLS needs no other proof. It is only displayed here. */
function subjectIn(idToken: string): string | undefined {
  try {
    const claims = JSON.parse(Buffer.from(idToken.split('.')[1] ?? '', 'base64url').toString()) as Body
    return typeof claims.sub === 'string' ? claims.sub : undefined
  } catch {
    return undefined
  }
}

function secondsIn<Name extends string>(body: Body, member: string, name: Name): { [key in Name]?: number } {
  const value = body[member]
  return typeof value === 'number' && value >= 0 ? ({ [name]: value } as { [key in Name]: number }) : {}
}

function text(body: Body, member: string): string {
  const value = Object(body)[member]
  return typeof value === 'string' ? value : ''
}
