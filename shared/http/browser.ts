/**
 * What a browser carries for us, and where it is sent.
 *
 * Owns what is carried (a question that was put, a sign-in under way), sealed and bound to its application, and redirects.
 * So nothing is written to the table before a person has signed in. Its cookies are cookies.ts. Must not know pages' words.
 */

import { timingSafeEqual } from 'node:crypto'
import { broker } from '../broker.ts'
import type { SignInSecrets } from '../providers/provider.ts'
import { seal, unseal } from '../tokens/seal.ts'
import type { Answer, Call } from './call.ts'
import { carriedSeconds, dropCookie, sealedAt, setCookies } from './cookies.ts'
import type { Page } from './pages/page.ts'

/** The question whether a device may connect: proof that the answer comes from the page that put it. `csrf` is its handle. */
export type Question = { readonly sid: string; readonly csrf: string }

/** A sign-in under way, and what becomes of it. Its handle is the provider's `state`. */
export type SignIn = { readonly secrets: SignInSecrets } & (DeviceSignIn | CodeSignIn)
export type DeviceSignIn = { readonly flow: 'device'; readonly sid: string; readonly clientId: string }
export type CodeSignIn = {
  readonly flow: 'code'
  readonly clientId: string
  readonly redirectUri: string
  readonly scopes: readonly string[]
  readonly audiences: readonly string[]
  readonly state?: string | undefined
  readonly nonce?: string | undefined
  readonly codeChallenge?: string | undefined
}

type CookieKind = 'question' | 'sign-in'
type Carried = { question: Question; 'sign-in': SignIn }

/** @returns the cookies that hand a value to the browser; undefined when it is more than a cookie holds */
export async function carry<Kind extends CookieKind>(
  call: Call,
  kind: Kind,
  value: Carried[Kind],
): Promise<readonly string[] | undefined> {
  const sealed = await seal(await broker().keyring(), sealing(call, kind), value, carriedSeconds)
  return setCookies(call, handleOf(value), sealed)
}

/**
 * RFC 6749 §10.12: what comes back is worth something only to the browser that was sent away.
 *
 * @param handle what the provider or the form brought back
 * @returns what this browser carries under that handle for this application; undefined for nothing, an end, or something foreign
 */
export async function carried<Kind extends CookieKind>(
  call: Call,
  kind: Kind,
  handle: string | undefined,
): Promise<Carried[Kind] | undefined> {
  const sealed = handle === undefined ? undefined : sealedAt(call, handle)
  if (handle === undefined || sealed === undefined) return undefined
  const value = await unseal<Carried[Kind]>(await broker().keyring(), sealing(call, kind), sealed)
  return value !== undefined && isSameSecret(handle, handleOf(value)) ? value : undefined
}

/** The cookie that takes a value back. */
export function dropped(call: Call, value: Question | SignIn): readonly string[] {
  return dropCookie(call, handleOf(value))
}

function handleOf(value: Question | SignIn): string {
  return 'csrf' in value ? value.csrf : value.secrets.state
}

/** Whether what a browser shows is what was drawn for it, in constant time. */
function isSameSecret(shown: string, drawn: string): boolean {
  const [left, right] = [Buffer.from(shown), Buffer.from(drawn)]
  return left.length === right.length && timingSafeEqual(left, right)
}

/** 303 after a form, so that the browser goes on with a GET (RFC 9110 §15.4.4); it serves any other redirect as well. */
export function redirect(location: string, cookies: readonly string[] = []): Answer {
  return { status: 303, headers: { location, 'referrer-policy': 'no-referrer' }, cookies }
}

export function pageAnswer(page: Page, cookies: readonly string[] = []): Answer {
  return { status: page.status, headers: page.headers, cookies, body: page.html }
}

function sealing({ application, now }: Call, kind: CookieKind) {
  return { purpose: kind, application: application.name, nowMs: now }
}
