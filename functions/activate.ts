/**
 * activate: where a person types a user code, and says whether that device may connect (RFC 8628 §3.3).
 *
 * Each guess is paid for before it is looked at. "Deny" is one conditional write, `decide`; "approve" writes nothing
 * yet, but sends the browser to the provider, and the callback decides once it is known who approves.
 */

import { broker } from '../shared/broker.ts'
import type { Family } from '../shared/domain/family.ts'
import { decide } from '../shared/domain/transitions.ts'
import { deviceCodeSeconds, readUserCode, showUserCode, sidOfUserCode } from '../shared/domain/user-code.ts'
import { carriedQuestion, carry, dropped, pageAnswer, type Question, redirect } from '../shared/http/browser.ts'
import { type Answer, audit, type Call, header, momentOf } from '../shared/http/call.ts'
import { drawHandle } from '../shared/http/cookies.ts'
import { OAuthError } from '../shared/http/errors.ts'
import { lookOf } from '../shared/http/look.ts'
import { problemPage } from '../shared/http/page-problems.ts'
import {
  type CodeProblem,
  confirmDevice,
  deviceDenied,
  enterCode,
  tooManyAttempts,
} from '../shared/http/pages/device.ts'
import { signInLost } from '../shared/http/pages/problems.ts'
import { isRevoked } from '../shared/http/sessions.ts'
import { pageEndpoint } from '../shared/http/stack.ts'
import { providerOf } from '../shared/providers/index.ts'

export const handler = pageEndpoint(async (call) => {
  const typed = call.parameters.optional('user_code')
  const isForm = call.event.httpMethod === 'POST'
  if (isForm && call.parameters.optional('decision') !== undefined) return answerQuestion(call, typed ?? '')
  if (typed !== undefined && (isForm || isVisit(call))) return putQuestion(call, typed)
  return askAgain(call, isForm ? 'missing' : undefined)
}, problemPage)

/**
 * Whether a person's browser was led here. An image or a frame on somebody's page with this address would spend the
 * guesses of whoever visits that page (Fetch Metadata, Sec-Fetch-Dest); browsers that do not say are believed.
 */
function isVisit({ event }: Call): boolean {
  return (header(event, 'sec-fetch-dest') ?? 'document') === 'document'
}

function askAgain(call: Call, problem?: CodeProblem, userCode?: string): Answer {
  const applicationName = call.application.displayName
  return pageAnswer(enterCode({ applicationName, action: pageUrl(call), problem, userCode }))
}

// --- the question ---------------------------------------------------------------------------------------------------

/** RFC 8628 §5.1: guesses are counted by address. §5.4: even a link that brings the code along only leads to a question. */
async function putQuestion(call: Call, typed: string): Promise<Answer> {
  const { allowed, left, retryAfterSeconds, giveBack } = await broker().throttle.pay(call.ip)
  const stop = () => {
    const applicationName = call.application.displayName
    return pageAnswer(tooManyAttempts({ applicationName, retryAfterSeconds }))
  }
  if (!allowed) return stop()
  const family = await familyOf(call, readUserCode(typed))
  if (family === undefined) {
    audit(call, 'user_code.wrong', { level: 'warn' })
    return left > 0 ? askAgain(call, 'unknown', typed.slice(0, 16)) : stop()
  }
  await giveBack()
  const problem = problemWith(family, call.now)
  return problem === undefined ? confirm(call, family, readUserCode(typed)!) : askAgain(call, problem)
}

async function confirm(call: Call, family: Family, userCode: string): Promise<Answer> {
  const { application } = call
  const client = await broker().registrations.client(application.name, family.clientId)
  if (client === undefined) return askAgain(call, 'unknown')
  if (await isRevoked(call, family)) return askAgain(call, 'expired')
  const csrf = drawHandle(call)
  const page = confirmDevice({
    look: lookOf(call),
    clientName: client.displayName,
    clientId: client.clientId,
    userCode: showUserCode(userCode),
    asked: { scopes: family.scopes, audiences: family.audiences },
    action: pageUrl(call),
    csrf,
    providerOrigin: await providerOf(application).signInOrigin(),
  })
  return pageAnswer(page, await carry(call, 'question', { sid: family.sid, csrf }))
}

/** The family that a user code leads to, by whichever key was in use while a code that is still good can have been made. */
async function familyOf({ application, now }: Call, userCode: string | undefined): Promise<Family | undefined> {
  if (userCode === undefined) return undefined
  const keyring = await broker().keyring()
  for (const macKey of keyring.macKeysBetween(now - deviceCodeSeconds * 1000, now)) {
    const family = await broker().families.read(sidOfUserCode(application.name, userCode, macKey))
    if (family?.application === application.name && family.flow === 'device') return family
  }
  return undefined
}

function problemWith(family: Family, now: number): CodeProblem | undefined {
  if (family.state !== 'pending') return 'used'
  return (family.codeExpiresAt ?? 0) <= now ? 'expired' : undefined
}

// --- the answer -----------------------------------------------------------------------------------------------------

/** Only the page that put the question can answer it: the form's value and the cookie's were drawn together. */
async function answerQuestion(call: Call, typed: string): Promise<Answer> {
  const question = await carriedQuestion(call, call.parameters.optional('csrf'))
  // The table is asked only for a page of ours: this is no place to try user codes at.
  const family = question && (await familyOf(call, readUserCode(typed)))
  if (family === undefined || family.sid !== question?.sid) {
    const known = { applicationName: call.application.displayName, requestId: call.requestId }
    return pageAnswer(signInLost({ ...known, enterCodeHref: pageUrl(call), because: 'stale-form' }))
  }
  switch (call.parameters.optional('decision')) {
    case 'approve':
      return approve(call, question, family)
    case 'deny':
      return deny(call, question, family)
    default:
      throw new OAuthError('invalid_request', 'decision must be approve or deny.')
  }
}

/** RFC 8628 §3.3: first it must be known who approves. */
async function approve(call: Call, question: Question, family: Family): Promise<Answer> {
  const problem = problemWith(family, call.now)
  if (problem !== undefined) return askAgain(call, problem)
  const state = drawHandle(call, question.csrf)
  const { url, secrets } = await providerOf(call.application).begin(`${call.issuer}/oauth/callback`, {}, state)
  return redirect(
    url,
    await carry(call, 'sign-in', { flow: 'device', sid: family.sid, clientId: family.clientId, secrets }),
  )
}

async function deny(call: Call, question: Question, { sid, clientId }: Family): Promise<Answer> {
  const moment = momentOf(call)
  const outcome = await broker().families.apply(decide(call.application.name, sid, { deny: true }, moment))
  if (!outcome.done && outcome.refusal.kind !== 'superseded') {
    return askAgain(call, outcome.refusal.kind === 'expired-device-code' ? 'expired' : 'used')
  }
  audit(call, 'session.denied', { sid, client_id: clientId, flow: 'device' })
  const client = await broker().registrations.client(call.application.name, clientId)
  const page = deviceDenied({
    applicationName: call.application.displayName,
    clientName: client?.displayName ?? clientId,
  })
  return pageAnswer(page, dropped(call, question))
}

function pageUrl({ issuer }: Call): string {
  return `${issuer}/activate`
}
