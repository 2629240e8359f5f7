/**
 * What a browser carries for us, and where it is sent.
 *
 * Owns the two cookies (a question that was put, a sign-in under way), each sealed and bound to its application, and
 * redirects. So nothing is written to the table before a person has signed in. Must not know pages' words.
 */

import { timingSafeEqual } from 'node:crypto'
import { broker } from '../broker.ts'
import type { SignInSecrets } from '../providers/provider.ts'
import { seal, unseal } from '../tokens/seal.ts'
import { type Answer, type Call, header } from './call.ts'
import type { Page } from './pages/page.ts'

/** The question whether a device may connect: proof that the answer comes from the page that put it. */
export type Question = { readonly sid: string; readonly csrf: string }

/** A sign-in under way, and what becomes of it. */
export type SignIn = { readonly secrets: SignInSecrets } & (DeviceSignIn | CodeSignIn)
export type DeviceSignIn = { readonly flow: 'device'; readonly sid: string; readonly clientId: string }
export type CodeSignIn = {
  readonly flow: 'code'
  readonly clientId: string
  readonly redirectUri: string
  readonly scopes: readonly string[]
  readonly audience: string
  readonly state?: string | undefined
  readonly nonce?: string | undefined
  readonly codeChallenge?: string | undefined
}

type CookieKind = 'question' | 'sign-in'
type Carried = { question: Question; 'sign-in': SignIn }

/** As long as a device code lives; people look for their phone meanwhile. */
const carriedSeconds = 900
/** RFC 6265 §6.1: browsers keep 4096 bytes of a cookie, name and attributes included. */
const longestCookie = 3_900

/** @returns the header that hands a value to the browser; undefined when it is more than a cookie holds */
export async function carry<Kind extends CookieKind>(
  call: Call,
  kind: Kind,
  value: Carried[Kind],
): Promise<Record<string, string> | undefined> {
  const sealed = await seal(await broker().keyring(), sealing(call, kind), value, carriedSeconds)
  return sealed.length > longestCookie ? undefined : setCookie(call, kind, sealed, carriedSeconds)
}

/** @returns what the browser carries for this application; undefined for nothing, an end, or something foreign */
export async function carried<Kind extends CookieKind>(call: Call, kind: Kind): Promise<Carried[Kind] | undefined> {
  const name = cookieName(call, kind)
  const pair = (header(call.event, 'cookie') ?? '').split('; ').find((text) => text.startsWith(`${name}=`))
  if (pair === undefined) return undefined
  return unseal<Carried[Kind]>(await broker().keyring(), sealing(call, kind), pair.slice(name.length + 1))
}

/** The header that takes a value back. */
export function dropped(call: Call, kind: CookieKind): Record<string, string> {
  return setCookie(call, kind, '', 0)
}

/** Whether what a browser shows is what was drawn for it, in constant time. */
export function isSameSecret(shown: string, drawn: string): boolean {
  const [left, right] = [Buffer.from(shown), Buffer.from(drawn)]
  return left.length === right.length && timingSafeEqual(left, right)
}

/** 303 after a form, so that the browser goes on with a GET (RFC 9110 §15.4.4); it serves any other redirect as well. */
export function redirect(location: string, headers: Readonly<Record<string, string>> = {}): Answer {
  return { status: 303, headers: { location, 'referrer-policy': 'no-referrer', ...headers } }
}

export function pageAnswer(page: Page, headers: Readonly<Record<string, string>> = {}): Answer {
  return { status: page.status, headers: { ...page.headers, ...headers }, body: page.html }
}

function sealing({ application, now }: Call, kind: CookieKind) {
  return { purpose: kind, application: application.name, nowMs: now }
}

function setCookie(call: Call, kind: CookieKind, value: string, maxAgeSeconds: number): Record<string, string> {
  const secure = isSecure(call) ? '; Secure' : ''
  const cookie = `${cookieName(call, kind)}=${value}; Path=/; Max-Age=${maxAgeSeconds}; HttpOnly; SameSite=Lax${secure}`
  return { 'set-cookie': cookie }
}

/** `__Host-` keeps neighbours on the domain from planting one (RFC 6265bis §4.1.3.2); it needs TLS, which a laptop lacks. */
function cookieName(call: Call, kind: CookieKind): string {
  return `${isSecure(call) ? '__Host-' : ''}token-broker-${kind}-${call.application.name}`
}

function isSecure({ issuer }: Call): boolean {
  return issuer.startsWith('https:')
}
