/** How a registry file declares the platform tokens that a client authenticates with. */

import * as v from 'valibot'
import type { RequiredClaims } from '../domain/registration.ts'
import { greatestMaxAgeSeconds } from '../domain/workload-identity.ts'
import { excessiveTrust } from '../domain/workload-trust.ts'
import { issuerJwkSchema } from './keys.ts'
import { members, safeUrl, seconds, text } from './values.ts'

const maxIdentities = 8
const maxClaims = 32
const maxDepth = 4
const maxNameLength = 256
const maxValueLength = 512

/** Claims that other members of an identity stand for, or that differ in each token. */
const standardClaims = ['iss', 'aud', 'sub', 'exp', 'nbf', 'iat', 'jti']

/** A record of valibot drops some names silently, such as `constructor`. A claim that is not compared would let others in. */
export const requiredClaims = v.custom<RequiredClaims>(
  (input) => isObject(input) && areClaims(input, 1) && countOf(input) <= maxClaims,
  `must be an object of 1 to ${maxClaims} claims with texts, numbers, true, false or further claims, up to ${maxDepth} deep`,
)

const claims = v.pipe(
  requiredClaims,
  v.check(
    (given) => !standardClaims.some((name) => Object.hasOwn(given, name)),
    'must not hold iss, aud, sub, exp, nbf, iat or jti: issuer, audience and subject are members of the identity',
  ),
)

const issuer = v.pipe(
  safeUrl,
  v.maxLength(512),
  // OIDC Discovery §2. The value is kept as it is, since tokens have to have exactly this one.
  v.check((address) => !address.includes('?') && !/[\s\\]/.test(address), 'must be an issuer: a URL without a query'),
)

const identity = v.pipe(
  members({
    issuer,
    audience: v.optional(text(256)),
    subject: v.optional(text(512)),
    claims: v.optional(claims),
    jwks: v.optional(
      members({
        keys: v.pipe(
          v.array(issuerJwkSchema),
          v.minLength(1, 'must hold one key at least'),
          v.maxLength(8, 'eight keys may be there, no more'),
        ),
      }),
    ),
    maxAgeSeconds: v.optional(seconds(60, greatestMaxAgeSeconds)),
  }),
  v.check(
    ({ issuer, jwks }) =>
      jwks !== undefined || !/^(kubernetes\.default|.+\.svc)(\.|$)/.test(URL.parse(issuer)?.hostname ?? ''),
    'has an issuer that only its own cluster can reach: put its keys into `jwks` (kubectl get --raw /openid/v1/jwks)',
  ),
  v.rawCheck(({ dataset, addIssue }) => {
    if (!dataset.typed) return
    for (const message of excessiveTrust(dataset.value)) addIssue({ message })
  }),
)

export const identitiesSchema = v.pipe(
  v.array(identity),
  v.minLength(1, 'must name one identity at least'),
  v.maxLength(maxIdentities, `must name ${maxIdentities} identities at most`),
)

function isObject(input: unknown): input is object {
  return typeof input === 'object' && input !== null && !Array.isArray(input)
}

function areClaims(given: object, depth: number): given is RequiredClaims {
  const entries = Object.entries(given)
  return entries.length > 0 && depth <= maxDepth && entries.every(([name, value]) => isClaim(name, value, depth))
}

function isClaim(name: string, value: unknown, depth: number): boolean {
  // `__proto__` would set the prototype of a copy.
  if (name === '' || name === '__proto__' || name.length > maxNameLength) return false
  if (typeof value === 'string') return value !== '' && value.length <= maxValueLength
  if (typeof value === 'number') return Number.isSafeInteger(value)
  return typeof value === 'boolean' || (isObject(value) && areClaims(value, depth + 1))
}

function countOf(given: RequiredClaims): number {
  return Object.values(given).reduce<number>((sum, value) => sum + (typeof value === 'object' ? countOf(value) : 1), 0)
}
