/**
 * Values that a browser keeps for us in sealed cookies, and redirects.
 *
 * Nothing is written to the table before a person has signed in, so the state of a sign-in lives in the browser. A value is
 * bound to its application, and a sign-in to its provider too.
 */

import type { Language } from '../domain/local-text.ts'
import type { Application } from '../domain/registration.ts'
import { isSameSecret } from '../domain/secret.ts'
import { type Answer, audit, type Call } from '../http/call.ts'
import type { Page } from '../pages/page.ts'
import { sealFor, unsealFrom } from '../provider-seal.ts'
import type { SignInSecrets, SignInWishes } from '../providers/provider.ts'
import { seal, unseal } from '../tokens/seal.ts'
import type { ResponseMode } from './authorization-response.ts'
import { clearCookie, cookieSeconds, sealedValueAt, setCookies } from './cookies.ts'

/** Proves that an approval or denial of a device comes from the page that asked. `csrf` is the handle. */
export type Question = { readonly sid: string; readonly csrf: string }

/** The same for the approval of a client, with its request. `csrf` is the handle. */
export type ClientQuestion = { readonly csrf: string; readonly request: CodeRequest; readonly wishes: SignInWishes }

/** A sign-in in progress. The provider's `state` is the handle. */
export type SignIn = {
  readonly secrets: SignInSecrets
  /** The language of the page that the person came from. The pages after the sign-in use it too. */
  readonly language?: Language
} & (DeviceSignIn | CodeSignIn)
export type DeviceSignIn = {
  readonly flow: 'device'
  readonly sid: string
  readonly clientId: string
  /** Lets the person start again. */
  readonly userCode: string
  /** The handle of the approved question. Earlier versions of the broker left it out. */
  readonly questionHandle?: string | undefined
}
export type CodeSignIn = CodeRequest & {
  readonly flow: 'code'
  /** The earliest acceptable `auth_time`, in seconds (OIDC Core §3.1.2.1). */
  readonly authTimeFrom?: number | undefined
}
/** The request of a client, and how to answer it. */
export type CodeRequest = {
  readonly clientId: string
  readonly redirectUri: string
  readonly responseMode: ResponseMode
  readonly scopes: readonly string[]
  readonly audiences: readonly string[]
  readonly state?: string | undefined
  readonly nonce?: string | undefined
  readonly codeChallenge?: string | undefined
  /** The only person who may sign in (`id_token_hint`). */
  readonly sub?: string | undefined
}

/** A connected device, for the result page. */
export type DeviceResult = {
  readonly handle: string
  readonly clientId: string
  readonly personName: string
  readonly language?: Language | undefined
}

/** Values that are not bound to a provider. */
type Own = { question: Question; 'client-question': ClientQuestion; result: DeviceResult }
type Carried = Own & { 'sign-in': SignIn }
type CookieKind = keyof Carried

/** @returns the Set-Cookie lines that store a value in the browser; undefined if it does not fit into a cookie */
export async function sealInCookie<Kind extends CookieKind>(
  call: Call,
  kind: Kind,
  value: Carried[Kind],
): Promise<readonly string[] | undefined> {
  const { application, now } = call
  const sealed =
    kind === 'sign-in'
      ? await sealFor(call.parts, application, kind, value, cookieSeconds, now)
      : await seal(await call.parts.keyring(), ownSealing(call, kind), value, cookieSeconds)
  return setCookies(call, handleOf(value), sealed)
}

/** A sign-in, and its application as registered with the provider where the sign-in began. */
export type ReturnedSignIn = { readonly signIn: SignIn; readonly application: Application }

/**
 * Reads the sign-in that this browser began, and no other one (RFC 6749 §10.12).
 *
 * @param handle the `state` of the provider's redirect
 * @returns undefined if there is none, if it has expired or is foreign, or if the application has another provider now
 */
export async function readSignIn(call: Call, handle: string | undefined): Promise<ReturnedSignIn | undefined> {
  const sealed = handle && sealedValueAt(call, handle)
  if (!sealed) return undefined
  const unsealed = await unsealFrom<SignIn>(call.parts, call.application, 'sign-in', sealed, call.now)
  if (unsealed === 'other-provider') {
    const reason = "the sign-in began at the application's former provider, so the new one was not asked"
    audit(call, 'provider.changed', { level: 'warn', reason })
    return undefined
  }
  if (unsealed === undefined || !isSameSecret(handle, handleOf(unsealed.value))) return undefined
  return { signIn: unsealed.value, application: unsealed.application }
}

/**
 * Reads any other value.
 *
 * @param handle the `csrf` of the form
 */
export async function readSealedCookie<Kind extends keyof Own>(
  call: Call,
  kind: Kind,
  handle: string | undefined,
): Promise<Own[Kind] | undefined> {
  const sealed = handle && sealedValueAt(call, handle)
  if (!sealed) return undefined
  const value = await unseal<Own[Kind]>(await call.parts.keyring(), ownSealing(call, kind), sealed)
  return value !== undefined && isSameSecret(handle, handleOf(value)) ? value : undefined
}

/**
 * Reads the question of a page, also after its approval began a sign-in, which took over the question's place. The page stays
 * open while the provider is slow, so a second click must work like the first.
 *
 * @param handle the `csrf` of the form
 */
export async function readQuestion(call: Call, handle: string | undefined): Promise<Question | undefined> {
  const question = await readSealedCookie(call, 'question', handle)
  const sealed = handle && sealedValueAt(call, handle)
  if (question !== undefined || !sealed) return question
  const unsealed = await unsealFrom<SignIn>(call.parts, call.application, 'sign-in', sealed, call.now)
  if (unsealed === undefined || unsealed === 'other-provider' || unsealed.value.flow !== 'device') return undefined
  const { sid, questionHandle } = unsealed.value
  return questionHandle !== undefined && isSameSecret(handle, questionHandle) ? { sid, csrf: handle } : undefined
}

/** @returns the Set-Cookie line that clears a value */
export function clearCookies(call: Call, value: Carried[CookieKind]): readonly string[] {
  return clearCookie(call, handleOf(value))
}

function handleOf(value: Carried[CookieKind]): string {
  if ('csrf' in value) return value.csrf
  return 'handle' in value ? value.handle : value.secrets.state
}

/** 303, so that the browser continues with a GET after a form (RFC 9110 §15.4.4). */
export function redirect(location: string, cookies: readonly string[] = []): Answer {
  return { status: 303, headers: { location, 'referrer-policy': 'no-referrer' }, cookies }
}

export function pageAnswer(page: Page, cookies: readonly string[] = []): Answer {
  return { status: page.status, headers: page.headers, cookies, body: page.html }
}

function ownSealing({ application, now }: Call, purpose: keyof Own) {
  return { purpose, application: application.name, nowMs: now }
}
