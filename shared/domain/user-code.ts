/**
 * The user code that a person types (RFC 8628 §6.1): eight consonants, which spell no word. 20^8 = 2.6e10 codes.
 *
 * The code is not stored. The family's sid is derived from it with a key, so the page finds the family with one read.
 */

import { createHmac, randomInt } from 'node:crypto'
import type { MacKey } from './credential.ts'
import { isSameSecret } from './secret.ts'

export const userCodeAlphabet = 'BCDFGHJKLMNPQRSTVWXZ'
const codeLength = 8
/** The lifetime of a user code and its device code (RFC 8628 §3.2, `expires_in`). */
export const deviceCodeSeconds = 900
const canonical = new RegExp(`^[${userCodeAlphabet}]{${codeLength}}$`)

/** Makes a random code in its canonical form: `BCDFGHJK`. */
export function generateUserCode(): string {
  return Array.from({ length: codeLength }, () => userCodeAlphabet[randomInt(userCodeAlphabet.length)]).join('')
}

/** The form that people see: `BCDF-GHJK`. */
export function formatUserCode(userCode: string): string {
  return `${userCode.slice(0, 4)}-${userCode.slice(4)}`
}

/**
 * Parses what a person typed. Case, dashes, dots, underscores and spaces do not matter.
 *
 * @returns undefined for a text that cannot be a user code
 */
export function parseUserCode(typed: string): string | undefined {
  const userCode = normalise(typed)
  return userCode !== undefined && canonical.test(userCode) ? userCode : undefined
}

/** Why a text cannot be a user code. */
export type UserCodeFault =
  | { readonly kind: 'length' }
  /** @property invalidCharacters each once */
  | { readonly kind: 'alphabet'; readonly invalidCharacters: readonly string[] }

/** @returns undefined for a text that `parseUserCode` accepts */
export function userCodeFault(typed: string): UserCodeFault | undefined {
  const characters = [...(normalise(typed) ?? '')]
  if (characters.length !== codeLength) return { kind: 'length' }
  const invalidCharacters = [...new Set(characters.filter((character) => !userCodeAlphabet.includes(character)))]
  return invalidCharacters.length > 0 ? { kind: 'alphabet', invalidCharacters } : undefined
}

/** @returns undefined for a text that is too long to be a code */
function normalise(typed: string): string | undefined {
  return typed.length > 64 ? undefined : typed.replace(/[\s.\-\u2010-\u2015_]/g, '').toUpperCase()
}

/** The sid of the user code's family, base64url of 16 bytes. */
export function sidOfUserCode(application: string, userCode: string, macKey: MacKey): string {
  return tag('user-code', 16, application, userCode, macKey)
}

/**
 * The proof in `verification_uri_complete` (RFC 8628 §3.3.1), base64url of 12 bytes. Only the broker can make it, so a request
 * with a proof is no guess at a code. It can only be tried online, at 1 in 2^96.
 */
export function userCodeProof(application: string, userCode: string, macKey: MacKey): string {
  return tag('complete-link', 12, application, userCode, macKey)
}

/** Verifies the proof in constant time. */
export function verifyUserCodeProof(
  application: string,
  userCode: string,
  proof: string,
  macKeys: readonly MacKey[],
): boolean {
  return macKeys.some((macKey) => isSameSecret(proof, userCodeProof(application, userCode, macKey)))
}

/** The application's name and the code hold no NUL, so the separation is unambiguous. */
function tag(purpose: string, bytes: number, application: string, userCode: string, { key }: MacKey): string {
  return createHmac('sha256', key)
    .update(`${purpose}\0${application}\0${userCode}`)
    .digest()
    .subarray(0, bytes)
    .toString('base64url')
}
