/**
 * What the values in a registry file may be: words for single ones, and the object that holds them.
 *
 * Owns their syntax. Must not know which member takes which.
 */

import { X509Certificate } from 'node:crypto'
import * as v from 'valibot'
import { isConfidential, isLoopback } from '../domain/loopback.ts'

export const text = (most: number) => v.pipe(v.string(), v.minLength(1, 'must not be empty'), v.maxLength(most))
export const seconds = (least: number, most: number) =>
  v.pipe(v.number(), v.integer(), v.minValue(least), v.maxValue(most))
export const scope = v.pipe(v.string(), v.regex(/^[\x21\x23-\x5b\x5d-\x7e]{1,64}$/, 'must be a scope (RFC 6749 §3.3)'))

/** An object with these members and no other, and words for what is wrong with it. */
export const members = <Entries extends v.ObjectEntries>(entries: Entries) =>
  v.strictObject(entries, (issue) => {
    if (issue.expected === 'never') return 'is not known here'
    return issue.received === 'undefined' ? 'is missing' : 'must be an object'
  })

/** A record before it is known to be right: any member may be missing, or anything. */
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
/** RFC 6749 §3.1: no fragment; and a password in a URL is one in every log. */
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

/** RFC 6749 §3.1.2; RFC 8252 §7: a native app may have a scheme of its own, which holds a dot. */
export function isRedirectUri(uri: string): boolean {
  const url = URL.parse(uri)
  if (url === null || uri.includes('#')) return false
  if (url.protocol === 'http:') return isLoopback(url)
  return url.protocol === 'https:' || url.protocol.includes('.')
}
