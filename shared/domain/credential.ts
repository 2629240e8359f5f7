/**
 * What a caller presents to move a family on: device code, authorization code, refresh token. One format for the three.
 *
 *     rt_ | ac_ | dc_  +  base64url( key id 1 | sid 16 | generation 4 | salt 16 | HMAC-SHA-256 32 )
 *
 * Owns the format. Pure: keys are handed in. A credential is checked here before anything is asked of the table, so a
 * forged, cut or foreign one costs nothing and touches nothing. The MAC also covers the kind and the application.
 * The successor is a function of the family and its generation: a retry can be given the same token without any token
 * having been stored. The table holds only a hash of the salt, so neither the table nor the key, nor both together,
 * make a credential.
 */

import { createHmac, hash, type KeyObject, timingSafeEqual } from 'node:crypto'

/** The wire prefix says what it is, so that a leak is found by a search and a mix-up is seen at once. */
export type CredentialKind = 'rt' | 'ac' | 'dc'

/**
 * @property id 0 to 255, unique among the keys of a keyring
 * @property key imported once, since that takes longer than a MAC
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
/** 69 bytes are exactly 92 characters, so each text has one reading and no spare bits. */
const wireFormat = /^(rt|ac|dc)_([A-Za-z0-9_-]{92})$/

/** Writes a credential. */
export function mint(kind: CredentialKind, application: string, credential: Credential, macKey: MacKey): string {
  const body = Buffer.alloc(bodyBytes)
  body.writeUInt8(macKey.id, 0)
  Buffer.from(credential.sid, 'base64url').copy(body, 1)
  body.writeUInt32BE(credential.generation, 17)
  Buffer.from(credential.salt, 'base64url').copy(body, 21)
  return `${kind}_${Buffer.concat([body, authenticate(kind, application, body, macKey)]).toString('base64url')}`
}

/**
 * Reads a credential.
 *
 * @returns undefined for whatever this broker did not mint as this kind for this application
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

/** Whether a text is of our format, and names none of these keys: one may have come that we do not know yet. */
export function isOfUnknownKey(text: string, macKeys: readonly MacKey[]): boolean {
  const match = wireFormat.exec(text)
  return match !== null && !macKeys.some(({ id }) => id === Buffer.from(match[2]!, 'base64url').readUInt8(0))
}

/** What the table keeps of a salt. 128 random bits need no slow hash. */
export function hashSalt(salt: string): string {
  return hash('sha256', salt, 'base64url')
}

function authenticate(kind: CredentialKind, application: string, body: Uint8Array, macKey: MacKey): Buffer {
  // The application's name holds no NUL, so the parts cannot run into each other.
  return createHmac('sha256', macKey.key)
    .update(`credential\0${kind}\0${application}\0`)
    .update(body)
    .digest()
    .subarray(0, macBytes)
}
