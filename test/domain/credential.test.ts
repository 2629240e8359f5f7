import assert from 'node:assert/strict'
import { createSecretKey } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  type CredentialKind,
  hashSalt,
  isOfUnknownKey,
  type MacKey,
  mint,
  verify,
} from '../../shared/domain/credential.ts'
import { anyCharacter } from '../support/any-character.ts'

const kinds: readonly CredentialKind[] = ['rt', 'ac', 'dc']
const sixteenBytes = fc
  .uint8Array({ minLength: 16, maxLength: 16 })
  .map((bytes) => Buffer.from(bytes).toString('base64url'))
const kind = fc.constantFrom(...kinds)
const application = fc.stringMatching(/^[a-z0-9][a-z0-9-]{0,31}$/)
const plain = { noNullPrototype: true }
const credential = fc.record({ sid: sixteenBytes, generation: fc.nat({ max: 0xffffffff }), salt: sixteenBytes }, plain)
const macKey: fc.Arbitrary<MacKey> = fc.record({
  id: fc.nat({ max: 255 }),
  key: fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => createSecretKey(bytes)),
})

const ours: MacKey = { id: 1, key: createSecretKey(Buffer.alloc(32, 7)) }
const sample = {
  sid: Buffer.alloc(16, 3).toString('base64url'),
  generation: 9,
  salt: Buffer.alloc(16, 4).toString('base64url'),
}
const text = mint('rt', 'demo', sample, ours)

test('a minted credential verifies to the same sid, generation and salt', () => {
  fc.assert(
    fc.property(kind, application, credential, macKey, (as, at, minted, key) => {
      assert.deepEqual(verify(as, at, mint(as, at, minted, key), [key]), minted)
    }),
  )
})

test('a credential is its kind and 92 URL-unreserved characters', () => {
  fc.assert(
    fc.property(kind, application, credential, macKey, (as, at, minted, key) => {
      assert.match(mint(as, at, minted, key), new RegExp(`^${as}_[A-Za-z0-9_-]{92}$`))
    }),
  )
})

test('the bytes of a credential are laid out as documented', () => {
  const bytes = Buffer.from(text.slice(3), 'base64url')
  assert.equal(bytes.length, 69)
  assert.equal(bytes[0], ours.id)
  assert.equal(bytes.toString('base64url', 1, 17), sample.sid)
  assert.equal(bytes.readUInt32BE(17), 9)
  assert.equal(bytes.toString('base64url', 21, 37), sample.salt)
})

test('a credential is a function of its family and generation', () => {
  assert.equal(mint('rt', 'demo', sample, ours), text)
  assert.notEqual(mint('rt', 'demo', { ...sample, generation: 10 }, ours), text)
})

test('a credential does not verify as another kind, for another application or with another key', () => {
  fc.assert(
    fc.property(
      kind,
      kind,
      application,
      application,
      credential,
      macKey,
      macKey,
      (as, as2, at, at2, minted, key, key2) => {
        const wire = mint(as, at, minted, key)
        if (as !== as2) {
          assert.equal(verify(as2, at, wire, [key]), undefined)
          assert.equal(
            verify(as2, at, `${as2}${wire.slice(2)}`, [key]),
            undefined,
            'nor with the other prefix in front',
          )
        }
        if (at !== at2) assert.equal(verify(as, at2, wire, [key]), undefined)
        if (!key.key.equals(key2.key)) {
          assert.equal(verify(as, at, wire, [{ ...key2, id: key.id }]), undefined)
        }
        assert.equal(verify(as, at, wire, []), undefined)
      },
    ),
  )
})

test("the credential's key id picks the key that verifies it", () => {
  const next: MacKey = { id: 2, key: createSecretKey(Buffer.alloc(32, 8)) }
  assert.deepEqual(verify('rt', 'demo', text, [next, ours]), sample)
  assert.deepEqual(verify('rt', 'demo', mint('rt', 'demo', sample, next), [next, ours]), sample)
  assert.equal(verify('rt', 'demo', text, [next]), undefined)
})

test('isOfUnknownKey tells a credential of an unknown key from other text', () => {
  const other = { ...ours, id: 2 }
  assert.equal(isOfUnknownKey(text, [other]), true)
  assert.equal(isOfUnknownKey(text, [other, ours]), false)
  for (const none of ['', 'rt_', text.slice(1), `${text}A`, text.toUpperCase()])
    assert.equal(isOfUnknownKey(none, []), false)
})

test('a credential with one flipped bit does not verify', () => {
  const bytes = Buffer.from(text.slice(3), 'base64url')
  for (let bit = 0; bit < bytes.length * 8; bit += 1) {
    const forged = Buffer.from(bytes)
    forged.writeUInt8(forged.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3)
    assert.equal(verify('rt', 'demo', `rt_${forged.toString('base64url')}`, [ours]), undefined, `bit ${bit}`)
  }
})

test('a credential with one character changed, removed, doubled or inserted does not verify', () => {
  const characters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~+/= \n\0'
  for (let at = 0; at < text.length; at += 1) {
    const [before, after] = [text.slice(0, at), text.slice(at + 1)]
    for (const character of characters) {
      if (character !== text[at]) assert.equal(verify('rt', 'demo', before + character + after, [ours]), undefined)
      assert.equal(verify('rt', 'demo', before + character + text.slice(at), [ours]), undefined)
    }
    assert.equal(verify('rt', 'demo', before + after, [ours]), undefined)
  }
  for (const character of characters) assert.equal(verify('rt', 'demo', text + character, [ours]), undefined)
})

test('no other text verifies or throws', () => {
  const almost = fc.tuple(kind, fc.base64String()).map(([as, tail]) => `${as}_${tail}`)
  const right = fc.tuple(kind, fc.uint8Array({ minLength: 69, maxLength: 69 }))
  const rightShape = right.map(([as, bytes]) => `${as}_${Buffer.from(bytes).toString('base64url')}`)
  const anything = fc.oneof(fc.string({ unit: anyCharacter }), fc.string({ unit: 'grapheme' }), almost, rightShape)
  fc.assert(
    fc.property(kind, anything, (as, wire) => assert.equal(verify(as, 'demo', wire, [ours]), undefined)),
    { numRuns: 1_000 },
  )
})

test('each salt has its own hash', () => {
  fc.assert(
    fc.property(sixteenBytes, sixteenBytes, (one, other) => {
      assert.match(hashSalt(one), /^[A-Za-z0-9_-]{43}$/)
      assert.notEqual(hashSalt(one), one)
      assert.equal(hashSalt(one) === hashSalt(other), one === other)
    }),
  )
})
