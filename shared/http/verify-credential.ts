/**
 * A credential that somebody shows, opened, without asking the table.
 *
 * Owns the choice of the keyring. After an emergency retirement, other processes may mint with a key that this one has not
 * read yet. Treating such a credential as forged would wrongly end a live session, so the keyring is read again first. Must
 * not know what the credential is shown for.
 */

import { type Credential, type CredentialKind, isOfUnknownKey, verify } from '../domain/credential.ts'
import type { Keyring } from '../tokens/keyring.ts'
import type { Call } from './call.ts'

/** An attacker may invent key names, so an unknown key makes a process read the keyring at most this often. */
const youngKeyringMs = 10_000

/** @property credential undefined for what this broker did not mint as this kind for this application */
export type Opened = { readonly credential: Credential | undefined; readonly keyring: Keyring }

/** @throws {Unavailable} when a keyring is needed that cannot be read */
export async function verifyCredentialText(
  { parts, application }: Call,
  kind: CredentialKind,
  text: string,
): Promise<Opened> {
  const known = await parts.keyring()
  const credential = verify(kind, application.name, text, known.macKeys)
  if (credential !== undefined || !isOfUnknownKey(text, known.macKeys)) return { credential, keyring: known }
  const keyring = await parts.keyring(youngKeyringMs)
  return { credential: verify(kind, application.name, text, keyring.macKeys), keyring }
}
