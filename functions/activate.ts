/**
 * activate: a person enters a user code, and approves or denies the device (RFC 8628 §3.3).
 *
 * A code is looked up only if our own page sent it, which is charged as a guess first, or if an authentic complete link did
 * (docs/decisions/0038). "Deny" is one conditional write, `decide`. "Approve" writes nothing: it redirects to the provider,
 * and the callback decides once the person is known.
 */

import type { Family } from '../shared/domain/family.ts'
import { inLanguage } from '../shared/domain/local-text.ts'
import { isSameNetwork } from '../shared/domain/network.ts'
import { decide } from '../shared/domain/transitions.ts'
import {
  deviceCodeSeconds,
  formatUserCode,
  parseUserCode,
  sidOfUserCode,
  userCodeFault,
  verifyUserCodeProof,
} from '../shared/domain/user-code.ts'
import { type Answer, audit, type Call, momentOf } from '../shared/http/call.ts'
import { OAuthError } from '../shared/http/errors.ts'
import { pageEndpoint } from '../shared/http/stack.ts'
import { type CodeProblem, confirmDevice, deviceDenied, enterCode, tooManyAttempts } from '../shared/pages/device.ts'
import { signInLost } from '../shared/pages/problems.ts'
import { providerOf } from '../shared/providers/index.ts'
import { isRevoked } from '../shared/sessions/live-session.ts'
import {
  clearCookies,
  pageAnswer,
  type Question,
  readQuestion,
  redirect,
  sealInCookie,
} from '../shared/sign-in/browser.ts'
import { requestedAccess } from '../shared/sign-in/consent.ts'
import { newHandle } from '../shared/sign-in/cookies.ts'
import { activateUrl } from '../shared/sign-in/device-link.ts'
import { showResult } from '../shared/sign-in/device-result.ts'
import { pageLook } from '../shared/sign-in/look.ts'
import { orTryAgainPage, problemPage } from '../shared/sign-in/page-problems.ts'
import { isFromOurPage, isOpened, newVisitor, readVisitor, type Visitor } from '../shared/sign-in/visitor.ts'
import { type Guesser, orGivenBack } from '../shared/store/throttle.ts'
import { Unavailable } from '../shared/unavailable.ts'

export const handler = pageEndpoint(async (call) => {
  const result = call.parameters.optional('result')
  if (result !== undefined && call.event.httpMethod === 'GET') return showResult(call, result)
  const typed = call.parameters.optional('user_code')
  const isForm = call.event.httpMethod === 'POST'
  if (isForm && call.parameters.optional('decision') !== undefined) return answerQuestion(call, typed ?? '')
  if (typed === undefined) return askForCode(call, isForm ? { kind: 'missing' } : undefined)
  const userCode = parseUserCode(typed)
  // A text that cannot be a code is not looked up, so it does not count as a guess.
  if (userCode === undefined) return askForCode(call, { typed, ...userCodeFault(typed)! })
  if (await isAuthenticLink(call, userCode)) {
    return isForm || isOpened(call)
      ? showQuestion(call, userCode, await familyOf(call, userCode))
      : askFor(call, userCode)
  }
  const visitor = await readVisitor(call)
  return isForm && isFromOurPage(call, visitor) ? guess(call, visitor, userCode) : askFor(call, userCode)
}, problemPage)

// --- the code -------------------------------------------------------------------------------------------------------

/** Asks for a code, and says what was wrong with the previous one. */
async function askForCode(call: Call, problem?: CodeProblem, prefilled?: string): Promise<Answer> {
  const known = await readVisitor(call)
  const { visitor, cookies } = known ? { visitor: known, cookies: [] } : await newVisitor(call)
  const page = enterCode({
    look: pageLook(call),
    action: activateUrl(call),
    csrf: visitor.form,
    uiLocales: call.parameters.optional('ui_locales'),
    proof: prefilled && call.parameters.optional('proof'),
    problem,
    prefilled,
  })
  return pageAnswer(page, cookies)
}

/** Fills in a code that came with a link or from another site. Only the person can submit it. */
function askFor(call: Call, userCode: string): Promise<Answer> {
  return askForCode(call, undefined, formatUserCode(userCode))
}

/** Whether the broker made this complete link (RFC 8628 §3.3.1). Even such a link only leads to a question (§5.4). */
async function isAuthenticLink(call: Call, userCode: string): Promise<boolean> {
  const proof = call.parameters.optional('proof')
  return proof !== undefined && verifyUserCodeProof(call.application.name, userCode, proof, await recentMacKeys(call))
}

/** Counts guesses (RFC 8628 §5.1). The answer to the last allowed guess already says when to try again. */
async function guess(call: Call, visitor: Visitor | undefined, userCode: string): Promise<Answer> {
  const { allowed, left, retryAfterSeconds, giveBack } = await call.parts.throttle.pay(guesser(call, visitor))
  const stop = () => pageAnswer(tooManyAttempts({ look: pageLook(call), retryAfterSeconds }))
  if (!allowed) return stop()
  const family = await orGivenBack(familyOf(call, userCode), giveBack)
  if (family === undefined) {
    audit(call, 'user_code.wrong', { level: 'warn' })
    return left > 0 ? askForCode(call, { kind: 'unknown', typed: formatUserCode(userCode) }) : stop()
  }
  // Without it the guess stays charged, which is no reason to refuse a right code.
  await giveBack().catch((error: unknown) => {
    if (!(error instanceof Unavailable)) throw error
  })
  return showQuestion(call, userCode, family)
}

function guesser({ ip }: Call, visitor: Visitor | undefined): Guesser {
  if (visitor === undefined) return { kind: 'address', address: ip }
  if (visitor.person !== undefined) return { kind: 'person', id: visitor.person }
  return { kind: 'browser', id: visitor.id, address: ip }
}

/** The family that a user code leads to. */
async function familyOf(call: Call, userCode: string): Promise<Family | undefined> {
  for (const sid of await sidsOf(call, userCode)) {
    const family = await call.parts.families.read(sid)
    if (family?.application === call.application.name && family.flow === 'device') return family
  }
  return undefined
}

/** The sids that a user code may lead to: one for each key that was in use during the lifetime of a device code. */
async function sidsOf(call: Call, userCode: string): Promise<readonly string[]> {
  return (await recentMacKeys(call)).map((macKey) => sidOfUserCode(call.application.name, userCode, macKey))
}

async function recentMacKeys({ parts, now }: Call) {
  return (await parts.keyring()).macKeysBetween(now - deviceCodeSeconds * 1000, now)
}

// --- the question ---------------------------------------------------------------------------------------------------

async function showQuestion(call: Call, userCode: string, family: Family | undefined): Promise<Answer> {
  const typed = formatUserCode(userCode)
  if (family === undefined) return askForCode(call, { kind: 'unknown', typed })
  const problem = problemWith(family, call.now)
  if (problem !== undefined) return askForCode(call, problem)
  const { application } = call
  const client = await call.parts.registrations.client(application.name, family.clientId)
  if (client === undefined) return askForCode(call, { kind: 'unknown', typed })
  if (await isRevoked(call, family)) return askForCode(call, { kind: 'expired' })
  const providerOrigin = await orTryAgainPage(call, userCode, () => providerOf(call.parts, application).signInOrigin())
  if (typeof providerOrigin !== 'string') return providerOrigin
  const csrf = newHandle(call)
  const look = pageLook(call)
  const page = confirmDevice({
    look,
    clientName: inLanguage(client.displayName, look.language),
    clientId: client.clientId,
    userCode: typed,
    requested: requestedAccess(application, client, family, providerOrigin),
    startedFrom: family.startedFrom,
    startedSecondsAgo: (call.now - family.createdAt) / 1000,
    isSameNetwork: isSameNetwork(family.startedFrom, call.ip),
    action: activateUrl(call),
    csrf,
    uiLocales: call.parameters.optional('ui_locales'),
    providerOrigin,
  })
  return pageAnswer(page, await sealInCookie(call, 'question', { sid: family.sid, csrf }))
}

function problemWith(family: Family, now: number): CodeProblem | undefined {
  if (family.state !== 'pending') return { kind: 'used' }
  return (family.codeExpiresAt ?? 0) <= now ? { kind: 'expired' } : undefined
}

// --- the answer -----------------------------------------------------------------------------------------------------

/**
 * Only the page that asked can answer: its form and the cookie hold the same random value. The form's user code must be that of
 * the question. No other family is looked up, so codes cannot be guessed here.
 */
async function answerQuestion(call: Call, typed: string): Promise<Answer> {
  const question = await readQuestion(call, call.parameters.optional('csrf'))
  const userCode = parseUserCode(typed)
  const isItsCode = question && userCode && (await sidsOf(call, userCode)).includes(question.sid)
  const family = isItsCode ? await call.parts.families.read(question.sid) : undefined
  if (question === undefined || userCode === undefined || family === undefined) {
    const known = { look: pageLook(call), requestId: call.requestId }
    return pageAnswer(signInLost({ ...known, enterCodeHref: activateUrl(call), because: 'stale-form' }))
  }
  switch (call.parameters.optional('decision')) {
    case 'approve':
      return approve(call, question, userCode, family)
    case 'deny':
      return deny(call, question, family)
    default:
      throw new OAuthError('invalid_request', 'decision must be approve or deny.')
  }
}

/** The person signs in at the provider before the approval counts (RFC 8628 §3.3). */
async function approve(call: Call, question: Question, userCode: string, family: Family): Promise<Answer> {
  const problem = problemWith(family, call.now)
  if (problem !== undefined) return askForCode(call, problem)
  const state = newHandle(call, question.csrf)
  const { language } = pageLook(call)
  // Only what the address chose. The provider learns the browser's preference from the browser.
  const uiLocales = call.parameters.optional('ui_locales')
  const started = await orTryAgainPage(call, userCode, () =>
    providerOf(call.parts, call.application).begin(`${call.issuer}/oauth/callback`, { uiLocales }, state),
  )
  if ('status' in started) return started
  const { sid, clientId } = family
  const questionHandle = question.csrf
  const signIn = {
    flow: 'device',
    sid,
    clientId,
    userCode,
    questionHandle,
    language,
    secrets: started.secrets,
  } as const
  return redirect(started.url, await sealInCookie(call, 'sign-in', signIn))
}

async function deny(call: Call, question: Question, { sid, clientId }: Family): Promise<Answer> {
  const moment = momentOf(call)
  const outcome = await call.parts.families.apply(decide(call.application.name, sid, { deny: true }, moment))
  if (!outcome.done && outcome.refusal.kind !== 'superseded') {
    return askForCode(call, { kind: outcome.refusal.kind === 'expired-device-code' ? 'expired' : 'used' })
  }
  audit(call, 'session.denied', { sid, client_id: clientId, flow: 'device' })
  const client = await call.parts.registrations.client(call.application.name, clientId)
  const look = pageLook(call)
  const clientName = client ? inLanguage(client.displayName, look.language) : clientId
  return pageAnswer(deviceDenied({ look, clientName }), clearCookies(call, question))
}
