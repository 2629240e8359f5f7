/**
 * Calls of ops to the broker's sessions endpoints.
 *
 * Owns HTTP: when a call is signed, how often it is tried, and which answers are which problem. Every call here may be
 * repeated: asking changes nothing, and ending a session twice ends it once. Must not know what is asked for.
 */

import { setTimeout as pause } from 'node:timers/promises'
import { isLoopback } from '../shared/domain/loopback.ts'
import type { Input } from './arguments.ts'
import { objectIn, type Response, request } from './http.ts'
import { OutOfReach, Problem, reasonOf, UsageProblem } from './problem.ts'
import { applicationFrom, urlFrom } from './settings.ts'

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

/** What was asked for is not there. */
class NotFound extends Problem {}

const mostTries = 4
/** API Gateway gives up after 29 s. */
const answerWithinMs = 35_000
const longestPauseMs = 5_000

type Call = { readonly method: string; readonly url: URL; readonly body: string; readonly sign: string | undefined }
type Answer = { readonly status: number; readonly headers: Response['headers']; readonly body: Json }

/** @throws {UsageProblem} */
export async function opsBroker(input: Input): Promise<OpsBroker> {
  return brokerAt(input, applicationFrom(input, urlFrom(input)))
}

/**
 * One for each application that is asked about: all there are, with `--all-applications`.
 *
 * @throws {Problem}
 */
export async function opsBrokers(input: Input): Promise<readonly OpsBroker[]> {
  if (!input.flag('all-applications')) return [await opsBroker(input)]
  if (input.text('application') !== undefined) {
    throw new UsageProblem('Pass --application or --all-applications, not both.')
  }
  const { applications } = await callerFor(input)('GET', 'applications', {})
  if (!Array.isArray(applications)) throw new Problem('The broker does not say which applications there are.')
  return applications.map((name) => brokerAt(input, String(name)))
}

/**
 * One session: to see it, or to end it.
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
      ? `This looked at ${broker.application} alone (--application). A session is forgotten a day after its latest end.`
      : 'A session id has 22 characters. Those of a person: token-broker sessions list --subject SUB'
    throw new Problem(error.message, undefined, hint)
  }
}

function brokerAt(input: Input, application: string): OpsBroker {
  const call = callerFor(input)
  const below = (path: string) => `${encodeURIComponent(application)}/${path}`
  return { application, call: (method, path, query = {}, body) => call(method, below(path), query, body) }
}

function callerFor(input: Input) {
  const base = urlFrom(input)
  const region = input.text('region')
  const isSigned = input.flag('sign') || !isLoopback(new URL(base))
  return async (method: Method, path: string, query: Readonly<Record<string, string>>, body?: Json): Promise<Json> => {
    const url = new URL(`${base}/${path}`)
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value)
    // One way to write a space, which the signature needs: application/x-www-form-urlencoded has another.
    url.search = url.search.replaceAll('+', '%20')
    const sign = isSigned ? (await import('./signature.ts')).regionFor(url, region) : undefined
    return patiently({ method, url, body: body === undefined ? '' : JSON.stringify(body), sign })
  }
}

async function patiently(call: Call): Promise<Json> {
  for (let tries = 1; ; tries += 1) {
    const answer = await once(call).catch((error: unknown) => {
      if (error instanceof Problem) throw error
      return reasonOf(error)
    })
    const isLast = tries === mostTries
    if (typeof answer !== 'string' && answer.status < 500 && answer.status !== 429) return bodyOf(answer, call.url)
    if (isLast) throw outOfReach(call.url, answer)
    const asked = typeof answer === 'string' ? Number.NaN : Number(answer.headers.get('retry-after')) * 1000
    await pause(Math.min(longestPauseMs, asked > 0 ? asked : 200 * 2 ** tries))
  }
}

async function once({ method, url, body, sign }: Call): Promise<Answer> {
  const plain: Record<string, string> = body === '' ? {} : { 'content-type': 'application/json' }
  const headers =
    sign === undefined
      ? plain
      : await (await import('./signature.ts')).signed({ method, url, headers: plain, body }, 'execute-api', sign)
  const response = await request(url, { method, headers, ...(body !== '' && { body }), timeoutMs: answerWithinMs })
  const text = await response.text()
  return { status: response.status, headers: response.headers, body: objectIn(text) }
}

function bodyOf({ status, body }: Answer, url: URL): Json {
  if (status === 200) return body
  const { error, error_description: description, message } = body
  const words = [description, message, error].find((each) => typeof each === 'string') ?? `status ${status}`
  if (status === 401 || status === 403) {
    throw new Problem(
      `${url.host} does not let you do that: ${words}`,
      undefined,
      'It takes the right to execute-api:Invoke on the sessions of this application; see docs/operations.md.',
    )
  }
  throw status === 404 ? new NotFound(String(words)) : new Problem(String(words))
}

function outOfReach(url: URL, answer: Answer | string): OutOfReach {
  const why = typeof answer === 'string' ? answer : `status ${answer.status}`
  return new OutOfReach(
    `The broker at ${url.origin} is out of reach (${why}).`,
    isLoopback(url) ? 'Does it run? npm start; --url or TOKEN_BROKER_URL names another one.' : undefined,
  )
}
