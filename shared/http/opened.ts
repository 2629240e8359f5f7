/**
 * A credential that somebody shows, opened, without asking the table.
 *
 * Owns with which keyring. Where keys were retired at once, others may mint with one that this process has not read yet: to
 * take what it made for forged would end a session, or answer that one has ended which has not. Must not know what the
 * credential is shown for.
 */

import { broker } from '../broker.ts'
import { type Credential, type CredentialKind, isOfUnknownKey, open } from '../domain/credential.ts'
import type { Keyring } from '../tokens/keyring.ts'
import type { Call } from './call.ts'

/** Strangers may invent the names of keys, so they make nobody read the keyring more often than this. */
const youngKeyringMs = 10_000

/** @property credential undefined for what this broker did not mint as this kind for this application */
export type Opened = { readonly credential: Credential | undefined; readonly keyring: Keyring }

/** @throws {Unavailable} when a keyring is needed that cannot be read */
export async function openCredential({ application }: Call, kind: CredentialKind, text: string): Promise<Opened> {
  const known = await broker().keyring()
  const credential = open(kind, application.name, text, known.macKeys)
  if (credential !== undefined || !isOfUnknownKey(text, known.macKeys)) return { credential, keyring: known }
  const keyring = await broker().keyring(youngKeyringMs)
  return { credential: open(kind, application.name, text, keyring.macKeys), keyring }
}
