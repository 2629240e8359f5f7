/**
 * Recognises a browser on the device page, and tells whether our own page sent a form.
 *
 * A sealed cookie names the browser, so that its wrong codes are counted separately. The only fact about a person in it is a
 * keyed hash of who signed in (docs/decisions/0038).
 */

import { createHmac } from 'node:crypto'
import type { MacKey } from '../domain/credential.ts'
import { isSameSecret } from '../domain/secret.ts'
import { type Call, header } from '../http/call.ts'
import { randomId } from '../random.ts'
import { seal, unseal } from '../tokens/seal.ts'
import { clearMoreThan, cookieLine, cookieValue } from './cookies.ts'

export type Visitor = {
  readonly id: string
  /** Stands in the forms that this browser is given: what brings it along was sent from our own page. */
  readonly form: string
  /** Of who signed in there last, where anybody has. */
  readonly person?: string
}

/** A page with a form may be left open for a day. */
const newSeconds = 86_400
const knownSeconds = 90 * 86_400
const nameBeginning = 'browser-'
/** The Cookie header has room for a few of these cookies. A browser without its cookie counts as new: its wrong codes count for the address. */
const maxOtherApplications = 4

/** @returns the browser that our cookie names; undefined where there is none, or one that we did not make */
export async function readVisitor(call: Call): Promise<Visitor | undefined> {
  const sealed = cookieValue(call, nameFor(call))
  return sealed === undefined ? undefined : unseal<Visitor>(await call.parts.keyring(), sealing(call), sealed)
}

/** @returns a browser that was not here before, and the Set-Cookie lines for it */
export async function newVisitor(
  call: Call,
): Promise<{ readonly visitor: Visitor; readonly cookies: readonly string[] }> {
  const visitor = { id: randomId(), form: randomId() }
  return { visitor, cookies: await cookiesOf(call, visitor, newSeconds) }
}

/** @returns the Set-Cookie lines that remember that somebody has signed in with this browser */
export async function visitorCookiesFor(call: Call, sub: string): Promise<readonly string[]> {
  const macKey = (await call.parts.keyring()).macKey(call.now)
  const visitor = (await readVisitor(call)) ?? { id: randomId(), form: randomId() }
  return cookiesOf(call, { ...visitor, person: hashOfPerson(call.application.name, sub, macKey) }, knownSeconds)
}

/**
 * Whether a form was sent from our own page, as far as can be told.
 *
 * The form's value tells it for every browser. A browser that keeps no cookies says it by itself (Fetch Metadata,
 * Sec-Fetch-Site), or by its Origin (Fetch §3.2). A request that has neither of these headers was not sent by a browser of
 * these years, so no foreign page can be behind it.
 */
export function isFromOurPage(call: Call, visitor: Visitor | undefined): boolean {
  if (visitor !== undefined && isSameSecret(call.parameters.optional('csrf') ?? '', visitor.form)) return true
  const site = header(call.event, 'sec-fetch-site')
  if (site !== undefined) return site === 'same-origin'
  const origin = header(call.event, 'origin')
  return origin === undefined || origin === new URL(call.issuer).origin
}

/**
 * Whether an address was opened in a window, by a person as far as can be told. Not so for what a page loads by itself, as an
 * image, a frame or a fetch, and for what a browser loads in advance (Fetch Metadata; Sec-Purpose). A browser that does not
 * say is believed: nothing is charged for an address.
 */
export function isOpened({ event }: Call): boolean {
  const purpose = header(event, 'sec-purpose') ?? header(event, 'purpose') ?? header(event, 'x-moz') ?? ''
  return (
    (header(event, 'sec-fetch-dest') ?? 'document') === 'document' &&
    (header(event, 'sec-fetch-mode') ?? 'navigate') === 'navigate' &&
    !purpose.toLowerCase().includes('prefetch') &&
    !purpose.toLowerCase().includes('preview')
  )
}

/** The same for all browsers of a person, so that many of them are no way to more guesses. */
function hashOfPerson(application: string, sub: string, { key }: MacKey): string {
  return createHmac('sha256', key)
    .update(`visitor\0${application}\0${sub}`)
    .digest()
    .subarray(0, 16)
    .toString('base64url')
}

async function cookiesOf(call: Call, visitor: Visitor, seconds: number): Promise<readonly string[]> {
  const sealed = await seal(await call.parts.keyring(), sealing(call), visitor, seconds)
  const own = nameFor(call)
  return [cookieLine(call, own, sealed, seconds), ...clearMoreThan(maxOtherApplications, call, nameBeginning, own)]
}

function nameFor({ application }: Call): string {
  return `${nameBeginning}${application.name}`
}

function sealing({ application, now }: Call) {
  return { purpose: 'browser', application: application.name, nowMs: now } as const
}
