/**
 * sessions: ops list sessions and end them. AWS IAM authorises them, not OAuth.
 *
 * Reading writes nothing. One session ends by one conditional write, `revokeByOps`; all of a client or an application by one
 * write to its registration; all of a person by one write each (shared/store/sweep.ts).
 */

import { accessTokensUntil } from '../shared/domain/access-token-end.ts'
import { type Family, subOf } from '../shared/domain/family.ts'
import { sessionStatus } from '../shared/domain/session-status.ts'
import { eraseClaims, revokeByOps, type Transition } from '../shared/domain/transitions.ts'
import { type Answer, audit, momentOf, type OpsCall } from '../shared/http/call.ts'
import { OAuthError } from '../shared/http/errors.ts'
import { type Handler, opsEndpoint, opsRootEndpoint } from '../shared/http/stack.ts'
import type { Parts } from '../shared/parts.ts'
import { randomId } from '../shared/random.ts'
import { auditLines, auditQuery } from '../shared/sessions/audit-query.ts'
import { cursorOf, positionIn } from '../shared/sessions/cursor.ts'
import {
  expectNoQuery,
  type ListRequest,
  type RevocationRequest,
  readListRequest,
  readReason,
  readRevocationRequest,
} from '../shared/sessions/ops-request.ts'
import { isoTimestamp, sessionView } from '../shared/sessions/session-view.ts'
import { hashedEmail, userinfoClaims } from '../shared/sign-in/person.ts'
import { type ApplicationWithClients, createRegistered } from '../shared/store/registered.ts'
import { registrationsCachedMs } from '../shared/store/registrations.ts'
import { createSessions, type Entry, type SessionQuery } from '../shared/store/sessions.ts'
import { begun, patience, type SweepState, sweep } from '../shared/store/sweep.ts'

export const handler: Handler = (event, context) =>
  event.resource === '/applications' ? applications(event, context) : sessions(event, context)

const applications = opsRootEndpoint(async ({ parts }) => ({
  status: 200,
  body: { applications: await opsStores(parts).registered.names() },
}))

/** Only this function needs them, so they are not among the parts, which every function loads. */
function opsStores({ table, registrations }: Parts) {
  return { sessions: createSessions(table), registered: createRegistered(table, registrations) }
}

const sessions = opsEndpoint(async (call) => {
  const { httpMethod, pathParameters } = call.event
  const sid = pathParameters?.sid
  if (sid !== undefined) return httpMethod === 'DELETE' ? revokeOne(call, sid) : show(call, sid)
  return httpMethod === 'POST' ? revokeMany(call, readRevocationRequest(call.event)) : list(call)
})

// --- list -----------------------------------------------------------------------------------------------------------

/** A filtered list reads this many families at a time. After `maxWindows` it returns what it has found. */
const windowSize = 100
const maxWindows = 10

async function list(call: OpsCall): Promise<Answer> {
  const request = readListRequest(call.event)
  const query = ['list', request.subject, request.clientId, request.state, request.email, request.name]
  const start = request.cursor === undefined ? undefined : await positionIn<Entry>(call, query, request.cursor)
  const registered = await registeredFor(call)
  if (request.clientId !== undefined) clientIn(registered, request.clientId)
  // Without `keeps_email` the empty list would look as if the person had no sessions.
  if (request.email !== undefined && !userinfoClaims(registered.application).includes('email')) {
    return { status: 200, body: { sessions: [], keeps_email: false } }
  }
  const { families, last } = await find(call, registered, request, start)
  return {
    status: 200,
    body: {
      sessions: families.map((family) => view(family, registered, call.now)),
      ...(last !== undefined && { cursor: await cursorOf(call, query, { createdAt: last.createdAt, sid: last.sid }) }),
    },
  }
}

/** Finds the families in an index and reads their state from the table, because the index has no attribute that changes. */
async function find(
  call: OpsCall,
  registered: ApplicationWithClients,
  request: ListRequest,
  start: Entry | undefined,
): Promise<{ families: readonly Family[]; last: Entry | undefined }> {
  const { sessions } = opsStores(call.parts)
  const query = await queryFor(call, registered, request)
  const { limit, state, name } = request
  const isFiltered = state !== undefined || name !== undefined
  const isWanted = (family: Family) =>
    (state === undefined || sessionStatus(family, registrationOf(family, registered), call.now).state === state) &&
    (name === undefined || isCalled(family, name))
  const found: Family[] = []
  let last = start
  for (let windows = 0; windows < maxWindows && found.length < limit; windows += 1) {
    const stretch = await sessions.newest(query, last, isFiltered ? windowSize : limit)
    found.push(...(await sessions.read(stretch.sids)).filter(isWanted))
    last = stretch.last
    if (last === undefined) break
  }
  if (found.length <= limit) return { families: found, last }
  const families = found.slice(0, limit)
  return { families, last: families.at(-1) }
}

/** There is no index by name, since names are not unique. As with `state`, the page is filtered after it is read. */
function isCalled(family: Family, name: string): boolean {
  const words = [subOf(family), ...Object.values(family.person?.claims ?? {})]
  const wanted = folded(name)
  return words.some((word) => typeof word === 'string' && folded(word).includes(wanted))
}

function folded(text: string): string {
  return text.normalize('NFKC').toLowerCase()
}

async function queryFor(
  { parts, application: { name: application } }: OpsCall,
  { clients }: ApplicationWithClients,
  { subject, email, clientId }: ListRequest,
): Promise<SessionQuery> {
  if (subject !== undefined) return { application, subject, clientId }
  if (email !== undefined) {
    if ((await parts.keyring()).lookupKey === undefined) {
      throw new OAuthError(
        'invalid_request',
        'The keyring has no key for addresses yet. Rotate the keys, or search by subject or name.',
      )
    }
    const emailHash = await hashedEmail(parts, application, email)
    if (emailHash === undefined) throw new OAuthError('invalid_request', 'email must be an e-mail address.')
    return { application, emailHash, clientId }
  }
  return { application, clientIds: clientId === undefined ? clients.map((client) => client.clientId) : [clientId] }
}

// --- one ------------------------------------------------------------------------------------------------------------

async function show(call: OpsCall, sid: string): Promise<Answer> {
  expectNoQuery(call.event)
  const family = await ownFamily(call, sid)
  const registered = await registeredFor(call)
  const lines = auditLines(family)
  return {
    status: 200,
    body: {
      session: view(family, registered, call.now),
      audit_query: auditQuery(family, call.parts.config.auditLogGroups),
      ...(lines !== undefined && { audit_lines: lines }),
    },
  }
}

async function revokeOne(call: OpsCall, sid: string): Promise<Answer> {
  const note = readReason(call.event)
  const registered = await registeredFor(call)
  if (!isSid(sid)) throw noSession()
  const outcome = await call.parts.families.apply(endOf(call, sid, note))
  if (!outcome.done && outcome.refusal.kind === 'unknown') throw noSession()
  const family = outcome.family!
  if (outcome.done) auditEnd(call, family, note)
  const now = call.parts.now()
  const endedAt = outcome.done ? now : (family.revokedAt ?? now)
  return {
    status: 200,
    body: {
      revoked: outcome.done ? 1 : 0,
      session: view(family, registered, call.now),
      effective_at: isoTimestamp(now),
      access_tokens_until: accessTokensEnd(endedAt, registered, family.clientId),
    },
  }
}

/** With `revokeTokens`, the write marks the family, and retry-revocations tells the provider later. */
function endOf(call: OpsCall, sid: string, note: string | undefined): Transition {
  const { name, provider } = call.application
  return revokeByOps(name, sid, { actor: call.actor, note }, momentOf(call), provider.revokeTokens)
}

/** The family, if it belongs to this application. Another application's session is 404. */
async function ownFamily({ parts, application }: OpsCall, sid: string): Promise<Family> {
  const family = isSid(sid) ? await parts.families.read(sid) : undefined
  if (family?.application !== application.name) throw noSession()
  return family
}

function isSid(text: string): boolean {
  return /^[\w-]{22}$/.test(text)
}

function noSession(): OAuthError {
  return new OAuthError('not_found', 'There is no such session.', { status: 404 })
}

// --- many -----------------------------------------------------------------------------------------------------------

function revokeMany(call: OpsCall, request: RevocationRequest): Promise<Answer> {
  return request.by === 'subject' ? revokePerson(call, request) : revokeRegistered(call, request)
}

/** Ends all sessions of a client or an application, with one write for any number of them. */
async function revokeRegistered(
  call: OpsCall,
  request: Exclude<RevocationRequest, { readonly by: 'subject' }>,
): Promise<Answer> {
  if (request.cursor !== undefined) throw new OAuthError('invalid_request', 'A cursor goes with a subject alone.')
  const registered = await registeredFor(call)
  const clientId = request.by === 'client_id' ? clientIn(registered, request.clientId).clientId : undefined
  const revokedBefore = await opsStores(call.parts).registered.revokeUpTo(call.application.name, clientId, call.now)
  if (revokedBefore === undefined) throw noClient()
  // A warm function that has just read the registration uses it this long.
  const effectiveAt = call.parts.now() + registrationsCachedMs
  audit(call, 'sessions.revoked', {
    client_id: clientId,
    reason: clientId === undefined ? 'ops:application' : 'ops:client',
    note: request.note,
  })
  return {
    status: 200,
    body: {
      by: request.by,
      revoked_before: isoTimestamp(revokedBefore),
      effective_at: isoTimestamp(effectiveAt),
      access_tokens_until: accessTokensEnd(effectiveAt, registered, clientId),
      complete: true,
    },
  }
}

/** Ends all sessions of a person by a sweep. If it does not complete in time, the answer has a cursor to go on from. */
async function revokePerson(
  call: OpsCall,
  { subject, note, cursor }: Extract<RevocationRequest, { readonly by: 'subject' }>,
): Promise<Answer> {
  const application = call.application.name
  const query = ['revoke', subject]
  const registered = await registeredFor(call)
  const state =
    cursor === undefined ? begun(call.now, patience.now()) : await positionIn<SweepState>(call, query, cursor)
  let count = 0
  const task = {
    application,
    subject,
    end: (sid: string) => endOf(call, sid, note),
    erase: (sid: string) => eraseClaims(application, sid, randomId()),
    ended: (family: Family) => {
      count += 1
      auditEnd(call, family, note)
    },
  }
  const stores = { sessions: opsStores(call.parts).sessions, families: call.parts.families }
  const rest = await sweep(stores, task, state, patience)
  audit(call, 'sessions.revoked', { sub: subject, reason: 'ops:subject', note, count })
  return {
    status: 200,
    body: {
      revoked: count,
      by: 'subject',
      revoked_before: isoTimestamp(state.upToMs),
      effective_at: isoTimestamp(call.parts.now()),
      access_tokens_until: accessTokensEnd(call.parts.now(), registered),
      complete: rest === undefined,
      ...(rest !== undefined && { cursor: await cursorOf(call, query, rest) }),
    },
  }
}

// --- all ------------------------------------------------------------------------------------------------------------

async function registeredFor({ parts, application }: OpsCall): Promise<ApplicationWithClients> {
  const registered = await opsStores(parts).registered.read(application.name)
  if (registered === undefined) throw new OAuthError('not_found', 'There is no such application.', { status: 404 })
  return registered
}

function clientIn({ clients }: ApplicationWithClients, clientId: string) {
  const client = clients.find((candidate) => candidate.clientId === clientId)
  if (client === undefined) throw noClient(nearMiss(clients, clientId))
  return client
}

function nearMiss(clients: ApplicationWithClients['clients'], clientId: string): string | undefined {
  return clients.find((client) => folded(client.clientId) === folded(clientId))?.clientId
}

function noClient(near?: string): OAuthError {
  const hint = near === undefined ? '' : ` There is a client ${near}; client ids are case-sensitive.`
  return new OAuthError('not_found', `No such client is registered.${hint}`, { status: 404 })
}

function registrationOf({ clientId }: Family, { application, clients }: ApplicationWithClients) {
  return { application, client: clients.find((candidate) => candidate.clientId === clientId) }
}

function view(family: Family, registered: ApplicationWithClients, now: number) {
  return sessionView(family, registrationOf(family, registered), now)
}

/** @param clientId undefined: all clients of the application */
function accessTokensEnd(effectiveAt: number, { clients }: ApplicationWithClients, clientId?: string): string {
  const theirs = clients.filter((client) => clientId === undefined || client.clientId === clientId)
  return isoTimestamp(Math.max(effectiveAt, ...theirs.map((client) => accessTokensUntil(client, effectiveAt))))
}

function auditEnd(call: OpsCall, family: Family, note: string | undefined): void {
  const { sid, clientId, flow, generation } = family
  audit(call, 'session.revoked', {
    sid,
    client_id: clientId,
    sub: subOf(family),
    flow,
    generation,
    reason: 'ops',
    note,
  })
}
