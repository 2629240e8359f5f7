/**
 * Reads the parameters of a form, of JSON or of a query by the same rules (RFC 6749 §3.1, §3.2): a repeated one is refused,
 * an empty one counts as absent, an unknown one is ignored.
 */

import { OAuthError } from './errors.ts'

/** Every parameter that some endpoint reads: these must come once, and be strings, wherever they turn up. */
export const parameterNames = [
  'access_token',
  'acr_values',
  'actor_token',
  'actor_token_type',
  'audience',
  'client_assertion',
  'client_assertion_type',
  'client_id',
  'client_secret',
  'code',
  'code_challenge',
  'code_challenge_method',
  'code_verifier',
  'csrf',
  'decision',
  'device_code',
  'grant_type',
  'id_token_hint',
  'login_hint',
  'max_age',
  'nonce',
  'prompt',
  'proof',
  'redirect_uri',
  'refresh_token',
  'request',
  'request_uri',
  'requested_token_type',
  'resource',
  'result',
  'response_mode',
  'response_type',
  'scope',
  'state',
  'subject_token',
  'subject_token_type',
  'token',
  'token_type_hint',
  'ui_locales',
  'user_code',
] as const

export type KnownName = (typeof parameterNames)[number]
/** What may be sent more than once (RFC 8707 §2): in a form by repeating it, in JSON as a list. */
type RepeatableName = 'resource'
export type ParameterName = Exclude<KnownName, RepeatableName>

export type Parameters = {
  /** Nothing was sent at all, known or unknown. */
  readonly isEmpty: boolean
  /**
   * @param names default: all that were sent
   * @throws {OAuthError} invalid_request if one of them was sent twice, or is no text
   */
  check(...names: readonly KnownName[]): void
  /** The value, or undefined if it is absent, empty or one that `check` refuses. */
  optional(name: ParameterName): string | undefined
  /** @throws {OAuthError} invalid_request if it is absent or empty, or one that `check` refuses */
  required(name: ParameterName): string
  /** All values that are not empty, in their order. */
  all(name: RepeatableName): readonly string[]
}

const maxBytes = 65_536
const maxParameters = 100

/** @param type the Content-Type header. @throws {OAuthError} invalid_request */
export function readBody(body: string, type: string | undefined): Parameters {
  limitLength(body)
  const mediaType = mediaTypeIn(type)
  if (mediaType === 'application/json') return parameters(jsonMembers(body).flatMap(listed))
  if (mediaType === 'application/x-www-form-urlencoded' || body === '') return readForm(body)
  throw new OAuthError('invalid_request', 'The body must be application/x-www-form-urlencoded or application/json.')
}

/** @throws {OAuthError} invalid_request */
export function limitLength(body: string): void {
  if (Buffer.byteLength(body) > maxBytes) {
    throw new OAuthError('invalid_request', 'The body is longer than 64 KB.', { status: 413 })
  }
}

/** @param type the Content-Type header */
export function mediaTypeIn(type: string | undefined): string | undefined {
  return type?.split(';')[0]?.trim().toLowerCase()
}

/** Reads `a=1&b=2`, of a body or a query. @throws {OAuthError} invalid_request */
export function readForm(text: string): Parameters {
  return parameters(new URLSearchParams(text))
}

/** A list of JSON is the same as a repeated parameter of a form, where the parameter may be repeated. */
function listed(member: readonly [string, unknown], at: number, members: readonly (readonly [string, unknown])[]) {
  const [name, value] = member
  if (!isRepeatable(name)) return [member]
  if (members.findIndex(([other]) => other === name) < at) throw sentTwice(name)
  return Array.isArray(value) ? value.map((element) => [name, element] as const) : [member]
}

/** @throws {OAuthError} invalid_request if there are too many. `check` of the result refuses single ones */
export function parameters(members: Iterable<readonly [string, unknown]>): Parameters {
  const values = new Map<string, string>()
  const repeated: string[] = []
  const seen = new Set<string>()
  const faults = new Map<string, OAuthError>()
  let count = 0
  for (const [name, value] of members) {
    if (++count > maxParameters) throw new OAuthError('invalid_request', 'There are more than 100 parameters.')
    if (!isKnown(name)) continue
    const fault = faultIn(name, value, seen)
    seen.add(name)
    if (fault !== undefined) faults.set(name, faults.get(name) ?? fault)
    else if (value === '') continue
    else if (isRepeatable(name)) repeated.push(value as string)
    else values.set(name, value as string)
  }
  for (const name of faults.keys()) values.delete(name)
  return {
    isEmpty: count === 0,
    check: (...names) => {
      for (const [name, fault] of faults) if (names.length === 0 || names.includes(name as KnownName)) throw fault
    },
    optional: (name) => values.get(name),
    required: (name) => {
      const value = values.get(name)
      if (value === undefined) throw faults.get(name) ?? new OAuthError('invalid_request', `${name} is missing.`)
      return value
    },
    all: (name) => (faults.has(name) ? [] : repeated),
  }
}

/** RFC 6749 §3.1, §3.2: a parameter comes once. */
function faultIn(name: KnownName, value: unknown, seen: ReadonlySet<string>): OAuthError | undefined {
  if (seen.has(name) && !isRepeatable(name)) return sentTwice(name)
  if (typeof value !== 'string') return new OAuthError('invalid_request', `${name} must be a string.`)
  // Names and tokens are Unicode text: without a lone surrogate, which JSON can hold, and without NUL, which can hide an end.
  const isText = !value.includes('\0') && value.isWellFormed()
  return isText ? undefined : new OAuthError('invalid_request', `${name} must be text without NUL.`)
}

function isKnown(name: string): name is KnownName {
  return (parameterNames as readonly string[]).includes(name)
}

function isRepeatable(name: string): name is RepeatableName {
  return name === 'resource'
}

function sentTwice(name: string): OAuthError {
  return new OAuthError('invalid_request', `${name} must be sent once.`)
}

/** The members of a JSON object, a repeated name repeated: JSON.parse alone would keep the last and say nothing. */
export function jsonMembers(text: string): (readonly [string, unknown])[] {
  if (text.trim() === '') return []
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw new OAuthError('invalid_request', 'The body is not valid JSON.')
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new OAuthError('invalid_request', 'The body must be a JSON object.')
  }
  const members = value as Record<string, unknown>
  return topLevelNames(text).map((name) => [name, Object.hasOwn(members, name) ? members[name] : undefined])
}

/** @param text valid JSON of an object */
function topLevelNames(text: string): string[] {
  const names: string[] = []
  let depth = 0
  let last = ''
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"|[{}[\]:]/g)) {
    if (token === '{' || token === '[') depth++
    else if (token === '}' || token === ']') depth--
    else if (token === ':' && depth === 1) names.push(JSON.parse(last) as string)
    last = token
  }
  return names
}
