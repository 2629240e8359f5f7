/**
 * What is kept of a person's claims: the wanted ones, in their order, as far as they are plain and there is room.
 */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb'
import fc from 'fast-check'
import type { Person } from '../../shared/domain/family.ts'
import { keptClaims } from '../../shared/providers/claims.ts'

const bytesOf = (claims: Person['claims']) =>
  Object.entries(claims).reduce((sum, [name, value]) => sum + name.length + Buffer.byteLength(String(value)), 0)

test('whatever a provider tells, what is kept is wanted, plain, as it was told, and within 176 bytes', () => {
  const names = ['name', 'email', 'email_verified', '__proto__', 'constructor', 'groups']
  const told = fc.dictionary(
    fc.constantFrom(...names),
    fc.oneof(fc.jsonValue(), fc.double(), fc.string({ unit: 'grapheme', maxLength: 400, size: 'max' })),
  )
  fc.assert(
    fc.property(told, fc.shuffledSubarray(names), (drawn, wanted) => {
      const claims = keptClaims(drawn, wanted)
      assert.deepEqual(
        Object.keys(claims),
        wanted.filter((name) => Object.hasOwn(claims, name)),
      )
      for (const [name, value] of Object.entries(claims)) {
        assert.equal(value, drawn[name])
        assert.ok(['string', 'boolean', 'number'].includes(typeof value))
      }
      assert.ok(bytesOf(claims) <= 176)
    }),
  )
})

test('one that does not fit leaves room for those after it', () => {
  const told = { name: 'n'.repeat(400), email: 'a@example.test', nickname: 'é'.repeat(150) }
  assert.deepEqual(keptClaims(told, ['name', 'email', 'nickname']), { email: 'a@example.test' })
})

test('a claim may be called otherwise at the provider', () => {
  const there = (claim: string) => (claim === 'name' ? 'displayName' : claim)
  assert.deepEqual(keptClaims({ displayName: 'Ada', name: 'x', email: 'e' }, ['email', 'name'], there), {
    email: 'e',
    name: 'Ada',
  })
})

test('numbers are kept, as updated_at is one (OIDC Core §5.1), except those that the table cannot hold', () => {
  for (const value of [1_764_000_000, 1_764_000_000.25, 0, -1, Number.MAX_SAFE_INTEGER]) {
    const claims = keptClaims({ updated_at: value }, ['updated_at'])
    assert.deepEqual(claims, { updated_at: value })
    assert.deepEqual(unmarshall(marshall(claims)), claims)
  }
  for (const value of [Number.NaN, Number.POSITIVE_INFINITY, 1e16, -1e300, 1e-140]) {
    assert.deepEqual(keptClaims({ updated_at: value }, ['updated_at']), {}, String(value))
  }
})

test('objects and lists are not kept', () => {
  const told = { address: { locality: 'Turin' }, groups: ['a'], nothing: null }
  assert.deepEqual(keptClaims(told, ['address', 'groups', 'nothing']), {})
})
