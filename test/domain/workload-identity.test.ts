/** The claims of a platform's token against those that are registered: exact, nested, and in time. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { WorkloadIdentity } from '../../shared/domain/registration.ts'
import { claimsOf, mismatchOf } from '../../shared/domain/workload-identity.ts'

const now = 1_790_000_000_000
const seconds = now / 1000
const issuer = 'https://auth.example/demo'
const aws = 'https://sts.amazonaws.com/'
const identity: WorkloadIdentity = {
  issuer: 'https://platform.example',
  subject: 'nightly',
  claims: {
    repository_id: '34',
    protected: true,
    level: 3,
    [aws]: { aws_account: '12', principal_tags: { team: 'a' } },
  },
}
const good = {
  ...{ iss: 'https://platform.example', aud: issuer, sub: 'nightly', iat: seconds - 10, exp: seconds + 290 },
  ...{ repository_id: '34', protected: true, level: 3, more: ['x'] },
  [aws]: { aws_account: '12', principal_tags: { team: 'a', other: 'b' }, source_region: 'x' },
}
const mismatch = (changes: object, wanted = identity) => {
  const claims = JSON.parse(JSON.stringify({ ...good, ...changes })) as Record<string, unknown>
  return mismatchOf(claims, wanted, { issuer, now })
}

describe('a token that fits', () => {
  const cases: Record<string, object> = {
    'has every registered claim': {},
    'has the audience as a list of one': { aud: [issuer] },
    'was issued by a clock that is half a minute ahead': { iat: seconds + 30, nbf: seconds + 30 },
    'is as old as it may be': { iat: seconds - 3600 },
    'lives for a year, and is new': { exp: seconds + 31_536_000 },
  }
  for (const [name, changes] of Object.entries(cases)) test(name, () => assert.equal(mismatch(changes), undefined))
})

describe('what does not fit is named with the registered value, and never with that of the token', () => {
  const secret = 'a-value-of-the-token'
  const cases: Record<string, readonly [object, string]> = {
    'another issuer': [{ iss: secret }, 'iss is not "https://platform.example"'],
    'an issuer with a slash': [{ iss: 'https://platform.example/' }, 'iss is not "https://platform.example"'],
    'another audience': [{ aud: secret }, `aud is not "${issuer}" alone`],
    'one audience more': [{ aud: [issuer, secret] }, `aud is not "${issuer}" alone`],
    'no audience': [{ aud: undefined }, `aud is not "${issuer}" alone`],
    'another subject': [{ sub: secret }, 'sub is not "nightly"'],
    'a subject that begins like it': [{ sub: 'nightly2' }, 'sub is not "nightly"'],
    'no subject': [{ sub: undefined }, 'sub is not "nightly"'],
    'another claim': [{ repository_id: secret }, 'repository_id is not "34"'],
    'a number for a text': [{ repository_id: 34 }, 'repository_id is not "34"'],
    'a list that holds it': [{ repository_id: ['34'] }, 'repository_id is not "34"'],
    'a text for true': [{ protected: 'true' }, 'protected is not true'],
    'no claim': [{ level: undefined }, 'level is not 3'],
    'no nested claims': [{ [aws]: undefined }, `${aws} is not an object`],
    'a text for nested claims': [{ [aws]: secret }, `${aws} is not an object`],
    'a list for nested claims': [{ [aws]: [secret] }, `${aws} is not an object`],
    'another nested claim': [
      { [aws]: { aws_account: secret, principal_tags: { team: 'a' } } },
      `${aws} > aws_account is not "12"`,
    ],
    'another claim, two deep': [
      { [aws]: { aws_account: '12', principal_tags: { team: secret } } },
      `${aws} > principal_tags > team is not "a"`,
    ],
    'no exp': [{ exp: undefined }, 'exp is missing, or not a number'],
    'an exp that is text': [{ exp: '2030' }, 'exp is missing, or not a number'],
    'an exp of now': [{ exp: seconds }, 'exp: the token has expired'],
    'an nbf to come': [{ nbf: seconds + 31 }, 'nbf: the token is not valid yet'],
    'an nbf that is text': [{ nbf: 'now' }, 'nbf is not a number'],
    'an iat to come': [{ iat: seconds + 31 }, 'iat: the token was issued in the future'],
    'no iat': [{ iat: undefined }, 'iat is missing, or not a number'],
    'an iat of more than an hour ago': [{ iat: seconds - 3601 }, 'iat: the token is older than maxAgeSeconds 3600'],
  }
  for (const [name, [changes, fault]] of Object.entries(cases)) test(name, () => assert.equal(mismatch(changes), fault))
})

test('audience and maximum age are those of the identity, if it names them', () => {
  const own = { ...identity, audience: 'vault', maxAgeSeconds: 60 }
  assert.equal(mismatch({ aud: 'vault' }, own), undefined)
  assert.equal(mismatch({}, own), 'aud is not "vault" alone')
  assert.equal(mismatch({ aud: 'vault', iat: seconds - 61 }, own), 'iat: the token is older than maxAgeSeconds 60')
})

test('a member that every object inherits is not a claim of the token', () => {
  const strange = { issuer: identity.issuer, claims: { constructor: { name: 'Object' } } }
  assert.equal(mismatch({}, strange), 'constructor is not an object')
})

test('claims are read of a JWT alone', () => {
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
  assert.deepEqual(claimsOf(`h.${part({ a: 1 })}.s`), { a: 1 })
  for (const token of ['', 'h', 'h.x.s', `h.${part([])}.s`, `h.${part(null)}.s`, `a.${part({})}.c.d.e`]) {
    assert.equal(claimsOf(token), undefined)
  }
})
