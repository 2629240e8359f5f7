/**
 * callback: the provider returns the browser after a sign-in (OIDC Core §3.1.2.5).
 *
 * One conditional write: `decide` for a device, `create` for an authorization code. If the client is entitled to the
 * provider's tokens, their vault is written before it. The browser's sealed cookie holds state, nonce and verifier.
 */

import { hashSalt, mint } from '../shared/domain/credential.ts'
import type { Family, Person } from '../shared/domain/family.ts'
import { createCodeFamily } from '../shared/domain/new-family.ts'
import { isRegisteredRedirect } from '../shared/domain/redirect-uri.ts'
import type { Client } from '../shared/domain/registration.ts'
import { type Decision, decide } from '../shared/domain/transitions.ts'
import { deviceCodeSeconds } from '../shared/domain/user-code.ts'
import { type Answer, audit, type Call, conclude, continueWith, momentOf, queryOf } from '../shared/http/call.ts'
import type { OAuthErrorCode } from '../shared/http/errors.ts'
import { pageEndpoint, reportFault } from '../shared/http/stack.ts'
import { codeExpired, codeUsed, signInLost } from '../shared/pages/problems.ts'
import { providerOf } from '../shared/providers/index.ts'
import type { SignInResult } from '../shared/providers/provider.ts'
import { randomId } from '../shared/random.ts'
import { isRevoked } from '../shared/sessions/live-session.ts'
import {
  codeResponse,
  errorResponse,
  type ReturnAddress,
  unavailableResponse,
} from '../shared/sign-in/authorization-response.ts'
import {
  type CodeSignIn,
  clearCookies,
  type DeviceSignIn,
  pageAnswer,
  readSignIn,
  type SignIn,
} from '../shared/sign-in/browser.ts'
import { activateUrl } from '../shared/sign-in/device-link.ts'
import { redirectToResult } from '../shared/sign-in/device-result.ts'
import { pageLook } from '../shared/sign-in/look.ts'
import { failedSignInPage, orTryAgainPage, problemPage, reportUnexpected } from '../shared/sign-in/page-problems.ts'
import { emailHashOf, userinfoClaims } from '../shared/sign-in/person.ts'
import { visitorCookiesFor } from '../shared/sign-in/visitor.ts'
import { Unavailable } from '../shared/unavailable.ts'
import { revokeUnused } from '../shared/vault/end-at-provider.ts'
import { storeTokens } from '../shared/vault/stored-tokens.ts'

/** RFC 6749 §4.1.2 recommends at most ten minutes. A program needs seconds. */
const codeLifetimeSeconds = 60

type SignedIn = Extract<SignInResult, { kind: 'signed-in' }>

export const handler = pageEndpoint(async (call) => {
  const returned = await readSignIn(call, call.parameters.optional('state'))
  if (returned === undefined) return signInLostPage(call)
  const { signIn, application } = returned
  continueWith(call, { application, language: signIn.language })
  // The provider's code is good once. So after a fault the person starts again, and does not load this address again.
  return signIn.flow === 'device'
    ? orTryAgainPage(call, signIn.userCode, () => endDeviceSignIn(call, signIn))
    : endCodeSignIn(call, signIn)
}, problemPage)

async function finishSignIn(call: Call, { secrets, clientId }: SignIn): Promise<SignInResult> {
  const { application, event } = call
  const callback = new URL(`${call.issuer}/oauth/callback?${queryOf(event)}`)
  const result = await providerOf(call.parts, application).finish(callback, secrets, userinfoClaims(application))
  reportUnexpected(call, clientId, result)
  return result
}

// --- device ---------------------------------------------------------------------------------------------------------

async function endDeviceSignIn(call: Call, signIn: SignIn & DeviceSignIn): Promise<Answer> {
  const { sid } = signIn
  const result = await finishSignIn(call, signIn)
  // A person whom the provider refuses cannot approve. The device learns it now and does not wait (RFC 8628 §3.5).
  const refused = result.kind === 'refused' && result.error === 'access_denied'
  if (result.kind !== 'signed-in' && !refused) {
    // The page may have been reloaded during the first request, which has decided.
    const family = await call.parts.families.read(sid)
    if (family !== undefined && family.state !== 'pending') return undecidable(call, signIn, 'decided')
    return pageAnswer(failedSignInPage(call, result), clearCookies(call, signIn))
  }
  const decision = result.kind === 'signed-in' ? await approval(call, signIn, result) : ({ deny: true } as const)
  const moment = momentOf(call)
  const outcome = await call.parts.families.apply(decide(call.application.name, sid, decision, moment))
  // Superseded: our decision was written, and the device fetched its tokens before the answer reached us.
  if (!outcome.done && outcome.refusal.kind !== 'superseded') {
    if (result.kind === 'signed-in') await revokeLate(call, signIn, result, outcome.family)
    return undecidable(call, signIn, outcome.refusal.kind)
  }
  const { clientId, person } = outcome.family!
  const event = result.kind === 'signed-in' ? 'session.approved' : 'session.denied'
  audit(call, event, { sid, client_id: clientId, sub: person?.sub, flow: 'device' })
  if (result.kind !== 'signed-in') return pageAnswer(failedSignInPage(call, result), clearCookies(call, signIn))
  // Ops have ended all sessions up to a moment after this one began, so the device will get nothing.
  if (await isRevoked(call, outcome.family!)) return undecidable(call, signIn, 'expired-device-code')
  const ended = { clientId, personName: nameOf(result.person), language: call.language }
  return redirectToResult(call, signIn, ended, await visitorCookiesFor(call, result.person.sub))
}

/** Two people may approve one device at once. Each gets a vault, and the family names the vault of the one whose write won. */
async function approval(call: Call, { sid, clientId }: DeviceSignIn, { person, tokens }: SignedIn): Promise<Decision> {
  const client = await call.parts.registrations.client(call.application.name, clientId)
  const vault = client && (await storeTokens(call.parts, call.application, client, sid, tokens, deviceCodeSeconds))
  return { approve: person, emailHash: await emailHashOf(call.parts, call.application, person), vault }
}

/** The tokens of a sign-in that came too late for its device. */
function revokeLate(
  call: Call,
  { sid, clientId }: DeviceSignIn,
  { person, tokens }: SignedIn,
  decided: Family | undefined,
): Promise<void> {
  return revokeUnused(call.parts, call.application, { person, tokens }, decided, (event, fields) =>
    audit(call, event, { sid, client_id: clientId, sub: person.sub, ...fields }),
  )
}

function undecidable(call: Call, signIn: DeviceSignIn & SignIn, refusal: string): Answer {
  const known = {
    look: pageLook(call),
    requestId: call.requestId,
    enterCodeHref: activateUrl(call),
  }
  const page = refusal === 'expired-device-code' ? codeExpired(known) : codeUsed(known)
  return pageAnswer(page, clearCookies(call, signIn))
}

function nameOf({ sub, claims }: Person): string {
  const name = claims.name ?? claims.preferred_username ?? claims.email
  return typeof name === 'string' ? name : sub
}

// --- code -----------------------------------------------------------------------------------------------------------

async function endCodeSignIn(call: Call, signIn: SignIn & CodeSignIn): Promise<Answer> {
  const { redirectUri, responseMode: mode, state } = signIn
  const client = await call.parts.registrations.client(call.application.name, signIn.clientId)
  // The redirect URI may have been unregistered meanwhile (RFC 6749 §4.1.2.1).
  if (client === undefined || !isRegisteredRedirect(client, redirectUri)) return signInLostPage(call)
  const to = { issuer: call.issuer, redirectUri, mode, look: pageLook(call), state }
  try {
    const result = await finishSignIn(call, signIn)
    if (result.kind === 'signed-in') return await grantCode(call, signIn, client, result, to)
    if (result.kind === 'rejected') return pageAnswer(failedSignInPage(call, result), clearCookies(call, signIn))
    const error = result.kind === 'refused' ? errorForClient(result.error) : 'server_error'
    return errorResponse(to, error, 'The sign-in did not succeed.', clearCookies(call, signIn))
  } catch (error) {
    if (!(error instanceof Unavailable)) throw error
    reportFault(error, call)
    return unavailableResponse(to, error, call.requestId, clearCookies(call, signIn))
  }
}

async function grantCode(
  call: Call,
  signIn: CodeSignIn & SignIn,
  client: Client,
  { person, tokens }: SignedIn,
  to: ReturnAddress,
): Promise<Answer> {
  const { application, ip, now } = call
  const unmet = unmetRequirement(signIn, person)
  if (unmet !== undefined) {
    if (person.authTimeSeconds === undefined) reportMissingAuthTime(call, client.clientId)
    return errorResponse(to, 'login_required', unmet, clearCookies(call, signIn))
  }
  const keyring = await call.parts.keyring()
  const credential = { sid: randomId(), generation: 0, salt: randomId() }
  const vault = await storeTokens(call.parts, application, client, credential.sid, tokens, codeLifetimeSeconds)
  const created = await call.parts.families.create(
    createCodeFamily({
      sid: credential.sid,
      saltHash: hashSalt(credential.salt),
      writeId: randomId(),
      application: application.name,
      clientId: client.clientId,
      scopes: signIn.scopes,
      audiences: signIn.audiences,
      startedFrom: ip,
      codeLifetimeSeconds,
      limits: client,
      person,
      emailHash: await emailHashOf(call.parts, application, person),
      redirectUri: signIn.redirectUri,
      codeChallenge: signIn.codeChallenge,
      nonce: signIn.nonce,
      vault,
      now,
    }),
  )
  if (!created) throw new Error('a fresh sid was taken')
  conclude(call, 'session.opened', { sid: credential.sid, client_id: client.clientId, sub: person.sub, flow: 'code' })
  return codeResponse(to, mint('ac', application.name, credential, keyring.macKey(now)), clearCookies(call, signIn))
}

/**
 * Compares the sign-in with the request's `id_token_hint`, `prompt` and `max_age` (OIDC Core §3.1.2.1). The browser carried the
 * request to the provider and may have changed it.
 */
function unmetRequirement({ sub, authTimeFrom }: CodeSignIn, person: Person): string | undefined {
  if (sub !== undefined && sub !== person.sub) return 'Another person than that of id_token_hint signed in.'
  if (authTimeFrom === undefined) return undefined
  if (person.authTimeSeconds === undefined) return 'The provider did not say when the person signed in.'
  return person.authTimeSeconds < authTimeFrom ? 'The sign-in at the provider is older than was asked for.' : undefined
}

function reportMissingAuthTime(call: Call, clientId: string): void {
  const reason =
    'the ID token has no auth_time although it was asked for, so prompt=login and max_age cannot be honoured'
  audit(call, 'provider.unexpected', { level: 'warn', client_id: clientId, reason })
}

/** Passes on the provider's errors that a client can act on. */
function errorForClient(error: string): OAuthErrorCode {
  switch (error) {
    case 'access_denied':
    case 'login_required':
    case 'interaction_required':
    case 'consent_required':
    case 'account_selection_required':
    case 'temporarily_unavailable':
      return error
    default:
      return 'server_error'
  }
}

// --- both -----------------------------------------------------------------------------------------------------------

function signInLostPage(call: Call): Answer {
  return pageAnswer(signInLost({ look: pageLook(call), requestId: call.requestId, because: 'foreign-session' }))
}
