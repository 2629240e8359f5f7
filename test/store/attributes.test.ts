/**
 * Items as DynamoDB has them, held against the library that translates everything.
 */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as library from '@aws-sdk/util-dynamodb'
import fc from 'fast-check'
import { marshall, unmarshall } from '../../shared/store/attributes.ts'

/** The library takes a map for an instance of some class where one of these names is in it. */
const inherited = Object.getOwnPropertyNames(Object.prototype)
const name = fc
  .string({ unit: 'binary', minLength: 1, maxLength: 12 })
  .filter((text) => text.isWellFormed() && !inherited.includes(text))
const { value } = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    fc.string(),
    fc.boolean(),
    fc.integer(),
    fc.maxSafeInteger(),
    fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e15, max: 1e15 }),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(name, tie('value'), { maxKeys: 4, noNullPrototype: true }),
  ),
}))
const item = fc.dictionary(name, value, { maxKeys: 8, noNullPrototype: true })

test('an item is written as the library would write it, and read as the library would read it', () => {
  fc.assert(
    fc.property(item, (plain) => {
      const attributes = marshall(plain)
      assert.deepEqual(attributes, library.marshall(plain))
      assert.deepEqual(unmarshall(attributes), library.unmarshall(attributes))
    }),
    { numRuns: 300 },
  )
})

test('what is undefined is left out, at any depth', () => {
  assert.deepEqual(marshall({ a: 'x', b: undefined, c: { d: undefined } }), { a: { S: 'x' }, c: { M: {} } })
})

test('what is empty, false or zero stays what it is', () => {
  const plain = { text: '', no: false, zero: 0, list: [], map: {} }
  assert.deepEqual(unmarshall(marshall(plain)), plain)
})

test('a member called constructor is one like any other', () => {
  const plain = { claims: { constructor: 'mallory' } }
  assert.deepEqual(unmarshall(marshall(plain)), plain)
})

test('a claim called __proto__ is a member like any other', () => {
  const read = unmarshall(marshall(JSON.parse('{"claims":{"__proto__":{"sub":"mallory"}}}')))
  assert.deepEqual(Object.keys(read.claims as object), ['__proto__'])
  assert.equal((read.claims as { sub?: string }).sub, undefined)
})

for (const [what, stranger] of [
  ['null', null],
  ['a number that is none', Number.NaN],
  ['an infinite number', Number.POSITIVE_INFINITY],
  ['a bigint', 1n],
  ['a function', () => {}],
  ['an undefined element of a list', [undefined]],
] as const) {
  test(`${what} is in no item`, () => {
    assert.throws(() => marshall({ stranger }), TypeError)
  })
}

test('an attribute of a kind that no item has is not read as if it were not there', () => {
  assert.throws(() => unmarshall({ set: { SS: ['a'] } }), TypeError)
  assert.throws(() => unmarshall({ bytes: { B: new Uint8Array(1) } }), TypeError)
})
