/**
 * The format of device codes, authorization codes and refresh tokens.
 *
 *     rt_ | ac_ | dc_  +  base64url( key id 1 | sid 16 | generation 4 | salt 16 | HMAC-SHA-256 32 )
 *
 * The MAC also covers the kind and the application. It is verified before the table is read, so a forged or truncated
 * credential costs nothing. A successor is a function of the family and its generation: a retry can get the same token again
 * although no token is stored. The table holds a hash of the salt. So neither the table, nor the key, nor both make a credential.
 */

import { createHmac, hash, type KeyObject, timingSafeEqual } from 'node:crypto'

/** The prefix on the wire: a search finds leaked credentials, and a mix-up is noticed at once. */
export type CredentialKind = 'rt' | 'ac' | 'dc'

/**
 * @property id 0 to 255, unique among the keys of a keyring
 * @property key imported once, because an import takes longer than a MAC
 */
export type MacKey = { readonly id: number; readonly key: KeyObject }

export type Credential = {
  /** base64url of 16 bytes. */
  readonly sid: string
  /** 0 to 2^32 - 1. */
  readonly generation: number
  /** base64url of 16 bytes; secret. */
  readonly salt: string
}

const bodyBytes = 37
const macBytes = 32
/** 69 bytes are exactly 92 characters without spare bits, so each credential has one spelling. */
const wireFormat = /^(rt|ac|dc)_([A-Za-z0-9_-]{92})$/

/** Makes the text of a credential. */
export function mint(kind: CredentialKind, application: string, credential: Credential, macKey: MacKey): string {
  const body = Buffer.alloc(bodyBytes)
  body.writeUInt8(macKey.id, 0)
  Buffer.from(credential.sid, 'base64url').copy(body, 1)
  body.writeUInt32BE(credential.generation, 17)
  Buffer.from(credential.salt, 'base64url').copy(body, 21)
  return `${kind}_${Buffer.concat([body, authenticate(kind, application, body, macKey)]).toString('base64url')}`
}

/**
 * Verifies the MAC of a credential, in constant time.
 *
 * @returns undefined unless this broker minted the text as this kind for this application
 */
export function verify(
  kind: CredentialKind,
  application: string,
  text: string,
  macKeys: readonly MacKey[],
): Credential | undefined {
  const match = wireFormat.exec(text)
  if (match?.[1] !== kind) return undefined
  const bytes = Buffer.from(match[2]!, 'base64url')
  const body = bytes.subarray(0, bodyBytes)
  const macKey = macKeys.find(({ id }) => id === body.readUInt8(0))
  if (macKey === undefined) return undefined
  if (!timingSafeEqual(authenticate(kind, application, body, macKey), bytes.subarray(bodyBytes))) return undefined
  return {
    sid: body.toString('base64url', 1, 17),
    generation: body.readUInt32BE(17),
    salt: body.toString('base64url', 21, bodyBytes),
  }
}

/** Whether a text has the format of a credential but names none of these keys: the keyring at hand may be too old. */
export function isOfUnknownKey(text: string, macKeys: readonly MacKey[]): boolean {
  const match = wireFormat.exec(text)
  return match !== null && !macKeys.some(({ id }) => id === Buffer.from(match[2]!, 'base64url').readUInt8(0))
}

/** The hash of the salt that the table stores. 128 random bits need no slow hash. */
export function hashSalt(salt: string): string {
  return hash('sha256', salt, 'base64url')
}

function authenticate(kind: CredentialKind, application: string, body: Uint8Array, macKey: MacKey): Buffer {
  // The application's name holds no NUL, so the separation is unambiguous.
  return createHmac('sha256', macKey.key)
    .update(`credential\0${kind}\0${application}\0`)
    .update(body)
    .digest()
    .subarray(0, macBytes)
}
