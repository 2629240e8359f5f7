/**
 * Assumptions about people and programs: five kinds of provider; the lengths of names, addresses, scopes and client ids; the
 * number of sessions per person and client.
 *
 * Only lengths count, so each text repeats one letter.
 */

import type { Person } from '../../shared/domain/family.ts'
import { keptClaims } from '../../shared/providers/claims.ts'
import type { Chance } from './random.ts'

export type Drawn = {
  readonly flow: 'device' | 'code'
  readonly application: string
  readonly clientId: string
  readonly audience: string
  readonly scopes: readonly string[]
  readonly startedFrom: string
  readonly hasNonce: boolean
  readonly person: Person
  /** The lengths of the provider's tokens, if the broker keeps them. */
  readonly accessTokenLength: number
  readonly refreshTokenLength: number
}

type Span = readonly [least: number, most: number]

/** The lengths of subjects and tokens by provider. Opaque access tokens are short, and JWTs are long. */
const providers: readonly { readonly share: number; subLength: Span; accessToken: Span; refreshToken: Span }[] = [
  // Auth0: auth0| and 24 digits; longer for people from a federated provider.
  { share: 30, subLength: [30, 42], accessToken: [650, 1_100], refreshToken: [48, 64] },
  // Entra ID: 43 characters, different for each client.
  { share: 30, subLength: [43, 43], accessToken: [1_400, 2_400], refreshToken: [900, 1_700] },
  { share: 15, subLength: [20, 20], accessToken: [700, 1_200], refreshToken: [43, 43] }, // Okta
  { share: 15, subLength: [36, 36], accessToken: [900, 1_600], refreshToken: [600, 900] }, // Keycloak: a UUID
  { share: 10, subLength: [36, 36], accessToken: [900, 1_100], refreshToken: [1_500, 1_900] }, // Cognito
]

const standardScopes = ['openid', 'profile', 'email', 'offline_access']
const wantedClaims = ['name', 'preferred_username', 'email', 'email_verified']
/** A realistic time with all digits of a clock in milliseconds. */
export const signedInAt = 1_790_067_601_234

export function drawSession(chance: Chance): Drawn {
  const length = ([least, most]: Span) => chance.between(least, most)
  const text = (span: Span, letter = 'x') => letter.repeat(length(span))
  const provider = chance.pick(providers)
  const flow = chance.happens(0.4) ? 'device' : 'code'
  // One person in eight has a name with two-byte letters.
  const name = chance.happens(1 / 8) ? `${text([4, 14])}${text([2, 8], 'é')}` : text([8, 26])
  const email = `${text([6, 24])}@${text([6, 22])}`
  const told = { name, preferred_username: chance.happens(0.5) ? email : text([6, 20]), email, email_verified: true }
  const own = chance.happens(0.4) ? Array.from({ length: chance.between(1, 3) }, () => text([8, 24])) : []
  return {
    flow,
    application: text([4, 14]),
    clientId: text([4, 24]),
    audience: `https://${text([10, 32])}`,
    scopes: [...standardScopes, ...own],
    startedFrom: chance.happens(0.85) ? text([9, 15]) : text([24, 39]),
    hasNonce: chance.happens(0.7),
    person: {
      sub: text(provider.subLength),
      claims: keptClaims(told, wantedClaims),
      authTimeSeconds: Math.floor(signedInAt / 1000) - chance.between(1, 36_000),
    },
    accessTokenLength: length(provider.accessToken),
    refreshTokenLength: length(provider.refreshToken),
  }
}

/** The owner of a session, by the keys of the indexes. */
export type Owner = { readonly client: string; readonly person: string; readonly hasEmail: boolean }

/** The share of the service account among all sessions. */
const serviceAccountShare = 0.02
const maxSessionsOfPerson = 10

/**
 * Draws owners without end. Each client has half as many sessions as the one before it, each person has up to ten
 * sessions, and one service account without an address has one in fifty.
 */
export function* drawOwners(chance: Chance): Generator<Owner, never> {
  for (let number = 0; ; number += 1) {
    const sessions = chance.between(1, maxSessionsOfPerson)
    for (let count = 0; count < sessions; count += 1) {
      yield { client: drawClient(chance), person: `person ${number}`, hasEmail: true }
      while (chance.happens(serviceAccountShare))
        yield { client: drawClient(chance), person: 'service', hasEmail: false }
    }
  }
}

function drawClient(chance: Chance): string {
  let number = 0
  while (chance.happens(0.5)) number += 1
  return `client ${number}`
}
