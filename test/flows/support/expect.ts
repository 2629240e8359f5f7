/**
 * What contract.md says of every answer of one kind, asserted in one place.
 *
 * Owns the shapes. Must not know which flow led to the answer.
 */
import assert from 'node:assert/strict'
import type { Broker } from './broker.ts'
import type { Caller } from './callers.ts'
import { introspect, refresh, userinfo } from './endpoints.ts'
import type { Page } from './person.ts'
import type { Answer } from './wire.ts'

export type Tokens = {
  readonly accessToken: string
  /** Empty where the answer had none. */
  readonly refreshToken: string
  readonly idToken: string
  readonly body: Answer['body']
}

export type Claims = Readonly<Record<string, unknown>>

/** RFC 3986 §2.3. */
const unreserved = /^[A-Za-z0-9._~-]+$/
/** RFC 6749 §5.2, of `error_description`. */
const describable = /^[\x20-\x21\x23-\x5B\x5D-\x7E]*$/

export function string(body: Answer['body'], member: string): string {
  const value = body[member]
  assert.equal(typeof value, 'string', `${member} in ${JSON.stringify(body)}`)
  return String(value)
}

/** Token, device, revocation and introspection endpoints answer JSON that nobody keeps (RFC 6749 §5.1). */
export function expectUncachedJson(answer: Answer): void {
  assert.match(answer.headers['content-type'] ?? '', /^application\/json(;|$)/)
  assert.equal(answer.headers['cache-control'], 'no-store')
  assert.equal(answer.headers.pragma, 'no-cache')
}

/** The "no" of RFC 6749 §5.2: status, code, a printable description, a request id, nothing cached. */
export function expectRefusal(answer: Answer, status: number, error: string): void {
  assert.deepEqual([answer.status, answer.body.error], [status, error], answer.text)
  expectUncachedJson(answer)
  if (answer.body.error_description !== undefined) {
    assert.match(string(answer.body, 'error_description'), describable)
  }
  assert.ok(
    Object.entries(answer.headers).some(([name, value]) => /request-?id/.test(name) && value !== ''),
    'a header holds the request id',
  )
}

export function expectUnavailable(answer: Answer): void {
  expectRefusal(answer, 503, 'temporarily_unavailable')
  assert.match(answer.headers['retry-after'] ?? '', /^[1-9][0-9]*$/)
}

/** The "yes" of RFC 6749 §5.1. */
export function expectTokens(answer: Answer): Tokens {
  assert.equal(answer.status, 200, answer.text)
  expectUncachedJson(answer)
  const { body } = answer
  assert.equal(body.token_type, 'Bearer')
  assert.ok(Number.isInteger(body.expires_in) && Number(body.expires_in) > 0, `expires_in: ${body.expires_in}`)
  const accessToken = string(body, 'access_token')
  const refreshToken = body.refresh_token === undefined ? '' : string(body, 'refresh_token')
  const idToken = body.id_token === undefined ? '' : string(body, 'id_token')
  for (const token of [accessToken, refreshToken, idToken].filter((value) => value !== '')) {
    assert.match(token, unreserved)
  }
  return { accessToken, refreshToken, idToken, body }
}

/** A refresh that must succeed, and brings a successor. */
export async function refreshed(broker: Broker, caller: Caller, refreshToken: string): Promise<Tokens> {
  const tokens = expectTokens(await refresh(broker, caller, refreshToken))
  assert.notEqual(tokens.refreshToken, '', 'a successor')
  return tokens
}

export type Showing = {
  readonly caller: Caller
  readonly accessToken: string
  readonly refreshToken: string
}

/** Nothing of the family works: not its newest refresh token, not userinfo, not in the eyes of an introspecting API. */
export async function expectDead(broker: Broker, { caller, accessToken, refreshToken }: Showing): Promise<void> {
  const [again, claims] = await Promise.all([
    refresh(broker, caller, refreshToken),
    userinfo(broker, caller.application, accessToken),
  ])
  expectRefusal(again, caller.application === 'auth0like' ? 403 : 400, 'invalid_grant')
  assert.equal(claims.status, 401, 'userinfo looks at the session')
  if (caller.application !== 'demo') return
  for (const token of [accessToken, refreshToken]) expectInactive(await introspect(broker, token))
}

/** RFC 7662 §2.2: nothing but the fact. */
export function expectInactive(answer: Answer): void {
  assert.equal(answer.status, 200, answer.text)
  assert.equal(answer.text, '{"active":false}')
  expectUncachedJson(answer)
}

/** RFC 6750 §3.1: the error stands in the challenge. */
export function expectChallenge(answer: Answer, status: number, error: string): void {
  assert.equal(answer.status, status, answer.text)
  const challenge = answer.headers['www-authenticate'] ?? ''
  assert.match(challenge, /^Bearer /)
  assert.match(challenge, new RegExp(`\\berror="${error}"`))
}

/** A page that tells a person what went wrong, leads nowhere and gives nothing away. */
export function expectErrorPage(page: Page, status: number | readonly number[] = [400, 403, 404, 410]): void {
  const allowed = typeof status === 'number' ? [status] : status
  assert.ok(allowed.includes(page.status), `status ${page.status}: ${page.text}`)
  assert.match(page.headers['content-type'] ?? '', /^text\/html/)
  assert.equal(page.headers.location, undefined)
  assert.notEqual(page.text, '')
}

/** The claims of a JWT, unverified: for looking at what was issued. */
export function claimsOf(jwt: string): Claims {
  return partOf(jwt, 1)
}

export function headerOf(jwt: string): Claims {
  return partOf(jwt, 0)
}

function partOf(jwt: string, index: 0 | 1): Claims {
  const value: unknown = JSON.parse(Buffer.from(jwt.split('.')[index] ?? '', 'base64url').toString('utf8'))
  assert.ok(typeof value === 'object' && value !== null)
  return { ...value }
}
