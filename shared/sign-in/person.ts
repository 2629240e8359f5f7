/** The userinfo claims that a sign-in requests, and the email hash by which ops find a person. */

import { emailHash } from '../domain/email-hash.ts'
import type { Person } from '../domain/family.ts'
import type { Application } from '../domain/registration.ts'
import type { Parts } from '../parts.ts'

/** Names of the claims that userinfo may tell, `sub` apart. */
export function userinfoClaims({ userinfo }: Application): readonly string[] {
  return [...new Set(Object.values(userinfo.claims).flat())]
}

/** Of the address that the application keeps of a person, verified or not; undefined where it keeps none. */
export async function emailHashOf(
  parts: Pick<Parts, 'keyring'>,
  { name }: Application,
  { claims }: Person,
): Promise<string | undefined> {
  return typeof claims.email === 'string' ? hashedEmail(parts, name, claims.email) : undefined
}

/** @returns undefined for what is no address, and while the keyring has no key for it */
export async function hashedEmail(
  parts: Pick<Parts, 'keyring'>,
  application: string,
  email: string,
): Promise<string | undefined> {
  const { lookupKey } = await parts.keyring()
  return lookupKey && emailHash(lookupKey, application, email)
}
