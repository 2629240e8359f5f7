/** Schemas of single values in a registry file. */

import { X509Certificate } from 'node:crypto'
import * as v from 'valibot'
import { isConfidential } from '../domain/loopback.ts'

export const text = (maxLength: number) =>
  v.pipe(v.string(), v.minLength(1, 'must not be empty'), v.maxLength(maxLength))
export const seconds = (min: number, max: number) => v.pipe(v.number(), v.integer(), v.minValue(min), v.maxValue(max))
export const scope = v.pipe(v.string(), v.regex(/^[\x21\x23-\x5b\x5d-\x7e]{1,64}$/, 'must be a scope (RFC 6749 §3.3)'))

/** An object with these members and no other. */
export const members = <Entries extends v.ObjectEntries>(entries: Entries) =>
  v.strictObject(entries, (issue) => {
    if (issue.expected === 'never') return 'is not known here'
    return issue.received === 'undefined' ? 'is missing' : 'must be an object'
  })

/** An object before validation: any member may be missing, or of any type. */
export type RecordInFile = Readonly<Record<string, unknown>>
export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

export const safeUrl = v.pipe(
  v.string(),
  v.check(isSafeUrl, 'must be an https URL; http is for a loopback address alone'),
)

export const certificates = v.pipe(
  text(16_384),
  v.check(areCertificates, 'must be certificates as PEM text, and nothing else'),
)
/** RFC 6749 §3.1: no fragment. No credentials either, because URLs are logged. */
function isSafeUrl(text: string): boolean {
  const url = URL.parse(text)
  if (url === null || text.includes('#') || url.username !== '' || url.password !== '') return false
  return isConfidential(url)
}

function areCertificates(pem: string): boolean {
  const certificate = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g
  const found = pem.match(certificate) ?? []
  return found.length > 0 && pem.replace(certificate, '').trim() === '' && found.every(isCertificate)
}

function isCertificate(pem: string): boolean {
  try {
    return new X509Certificate(pem).raw.length > 0
  } catch {
    return false
  }
}

/** The characters of RFC 3986 §2, without `#`; `%` only as part of an escape (§2.1). */
const uriCharacters = /^(?:[\w.~:/?[\]@!$&'()*+,;=-]|%[\da-f]{2})+$/i

/**
 * RFC 6749 §3.1.2: an absolute URI (RFC 3986 §4.3). URL.parse alone would accept and repair texts that no header can hold.
 * RFC 8252 §7.1: a native app may have a private-use scheme, which holds a dot. No credentials, because URLs are logged.
 */
export function isRedirectUri(uri: string): boolean {
  const url = URL.parse(uri)
  if (url === null || !uriCharacters.test(uri) || url.username !== '' || url.password !== '') return false
  if (url.protocol.includes('.')) return true
  // RFC 9110 §4.2: `//` and a host are required.
  return isConfidential(url) && /^https?:\/\/[^/?]/i.test(uri)
}
