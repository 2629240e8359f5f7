/**
 * How the bench weighs an item, by the examples of the Amazon DynamoDB Developer Guide's rule.
 */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { itemBytes, type WireItem } from '../../bench/item-size.ts'

describe('an item weighs its names and its values', () => {
  const weights: readonly (readonly [what: string, item: WireItem, bytes: number])[] = [
    ['nothing', {}, 0],
    ['a text by its bytes, not its letters', { name: { S: 'Zoë' } }, 4 + 4],
    ['a number with a byte for two digits and one more', { n: { N: '1760000000123' } }, 1 + 7 + 1],
    ['a number without the noughts around its digits', { n: { N: '0.00120000' } }, 1 + 1 + 1],
    ['nought', { n: { N: '0' } }, 1 + 1],
    ['a negative number with one byte more', { n: { N: '-12' } }, 1 + 1 + 1 + 1],
    ['a number with an exponent', { n: { N: '1.5e10' } }, 1 + 1 + 1],
    ['bytes as they are', { b: { B: 'AAAA' } }, 1 + 3],
    ['a truth value', { yes: { BOOL: true } }, 3 + 1],
    ['nothing said', { no: { NULL: true } }, 2 + 1],
    ['a list with three bytes, and one for each element', { l: { L: [{ S: 'ab' }, { S: 'c' }] } }, 1 + 3 + 2 + 3],
    ['a map with the names in it', { m: { M: { ab: { S: 'cd' } } } }, 1 + 3 + 1 + 2 + 2],
    ['a set without extra', { s: { SS: ['ab', 'c'] } }, 1 + 3],
    ['a set of numbers', { s: { NS: ['1', '200'] } }, 1 + 2 + 2],
  ]
  for (const [what, item, bytes] of weights) test(what, () => assert.equal(itemBytes(item), bytes))

  test('and cannot hold a type that DynamoDB does not know', () => {
    assert.throws(() => itemBytes({ x: { Q: 'y' } }), /Unknown DynamoDB type: Q/)
  })
})
