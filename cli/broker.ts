/** Operators' requests to the broker's sessions endpoints. All of them are idempotent, so they are retried. */

import { setTimeout as pause } from 'node:timers/promises'
import { isLoopback } from '../shared/domain/loopback.ts'
import { mismatch, userAgent, version, versionHeader } from '../shared/version.ts'
import { objectIn, type Response, request } from './http.ts'
import { OutOfReach, Problem, reasonOf, UsageProblem } from './problem.ts'
import { programName } from './program-name.ts'
import { applicationFrom, type Everywhere, notRunning, type OpsSettings, urlFrom } from './settings.ts'
import { plain, say } from './terminal.ts'

export type Json = Readonly<Record<string, unknown>>

type Method = 'GET' | 'POST' | 'DELETE'

export type OpsBroker = {
  readonly application: string
  /**
   * @param path below the application, encoded
   * @throws {Problem}
   */
  call(method: Method, path: string, query?: Readonly<Record<string, string>>, body?: Json): Promise<Json>
}

class NotFound extends Problem {}

const maxTries = 4
/** API Gateway gives up after 29 s. */
const answerWithinMs = 35_000
const maxPauseMs = 5_000

type Call = { readonly method: string; readonly url: URL; readonly body: string; readonly sign: string | undefined }
type Answer = { readonly status: number; readonly headers: Response['headers']; readonly body: Json | undefined }

/** @throws {UsageProblem} */
export function opsBroker(settings: OpsSettings): OpsBroker {
  return brokerAt(settings, applicationFrom(settings))
}

/**
 * One `OpsBroker` per application: the selected one, or every application of the broker with `--all-applications`.
 *
 * @throws {Problem}
 */
export async function opsBrokers(settings: OpsSettings & Everywhere): Promise<readonly OpsBroker[]> {
  if (!settings.allApplications) return [opsBroker(settings)]
  if (settings.application !== undefined) {
    throw new UsageProblem('Pass --application or --all-applications, not both.')
  }
  const { applications } = await callerFor(settings)('GET', 'applications', {})
  if (!Array.isArray(applications)) throw new Problem('The broker did not list its applications.')
  return applications.map((name) => brokerAt(settings, String(name)))
}

/**
 * Reads or ends one session.
 *
 * @throws {Problem}
 */
export async function callForSession(
  broker: OpsBroker,
  method: 'GET' | 'DELETE',
  sid: string,
  query: Readonly<Record<string, string>> = {},
): Promise<Json> {
  try {
    return await broker.call(method, `sessions/${encodeURIComponent(sid)}`, query)
  } catch (error) {
    if (!(error instanceof NotFound)) throw error
    const hint = /^[\w-]{22}$/.test(sid)
      ? `Only ${broker.application} was searched; pass --application to search another one. A session is deleted a day after its last possible end.`
      : `A session id has 22 characters. To list the sessions of a person: ${programName} sessions list --subject SUB`
    throw new Problem(error.message, undefined, hint)
  }
}

function brokerAt(settings: OpsSettings, application: string): OpsBroker {
  const call = callerFor(settings)
  const below = (path: string) => `${encodeURIComponent(application)}/${path}`
  return { application, call: (method, path, query = {}, body) => call(method, below(path), query, body) }
}

function callerFor(settings: OpsSettings) {
  const base = urlFrom(settings)
  const isSigned = settings.sign || !isLoopback(new URL(base))
  return async (method: Method, path: string, query: Readonly<Record<string, string>>, body?: Json): Promise<Json> => {
    const url = new URL(`${base}/${path}`)
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value)
    // URLSearchParams writes a space as `+`, the signature needs %20.
    url.search = url.search.replaceAll('+', '%20')
    const sign = isSigned ? (await import('./signature.ts')).regionFor(url, settings.region) : undefined
    return withRetries({ method, url, body: body === undefined ? '' : JSON.stringify(body), sign })
  }
}

async function withRetries(call: Call): Promise<Json> {
  for (let tries = 1; ; tries += 1) {
    const answer = await once(call).catch((error: unknown) => {
      if (error instanceof Problem) throw error
      return reasonOf(error)
    })
    const isLast = tries === maxTries
    if (typeof answer !== 'string' && answer.status < 500 && answer.status !== 429) return bodyOf(answer, call.url)
    if (isLast) throw outOfReach(call.url, answer)
    const asked = typeof answer === 'string' ? Number.NaN : Number(answer.headers.get('retry-after')) * 1000
    await pause(Math.min(maxPauseMs, asked > 0 ? asked : 200 * 2 ** tries))
  }
}

async function once({ method, url, body, sign }: Call): Promise<Answer> {
  const unsigned = { 'user-agent': userAgent, ...(body !== '' && { 'content-type': 'application/json' }) }
  const headers =
    sign === undefined
      ? unsigned
      : await (await import('./signature.ts')).signed({ method, url, headers: unsigned, body }, 'execute-api', sign)
  const response = await request(url, { method, headers, ...(body !== '' && { body }), timeoutMs: answerWithinMs })
  const text = await response.text()
  return { status: response.status, headers: response.headers, body: objectIn(text) }
}

function bodyOf({ status, headers, body }: Answer, url: URL): Json {
  if (status === 200) {
    if (body === undefined) throw notABroker(`${url.origin} does not answer as a broker does.`)
    warnOfMismatch(headers.get(versionHeader))
    return body
  }
  const { error, error_description: description, message } = body ?? {}
  const words = [description, message, error].find((each) => typeof each === 'string') ?? `status ${status}`
  if (status === 401 || status === 403) {
    throw new Problem(
      `${url.host} refuses the request: ${words}`,
      undefined,
      `You need the right execute-api:Invoke on the sessions of this application; see docs/operations.md. If you have it, the broker may be too old for this request; to check: ${programName} version --url URL`,
    )
  }
  throw status === 404 ? new NotFound(String(words)) : new Problem(String(words))
}

export function notABroker(message: string): Problem {
  return new Problem(message, undefined, 'Check the URL of the broker (--url).')
}

let isWarned = false

/** Warns once, and only after a success: an error explains itself. @param broker its version; null before 0.2.0 */
function warnOfMismatch(broker: string | null): void {
  const unfit = mismatch(version, broker ?? '0.1.0')
  if (unfit === undefined || isWarned) return
  say(plain(unfit), 'yellow')
  isWarned = true
}

function outOfReach(url: URL, answer: Answer | string): OutOfReach {
  const why = typeof answer === 'string' ? answer : `status ${answer.status}`
  return new OutOfReach(
    `The broker at ${url.origin} is out of reach (${why}).`,
    isLoopback(url) ? notRunning : undefined,
  )
}
