/** Verifies a platform's token against the identities that a client is registered with (RFC 7523 §2.2, §3). */

import type { WorkloadIdentity } from '../domain/registration.ts'
import { claimsOf, lastUseSeconds, mismatchOf, type TokenClaims } from '../domain/workload-identity.ts'
import type { IssuerKeys } from './issuer-keys.ts'
import { candidates, headerOf, type IssuerKey, isSignedBy, type TokenHeader } from './workload-token.ts'

export type Expected = {
  readonly identities: readonly WorkloadIdentity[]
  /** The application's. */
  readonly issuer: string
  /** ms */
  readonly now: number
  readonly issuerKeys: IssuerKeys
}

/** `fault` is for the operator's log: names and registered values, nothing of the token. */
export type Verdict =
  | { readonly holds: true; readonly claims: TokenClaims; readonly lastUseSeconds: number }
  | { readonly holds: false; readonly fault: string }

const maxTokenLength = 16_384

/**
 * Compares the claims before it verifies the signature, so a token that does not match causes no request for keys. The claims
 * are read from the same text that the signature is verified on.
 *
 * @throws {Unavailable} when the keys of a matching issuer are out of reach
 */
export async function verifyPlatformToken(token: string, expected: Expected): Promise<Verdict> {
  const claims = token.length > maxTokenLength ? undefined : claimsOf(token)
  if (claims === undefined) return refuse('the token is not a JWT')
  const header = headerOf(token)
  if (typeof header === 'string') return refuse(header)
  const mismatches: string[] = []
  for (const [at, identity] of registeredKeysFirst(expected.identities)) {
    const fault =
      ownTokenFault(identity, expected.issuer) ??
      mismatchOf(claims, identity, expected) ??
      (await signatureFault(token, header, identity, expected.issuerKeys))
    if (fault === undefined) return { holds: true, claims, lastUseSeconds: lastUseSeconds(claims) }
    mismatches.push(`identities[${at}]: ${fault}`)
  }
  return refuse(mismatches.join('; '))
}

/** So that an issuer that is out of reach keeps out nobody whose keys are registered. */
function registeredKeysFirst(
  identities: readonly WorkloadIdentity[],
): readonly (readonly [number, WorkloadIdentity])[] {
  const entries = [...identities.entries()]
  const isRegistered = ([, { jwks }]: readonly [number, WorkloadIdentity]) => jwks !== undefined
  return [...entries.filter(isRegistered), ...entries.filter((entry) => !isRegistered(entry))]
}

function refuse(fault: string): Verdict {
  return { holds: false, fault }
}

/** A token of this broker, for any application, names a person or a service. It does not prove who sends it. */
function ownTokenFault(identity: WorkloadIdentity, issuer: string): string | undefined {
  const base = issuer.slice(0, issuer.lastIndexOf('/') + 1)
  const isOurs = identity.issuer.startsWith(base) && /^[a-z0-9-]+\/?$/.test(identity.issuer.slice(base.length))
  return isOurs ? 'issuer is this broker, whose tokens are not accepted' : undefined
}

async function signatureFault(
  token: string,
  header: TokenHeader,
  { issuer, jwks }: WorkloadIdentity,
  issuerKeys: IssuerKeys,
): Promise<string | undefined> {
  const inline = jwks?.keys
  const isUnknown = (keys: readonly IssuerKey[]) => candidates(keys, header).length === 0
  const keys = inline ?? (await issuerKeys.get(issuer, isUnknown))
  if (isUnknown(keys)) return 'kid is of no key of the issuer, or of one for another alg'
  if (await isSignedBy(token, candidates(keys, header))) return undefined
  if (inline !== undefined || header.kid !== undefined) return 'the signature does not fit'
  // Without a kid a new key looks like a forgery, so the issuer is asked once more.
  const renewed = await issuerKeys.get(issuer, (known) => known === keys)
  return renewed !== keys && (await isSignedBy(token, candidates(renewed, header)))
    ? undefined
    : 'the signature does not fit'
}
