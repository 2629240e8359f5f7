/**
 * What is kept of a person's claims: the wanted ones, in their order, as far as they are plain and there is room.
 */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { keptClaims } from '../../shared/providers/claims.ts'

const bytesOf = (claims: Readonly<Record<string, string | boolean>>) =>
  Object.entries(claims).reduce((sum, [name, value]) => sum + name.length + Buffer.byteLength(String(value)), 0)

test('whatever a provider tells, what is kept is wanted, plain, as it was told, and within 176 bytes', () => {
  const names = ['name', 'email', 'email_verified', '__proto__', 'constructor', 'groups']
  const told = fc.dictionary(
    fc.constantFrom(...names),
    fc.oneof(fc.jsonValue(), fc.string({ unit: 'grapheme', maxLength: 400, size: 'max' })),
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
        assert.ok(typeof value === 'string' || typeof value === 'boolean')
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
