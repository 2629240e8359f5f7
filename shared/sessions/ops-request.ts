/**
 * Reads the requests of ops, strictly: unknown, repeated or mistyped parameters are refused. An ignored filter would list, or
 * end, sessions that nobody meant.
 */

import type { APIGatewayProxyEvent } from 'aws-lambda'
import type { SessionStatus } from '../domain/session-status.ts'
import { bodyText, header } from '../http/call.ts'
import { OAuthError } from '../http/errors.ts'
import { jsonMembers, limitLength, mediaTypeIn } from '../http/parameters.ts'

export type ListRequest = {
  readonly subject?: string | undefined
  readonly email?: string | undefined
  /** A part of the person's name, address or subject, whatever its case. */
  readonly name?: string | undefined
  readonly clientId?: string | undefined
  readonly state?: SessionStatus['state'] | undefined
  readonly limit: number
  readonly cursor?: string | undefined
}

/** Whose sessions are to end; exactly one of them, `all` being those of the application. */
export type Selection =
  | { readonly by: 'subject'; readonly subject: string }
  | { readonly by: 'client_id'; readonly clientId: string }
  | { readonly by: 'application' }

export type RevocationRequest = Selection & {
  readonly note?: string | undefined
  readonly cursor?: string | undefined
}

const states: readonly SessionStatus['state'][] = ['pending', 'approved', 'denied', 'active', 'expired', 'revoked']
const defaultLimit = 50
const maxLimit = 100
/** Beyond what a `sub` can be (OIDC Core §2), and below what a key of the table can be, in bytes. */
const maxSubjectLength = 1_024
const maxTextLength = 4_096
/** The session's item stays under a kilobyte with it, in bytes. */
const maxNoteLength = 128

/** @throws {OAuthError} invalid_request */
export function readListRequest(event: APIGatewayProxyEvent): ListRequest {
  const sent = readQuery(event, ['subject', 'email', 'name', 'client_id', 'state', 'limit', 'cursor'])
  const subject = subjectIn(sent)
  const email = sent.get('email')
  if (subject !== undefined && email !== undefined) {
    throw new OAuthError('invalid_request', 'Send subject or email, not both.')
  }
  return {
    subject,
    email,
    name: sent.get('name'),
    clientId: sent.get('client_id'),
    state: stateIn(sent.get('state')),
    limit: limitIn(sent.get('limit')),
    cursor: sent.get('cursor'),
  }
}

/** @throws {OAuthError} invalid_request when there is anything but what is allowed */
export function readReason(event: APIGatewayProxyEvent): string | undefined {
  return noteIn(readQuery(event, ['reason']))
}

/** @throws {OAuthError} invalid_request when there is a query */
export function expectNoQuery(event: APIGatewayProxyEvent): void {
  readQuery(event, [])
}

/**
 * JSON alone: what a page of another origin can make a browser send without asking is forms (Fetch, CORS protocol).
 *
 * @throws {OAuthError} invalid_request
 */
export function readRevocationRequest(event: APIGatewayProxyEvent): RevocationRequest {
  readQuery(event, [])
  const body = bodyText(event)
  limitLength(body)
  if (mediaTypeIn(header(event, 'content-type')) !== 'application/json') {
    throw new OAuthError('invalid_request', 'The body must be application/json.')
  }
  const members = jsonMembers(body)
  const sent = onceEach(
    members.filter(([name]) => name !== 'all'),
    ['subject', 'client_id', 'reason', 'cursor'],
  )
  const { length } = members.filter(([name]) => name === 'all')
  if (length > 1) throw new OAuthError('invalid_request', 'all must be sent once.')
  if (members.some(([name, value]) => name === 'all' && value !== true)) {
    throw new OAuthError('invalid_request', 'all must be true, or left out.')
  }
  return { ...selectionIn(sent, length === 1), note: noteIn(sent), cursor: sent.get('cursor') }
}

type Sent = ReadonlyMap<string, string>

function readQuery({ multiValueQueryStringParameters }: APIGatewayProxyEvent, allowed: readonly string[]): Sent {
  const pairs = Object.entries(multiValueQueryStringParameters ?? {}).flatMap(([name, values]) =>
    (values ?? []).map((value): [string, string] => [name, value]),
  )
  return onceEach(pairs, allowed)
}

/** As everywhere (RFC 6749 §3.1), what is empty counts as absent. */
function onceEach(pairs: readonly (readonly [string, unknown])[], allowed: readonly string[]): Sent {
  const sent = new Map<string, string>()
  const seen = new Set<string>()
  for (const [name, value] of pairs) {
    if (!allowed.includes(name)) {
      const known = allowed.length > 0 ? ` There are ${allowed.join(', ')}.` : ''
      throw new OAuthError('invalid_request', `There is a parameter that is not known here.${known}`)
    }
    if (seen.has(name)) throw new OAuthError('invalid_request', `${name} must be sent once.`)
    seen.add(name)
    if (typeof value !== 'string') throw new OAuthError('invalid_request', `${name} must be a string.`)
    if (value.includes('\0') || !value.isWellFormed() || value.length > maxTextLength) {
      throw new OAuthError('invalid_request', `${name} must be text of no more than ${maxTextLength} characters.`)
    }
    if (value !== '') sent.set(name, value)
  }
  return sent
}

function subjectIn(sent: Sent): string | undefined {
  const subject = sent.get('subject')
  if (subject !== undefined && Buffer.byteLength(subject) > maxSubjectLength) {
    throw new OAuthError('invalid_request', `subject must be no longer than ${maxSubjectLength} bytes.`)
  }
  return subject
}

function stateIn(state: string | undefined): SessionStatus['state'] | undefined {
  const known = states.find((candidate) => candidate === state)
  if (state !== undefined && known === undefined) {
    throw new OAuthError('invalid_request', `state must be one of ${states.join(', ')}.`)
  }
  return known
}

function limitIn(limit: string | undefined): number {
  if (limit === undefined) return defaultLimit
  const number = /^\d{1,3}$/.test(limit) ? Number(limit) : 0
  if (number < 1 || number > maxLimit) {
    throw new OAuthError('invalid_request', `limit must be a whole number from 1 to ${maxLimit}.`)
  }
  return number
}

function selectionIn(sent: Sent, all: boolean): Selection {
  const subject = subjectIn(sent)
  const clientId = sent.get('client_id')
  const given = [subject !== undefined, clientId !== undefined, all].filter(Boolean).length
  if (given !== 1) throw new OAuthError('invalid_request', 'Send exactly one of subject, client_id and all.')
  if (subject !== undefined) return { by: 'subject', subject }
  if (clientId !== undefined) return { by: 'client_id', clientId }
  return { by: 'application' }
}

/** Words for the audit and for whoever looks the session up: nothing that moves a terminal, and nothing secret. */
function noteIn(sent: Sent): string | undefined {
  const note = sent.get('reason')
  if (note === undefined) return undefined
  if (Buffer.byteLength(note) > maxNoteLength) {
    throw new OAuthError('invalid_request', `reason must be no longer than ${maxNoteLength} bytes.`)
  }
  if (/\p{C}/u.test(note)) throw new OAuthError('invalid_request', 'reason must not hold control characters.')
  if (/\b(rt|ac|dc)_[\w-]{20}|\beyJ[\w-]{10}/.test(note)) {
    throw new OAuthError('invalid_request', 'reason must not hold a code or a token.')
  }
  return note
}
