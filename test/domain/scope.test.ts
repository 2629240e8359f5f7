import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { allowsScopes, maxScopeLength, maxScopes, parseScopes } from '../../shared/domain/scope.ts'
import { anyCharacter } from '../support/any-character.ts'

const word = fc.stringMatching(/^[\x21\x23-\x5b\x5d-\x7e]{1,12}$/)

test('an absent or blank scope parameter is an empty list', () => {
  assert.deepEqual(parseScopes(undefined), [])
  assert.deepEqual(parseScopes(''), [])
  assert.deepEqual(parseScopes('   '), [])
})

test('scopes keep their order, and duplicates count once', () => {
  assert.deepEqual(parseScopes('openid email openid  profile'), ['openid', 'email', 'profile'])
  fc.assert(fc.property(fc.array(word), (words) => assert.deepEqual(parseScopes(words.join(' ')), [...new Set(words)])))
})

test('a character outside of the syntax makes the scope parameter malformed', () => {
  for (const character of ['"', '\\', '\t', '\n', '\x7f', '\0', 'é', '\u2028', '😀']) {
    assert.equal(parseScopes(`openid a${character}b`), undefined, JSON.stringify(character))
  }
})

test('a scope parameter longer than any registration is refused', () => {
  const words = (count: number) => Array.from({ length: count }, (_, at) => `s${at}`).join(' ')
  assert.equal(parseScopes(words(maxScopes))?.length, maxScopes)
  assert.equal(parseScopes(words(maxScopes + 1)), undefined)
  assert.deepEqual(parseScopes('s'.repeat(maxScopeLength)), ['s'.repeat(maxScopeLength)])
  assert.equal(parseScopes('s'.repeat(maxScopeLength + 1)), undefined)
})

test('no scope parameter throws, and every parsed scope is of the syntax', () => {
  fc.assert(
    fc.property(fc.string({ unit: anyCharacter }), (text) => {
      for (const scope of parseScopes(text) ?? []) assert.match(scope, /^[\x21\x23-\x5b\x5d-\x7e]+$/)
    }),
  )
})

test('every requested scope must be allowed, in its exact spelling', () => {
  assert.ok(allowsScopes(['openid', 'email'], ['email']))
  assert.ok(allowsScopes(['openid', 'email'], []))
  assert.ok(!allowsScopes(['openid', 'email'], ['email', 'admin']))
  assert.ok(!allowsScopes(['openid'], ['OpenID']))
  assert.ok(!allowsScopes([], ['openid']))
})
