/**
 * The cookies in which a browser keeps sealed values for us.
 *
 * A browser has six places, each with its own cookie, so several tabs can sign in at once. A handle finds a value. It travels
 * as the provider's `state` or in a form, and its last character is the place (docs/decisions/0036).
 */

import { randomInt } from 'node:crypto'
import { parseCookie, stringifySetCookie } from 'cookie'
import { type Call, header } from '../http/call.ts'
import { randomId } from '../random.ts'

const places = '012345'
/** As long as a device code lives, because people may have to look for their phone. */
export const cookieSeconds = 900
/** RFC 6265 §6.1: browsers keep 4096 bytes per cookie, including name and attributes. */
const maxCookieBytes = 3_900
/** API Gateway accepts 10,240 bytes of request line and headers. The provider's code and the browser's headers need the rest. */
const maxCookieHeaderBytes = 6_000

/** Six values of this length still fit. Sign-ins without a long `state` are shorter. */
const maxUnseenBytes = 1_300

type HeldCookie = {
  readonly place: string
  readonly sealed: string
  readonly sinceSeconds: number
  readonly bytes: number
}

/**
 * Makes the secret that finds a value: 128 random bits (RFC 6749 §10.10) and the place of the cookie.
 *
 * @param replaced the handle of a value that is no longer needed. The new value takes its place; without one, it takes a
 *   free place or the oldest
 */
export function newHandle(call: Call, replaced?: string): string {
  return `${randomId()}${(replaced && placeOf(replaced)) ?? vacantPlace(call)}`
}

/** @returns the value at the handle's place, which another tab may have overwritten */
export function sealedValueAt(call: Call, handle: string): string | undefined {
  return heldCookies(call).find(({ place }) => place === placeOf(handle))?.sealed
}

/**
 * @returns the Set-Cookie lines that store a sealed value in the browser, and clear the oldest cookies if the Cookie header
 *   would become too long; undefined if the value does not fit into one cookie
 */
export function setCookies(call: Call, handle: string, sealed: string): readonly string[] | undefined {
  const own = placeOf(handle)
  if (own === undefined || sealed.length > maxCookieBytes) return undefined
  const value = `${Math.floor(call.now / 1000).toString(36)}.${sealed}`
  const others = heldCookies(call).filter(({ place }) => place !== own)
  const replacedBytes = heldCookies(call).find(({ place }) => place === own)?.bytes ?? 0
  let bytes = cookieHeader(call).length - replacedBytes + cookieName(call, own).length + value.length
  const lines = [cookieLine(call, own, value, cookieSeconds)]
  // Requests at the same moment do not see each other's cookies.
  if (value.length > maxUnseenBytes) {
    const unseen = [...places].filter((place) => place !== own && !others.some((other) => other.place === place))
    lines.push(...unseen.map((place) => cookieLine(call, place, '', 0)))
  }
  for (const { place, bytes: freed } of others.sort(olderFirst)) {
    if (bytes <= maxCookieHeaderBytes) break
    lines.push(cookieLine(call, place, '', 0))
    bytes -= freed
  }
  return lines
}

/** @returns the Set-Cookie line that clears a value */
export function clearCookie(call: Call, handle: string): readonly string[] {
  const place = placeOf(handle)
  return place === undefined ? [] : [cookieLine(call, place, '', 0)]
}

function placeOf(handle: string): string | undefined {
  const place = handle.at(-1)
  return place !== undefined && places.includes(place) ? place : undefined
}

/** Tabs that start at the same moment see the same free places, so each picks at random. */
function vacantPlace(call: Call): string {
  const held = heldCookies(call)
  const free = [...places].filter((place) => !held.some((one) => one.place === place))
  return free[randomInt(Math.max(1, free.length))] ?? held.sort(olderFirst)[0]!.place
}

function heldCookies(call: Call): HeldCookie[] {
  const values = ourCookies(call)
  return [...places].flatMap((place) => {
    const value = values[cookieName(call, place)]
    if (value === undefined) return []
    // The time only orders the cookies, so forging it gains nothing.
    const [, since = '0', sealed = ''] = /^([0-9a-z]{1,8})\.(.+)$/.exec(value) ?? []
    return {
      place,
      sealed,
      sinceSeconds: Number.parseInt(since, 36),
      bytes: cookieName(call, place).length + value.length + 3,
    }
  })
}

const olderFirst = (one: HeldCookie, other: HeldCookie) => one.sinceSeconds - other.sinceSeconds

function cookieHeader(call: Call): string {
  return header(call.event, 'cookie') ?? ''
}

// --- a single cookie ---------------------------------------------------------------------------------------------

/** @returns the value that the browser sends in our cookie of that name */
export function cookieValue(call: Call, name: string): string | undefined {
  return ourCookies(call)[cookieName(call, name)]
}

/** @returns the Set-Cookie line. Lax: the provider's redirect brings the cookie along, a form of another site does not. */
export function cookieLine(call: Call, name: string, value: string, maxAge: number): string {
  const attributes = { path: '/', maxAge, httpOnly: true, sameSite: 'lax', secure: isSecure(call) } as const
  return stringifySetCookie({ name: cookieName(call, name), value, ...attributes })
}

/**
 * Browsers send the cookies that were first set the longest time ago first (RFC 6265 §5.4).
 *
 * @returns Set-Cookie lines that clear the first of the other cookies whose names begin so, until `maxOthers` are left
 */
export function clearMoreThan(maxOthers: number, call: Call, beginning: string, own: string): readonly string[] {
  const start = cookieName(call, beginning)
  const others = Object.keys(ourCookies(call)).filter(
    (name) => name.startsWith(start) && /^[\w-]+$/.test(name) && name !== cookieName(call, own),
  )
  const surplus = others.slice(0, Math.max(0, others.length - maxOthers))
  return surplus.map((name) => cookieLine(call, `${beginning}${name.slice(start.length)}`, '', 0))
}

function ourCookies(call: Call) {
  return parseCookie(cookieHeader(call))
}

/** `__Host-` stops other hosts of the domain from setting it (RFC 6265bis §4.1.3.2). It needs TLS, which a laptop lacks. */
function cookieName(call: Call, name: string): string {
  return `${isSecure(call) ? '__Host-' : ''}token-broker-${name}`
}

function isSecure({ issuer }: Call): boolean {
  return issuer.startsWith('https:')
}
