/**
 * What a browser carries for us, and where it is sent.
 *
 * Owns what is carried (a question that was put, a sign-in under way), sealed and bound to its application, a sign-in to its
 * provider too, and redirects. So nothing is written to the table before a person has signed in. Its cookies are cookies.ts.
 * Must not know pages' words.
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

/** The question whether a device may connect: proof that the answer comes from the page that put it. `csrf` is its handle. */
export type Question = { readonly sid: string; readonly csrf: string }

/** The question whether a client may have a person sign in, and what it asked for meanwhile. `csrf` is its handle. */
export type ClientQuestion = { readonly csrf: string; readonly request: CodeRequest; readonly wishes: SignInWishes }

/** A sign-in under way, and what becomes of it. Its handle is the provider's `state`. */
export type SignIn = {
  readonly secrets: SignInSecrets
  /** Of the page that the person came from: the pages after the sign-in are in the same one. */
  readonly language?: Language
} & (DeviceSignIn | CodeSignIn)
export type DeviceSignIn = {
  readonly flow: 'device'
  readonly sid: string
  readonly clientId: string
  /** For whoever has to start again. */
  readonly userCode: string
  /** The handle of the question that was approved; a broker of an earlier version left it out. */
  readonly questionHandle?: string | undefined
}
export type CodeSignIn = CodeRequest & {
  readonly flow: 'code'
  /** The earliest `auth_time` that will do, seconds (OIDC Core §3.1.2.1). */
  readonly authTimeFrom?: number | undefined
}
/** What a client asked for, and how it is answered. */
export type CodeRequest = {
  readonly clientId: string
  readonly redirectUri: string
  readonly responseMode: ResponseMode
  readonly scopes: readonly string[]
  readonly audiences: readonly string[]
  readonly state?: string | undefined
  readonly nonce?: string | undefined
  readonly codeChallenge?: string | undefined
  /** Who must sign in, and nobody else (`id_token_hint`). */
  readonly sub?: string | undefined
}

/** That a device was connected, for the page that says so. */
export type DeviceResult = {
  readonly handle: string
  readonly clientId: string
  readonly personName: string
  readonly language?: Language | undefined
}

/** What concerns nobody but us; a sign-in concerns its provider too. */
type Own = { question: Question; 'client-question': ClientQuestion; result: DeviceResult }
type Carried = Own & { 'sign-in': SignIn }
type CookieKind = keyof Carried

/** @returns the cookies that hand a value to the browser; undefined when it is more than a cookie holds */
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

/** The application: whose provider may be sent what the browser brings back. */
export type ReturnedSignIn = { readonly signIn: SignIn; readonly application: Application }

/**
 * RFC 6749 §10.12: what comes back is worth something only to the browser that was sent away.
 *
 * @param handle the `state` that the provider brought back
 * @returns the sign-in that this browser carries under that handle; undefined for none, an end, something foreign, or a
 *   sign-in at a provider that the application no longer has
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
 * The same for what is our own.
 *
 * @param handle what the form brought back
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
 * The question of the page, or the one that it was until a moment ago: the sign-in that an approval begins takes the
 * question's place, and the page stays there while the provider is slow. So a second click is an answer like the first.
 *
 * @param handle what the form brought back
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

/** The cookie that takes a value back. */
export function clearCookies(call: Call, value: Carried[CookieKind]): readonly string[] {
  return clearCookie(call, handleOf(value))
}

function handleOf(value: Carried[CookieKind]): string {
  if ('csrf' in value) return value.csrf
  return 'handle' in value ? value.handle : value.secrets.state
}

/** 303 after a form, so that the browser goes on with a GET (RFC 9110 §15.4.4); it serves any other redirect as well. */
export function redirect(location: string, cookies: readonly string[] = []): Answer {
  return { status: 303, headers: { location, 'referrer-policy': 'no-referrer' }, cookies }
}

export function pageAnswer(page: Page, cookies: readonly string[] = []): Answer {
  return { status: page.status, headers: page.headers, cookies, body: page.html }
}

function ownSealing({ application, now }: Call, purpose: keyof Own) {
  return { purpose, application: application.name, nowMs: now }
}
