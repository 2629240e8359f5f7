/** Verifies a credential without reading the table. */

import { type Credential, type CredentialKind, hashSalt, isOfUnknownKey, verify } from '../domain/credential.ts'
import type { VerifiedCredential } from '../domain/single-use.ts'
import type { Call, ClientCall } from '../http/call.ts'
import { grantError } from '../http/errors.ts'
import type { Keyring } from '../tokens/keyring.ts'

/** An attacker can invent key ids, so an unknown key makes a process reload the keyring at most this often. */
export const maxKeyringAgeMs = 10_000

type Read<Found> = { readonly credential: Found; readonly keyring: Keyring }

/**
 * Reads a credential of this kind and for this application.
 *
 * After an emergency retirement, other processes may mint with a key that this one has not read yet. Treating such a
 * credential as forged would wrongly end a live session, so the keyring is reloaded first.
 *
 * @returns `credential` undefined for a text that this broker did not mint
 * @throws {Unavailable} when the keyring cannot be read
 */
export async function readCredential(
  { parts, application }: Call,
  kind: CredentialKind,
  text: string,
): Promise<Read<Credential | undefined>> {
  const known = await parts.keyring()
  const credential = verify(kind, application.name, text, known.macKeys)
  if (credential !== undefined || !isOfUnknownKey(text, known.macKeys)) return { credential, keyring: known }
  const keyring = await parts.keyring(maxKeyringAgeMs)
  return { credential: verify(kind, application.name, text, keyring.macKeys), keyring }
}

/** @throws {OAuthError} invalid_grant for a text that this broker did not mint. @throws {Unavailable} */
export async function verifyCredential(
  call: ClientCall,
  kind: CredentialKind,
  text: string,
): Promise<Read<Credential> & { readonly verified: VerifiedCredential }> {
  const { credential, keyring } = await readCredential(call, kind, text)
  if (credential === undefined) throw grantError({ kind: 'unknown' })
  const { sid, generation, salt } = credential
  const { application, client } = call
  const verified = {
    application: application.name,
    clientId: client.clientId,
    sid,
    generation,
    saltHash: hashSalt(salt),
  }
  return { credential, verified, keyring }
}
