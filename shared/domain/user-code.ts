/**
 * The short code a person types (RFC 8628 §6.1): eight letters without vowels, so that it spells nothing and 0/O and 1/I
 * cannot be mixed up; 20^8 = 2.6e10 of them.
 *
 * The code itself is kept nowhere. The family's sid is derived from it with a key, so the page finds by one read the item
 * that the poll moves.
 */

import { createHmac, randomInt } from 'node:crypto'
import type { MacKey } from './credential.ts'
import { isSameSecret } from './secret.ts'

export const userCodeAlphabet = 'BCDFGHJKLMNPQRSTVWXZ'
const codeLength = 8
/** How long a user code, and the device code that it belongs to, may be used (RFC 8628 §3.2, `expires_in`). */
export const deviceCodeSeconds = 900
const canonical = new RegExp(`^[${userCodeAlphabet}]{${codeLength}}$`)

/** Draws a code from the platform's CSPRNG, in its canonical form: `BCDFGHJK`. */
export function generateUserCode(): string {
  return Array.from({ length: codeLength }, () => userCodeAlphabet[randomInt(userCodeAlphabet.length)]).join('')
}

/** As people see it: `BCDF-GHJK`. */
export function formatUserCode(userCode: string): string {
  return `${userCode.slice(0, 4)}-${userCode.slice(4)}`
}

/**
 * What a person typed, with case, dashes, dots and spaces forgiven.
 *
 * @returns undefined when it cannot be a user code
 */
export function parseUserCode(typed: string): string | undefined {
  const userCode = normalise(typed)
  return userCode !== undefined && canonical.test(userCode) ? userCode : undefined
}

/** Why a text cannot be a user code, whichever codes there are. */
export type UserCodeFault =
  | { readonly kind: 'length' }
  /** @property invalidCharacters characters that no code has, each once */
  | { readonly kind: 'alphabet'; readonly invalidCharacters: readonly string[] }

/** @returns undefined for what `parseUserCode` accepts */
export function userCodeFault(typed: string): UserCodeFault | undefined {
  const characters = [...(normalise(typed) ?? '')]
  if (characters.length !== codeLength) return { kind: 'length' }
  const invalidCharacters = [...new Set(characters.filter((character) => !userCodeAlphabet.includes(character)))]
  return invalidCharacters.length > 0 ? { kind: 'alphabet', invalidCharacters } : undefined
}

/** @returns undefined when it is too long to be worth reading: no code is, whatever is forgiven */
function normalise(typed: string): string | undefined {
  return typed.length > 64 ? undefined : typed.replace(/[\s.\-\u2010-\u2015_]/g, '').toUpperCase()
}

/** The sid of the family that this user code leads to, base64url of 16 bytes. */
export function sidOfUserCode(application: string, userCode: string, macKey: MacKey): string {
  return tag('user-code', 16, application, userCode, macKey)
}

/**
 * What the complete link carries beside the code, base64url of 12 bytes: only we can have made it, so whoever shows it does
 * not guess. It is tried online alone, at 1 in 2^96.
 */
export function userCodeProof(application: string, userCode: string, macKey: MacKey): string {
  return tag('complete-link', 12, application, userCode, macKey)
}

/** Whether a link is authentic, in constant time. */
export function verifyUserCodeProof(
  application: string,
  userCode: string,
  proof: string,
  macKeys: readonly MacKey[],
): boolean {
  return macKeys.some((macKey) => isSameSecret(proof, userCodeProof(application, userCode, macKey)))
}

/** The application's name and the code hold no NUL, so the parts cannot run into each other. */
function tag(purpose: string, bytes: number, application: string, userCode: string, { key }: MacKey): string {
  return createHmac('sha256', key)
    .update(`${purpose}\0${application}\0${userCode}`)
    .digest()
    .subarray(0, bytes)
    .toString('base64url')
}
