/**
 * The cookies in which a browser keeps sealed values for us: how they are named, found again, limited and cleared.
 *
 * A browser has a few places, each with a cookie of its own, so several tabs can sign in at once. A handle names one: it
 * travels as the provider's `state` or in a form, and its last character is the place. The number of places bounds what a
 * browser can ever send us, however many tabs start at the same moment (docs/decisions/0036). Must not know what is sealed.
 */

import { randomInt } from 'node:crypto'
import { type Call, header } from '../http/call.ts'
import { randomId } from '../random.ts'

const places = '012345'
/** As long as a device code lives; people look for their phone meanwhile. */
export const cookieSeconds = 900
/** RFC 6265 §6.1: browsers keep 4096 bytes of a cookie, name and attributes included. */
const maxCookieBytes = 3_900
/** API Gateway takes 10,240 bytes of request line and headers; a provider's code and the browser's own headers need the rest. */
const maxCookieHeaderBytes = 6_000

type Held = { readonly place: string; readonly sealed: string; readonly sinceSeconds: number; readonly bytes: number }

/**
 * Draws the secret that a value is found by: 128 bits (RFC 6749 §10.10), and the place of its cookie.
 *
 * @param replaced the handle of a value that is no longer needed, whose place is taken over; otherwise a free place, or the oldest
 */
export function newHandle(call: Call, replaced?: string): string {
  return `${randomId()}${(replaced && placeOf(replaced)) ?? vacantPlace(call)}`
}

/** @returns what the browser carries at the handle's place, which may be another tab's by now */
export function sealedValueAt(call: Call, handle: string): string | undefined {
  return cookiesOf(call).find(({ place }) => place === placeOf(handle))?.sealed
}

/**
 * @returns the Set-Cookie lines that hand a sealed value to the browser, and take the oldest ones back where all together
 *   would be too long; undefined when it is more than one cookie holds
 */
export function setCookies(call: Call, handle: string, sealed: string): readonly string[] | undefined {
  const own = placeOf(handle)
  if (own === undefined || sealed.length > maxCookieBytes) return undefined
  const value = `${Math.floor(call.now / 1000).toString(36)}.${sealed}`
  const others = cookiesOf(call).filter(({ place }) => place !== own)
  const replacedBytes = cookiesOf(call).find(({ place }) => place === own)?.bytes ?? 0
  let bytes = cookieHeader(call).length - replacedBytes + cookieName(call, own).length + value.length
  const lines = [cookieLine(call, own, value, cookieSeconds)]
  for (const { place, bytes: freed } of others.sort(olderFirst)) {
    if (bytes <= maxCookieHeaderBytes) break
    lines.push(cookieLine(call, place, '', 0))
    bytes -= freed
  }
  return lines
}

/** @returns the Set-Cookie line that takes a value back */
export function clearCookie(call: Call, handle: string): readonly string[] {
  const place = placeOf(handle)
  return place === undefined ? [] : [cookieLine(call, place, '', 0)]
}

function placeOf(handle: string): string | undefined {
  const place = handle.at(-1)
  return place !== undefined && places.includes(place) ? place : undefined
}

/** Tabs that start at the same moment see the same free places, so each picks one at random. */
function vacantPlace(call: Call): string {
  const held = cookiesOf(call)
  const free = [...places].filter((place) => !held.some((one) => one.place === place))
  return free[randomInt(Math.max(1, free.length))] ?? held.sort(olderFirst)[0]!.place
}

function cookiesOf(call: Call): Held[] {
  const prefix = cookieName(call, '')
  const found = new Map<string, Held>()
  for (const pair of pairsIn(call)) {
    const [, place = '', value = ''] = pair.startsWith(prefix)
      ? (/^(.)=(.*)$/.exec(pair.slice(prefix.length)) ?? [])
      : []
    if (place === '' || !places.includes(place) || found.has(place)) continue
    const [, since = '0', sealed = ''] = /^([0-9a-z]{1,8})\.(.+)$/.exec(value) ?? []
    // The time is for the order alone, so nothing is gained by changing it.
    found.set(place, { place, sealed, sinceSeconds: Number.parseInt(since, 36), bytes: pair.length + 2 })
  }
  return [...found.values()]
}

const olderFirst = (one: Held, other: Held) => one.sinceSeconds - other.sinceSeconds

function cookieHeader(call: Call): string {
  return header(call.event, 'cookie') ?? ''
}

// --- any cookie of ours ---------------------------------------------------------------------------------------------

/** @returns what the browser sends in the cookie of that name */
export function cookieValue(call: Call, name: string): string | undefined {
  const prefix = `${cookieName(call, name)}=`
  return pairsIn(call)
    .find((pair) => pair.startsWith(prefix))
    ?.slice(prefix.length)
}

/** @returns the Set-Cookie line. Lax: a form of another site brings no cookie along, and the way back from the provider does. */
export function cookieLine(call: Call, name: string, value: string, maxAgeSeconds: number): string {
  const secure = isSecure(call) ? '; Secure' : ''
  return `${cookieName(call, name)}=${value}; Path=/; Max-Age=${maxAgeSeconds}; HttpOnly; SameSite=Lax${secure}`
}

function pairsIn(call: Call): readonly string[] {
  return cookieHeader(call).split('; ')
}

/** `__Host-` keeps neighbours on the domain from planting one (RFC 6265bis §4.1.3.2); it needs TLS, which a laptop lacks. */
function cookieName(call: Call, name: string): string {
  return `${isSecure(call) ? '__Host-' : ''}token-broker-${name}`
}

function isSecure({ issuer }: Call): boolean {
  return issuer.startsWith('https:')
}
