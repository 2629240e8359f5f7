/**
 * Random text out of a supply that is drawn in bulk.
 */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { randomText } from '../shared/random.ts'

test('it is as long as was asked for, in base64url, also where one supply ends and the next begins', () => {
  for (let count = 0; count < 500; count += 1) {
    const bytes = 12 + (count % 5)
    const text = randomText(bytes)
    assert.match(text, /^[\w-]+$/)
    assert.equal(Buffer.from(text, 'base64url').length, bytes)
  }
})

test('no part of it is given out twice', () => {
  const drawn = Array.from({ length: 2000 }, () => Buffer.from(randomText(16), 'base64url'))
  const halves = drawn.flatMap((bytes) => [bytes.toString('hex', 0, 8), bytes.toString('hex', 8)])
  assert.equal(new Set(halves).size, halves.length)
})

test('what is no number of bytes that the supply can have is refused, and spoils nothing that follows', () => {
  for (const bytes of [1025, 0, -16, 0.5, Number.NaN]) assert.throws(() => randomText(bytes), RangeError)
  assert.equal(Buffer.from(randomText(1024), 'base64url').length, 1024)
  assert.equal(Buffer.from(randomText(16), 'base64url').length, 16)
})

test('each bit is set about as often as not', () => {
  const drawn = Buffer.concat(Array.from({ length: 4000 }, () => Buffer.from(randomText(16), 'base64url')))
  for (let bit = 0; bit < 8; bit += 1) {
    const share = drawn.filter((byte) => (byte >> bit) & 1).length / drawn.length
    // Of 64,000 fair coins a share outside this is not seen in a billion runs.
    assert.ok(Math.abs(share - 0.5) < 0.0125, `bit ${bit}: ${share}`)
  }
})
