import assert from 'node:assert/strict'
import { createSecretKey } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  formatUserCode,
  generateUserCode,
  parseUserCode,
  sidOfUserCode,
  userCodeAlphabet,
  userCodeFault,
  userCodeProof,
  verifyUserCodeProof,
} from '../../shared/domain/user-code.ts'
import { anyCharacter } from '../support/any-character.ts'

const letter = fc.constantFrom(...userCodeAlphabet)
const userCode = fc.array(letter, { minLength: 8, maxLength: 8 }).map((letters) => letters.join(''))
const macKey = { id: 1, key: createSecretKey(Buffer.alloc(32, 7)) }

test('the alphabet of user codes has no vowels, no Y and no digits', () => {
  assert.equal(userCodeAlphabet, 'BCDFGHJKLMNPQRSTVWXZ')
})

test('a user code is formatted as four letters, a dash and four letters, and parses back', () => {
  fc.assert(
    fc.property(userCode, (code) => {
      assert.match(formatUserCode(code), /^[B-Z]{4}-[B-Z]{4}$/)
      assert.equal(parseUserCode(formatUserCode(code)), code)
      assert.equal(parseUserCode(code), code)
    }),
  )
})

test('parseUserCode ignores case, dashes, dots, underscores and spaces anywhere', () => {
  const noise = fc.array(fc.constantFrom(' ', '-', '.', '_', '\t', '\u2010', '\u2013', '\u2014', '\u00a0', '\n'), {
    maxLength: 3,
  })
  const noises = fc.array(noise, { minLength: 9, maxLength: 9 })
  const lowered = fc.array(fc.boolean(), { minLength: 8, maxLength: 8 })
  fc.assert(
    fc.property(userCode, noises, lowered, (code, around, low) => {
      const letters = [...code].map((character, at) => (low[at] ? character.toLowerCase() : character))
      const typed = around.map((noisy, at) => noisy.join('') + (letters[at] ?? '')).join('')
      assert.equal(parseUserCode(typed), code)
    }),
  )
})

test('parseUserCode returns only valid codes, and no text throws', () => {
  fc.assert(
    fc.property(
      fc.oneof(fc.string({ unit: anyCharacter }), fc.string(), fc.string({ unit: letter, maxLength: 12 })),
      (typed) => {
        const read = parseUserCode(typed)
        if (read !== undefined) assert.match(read, new RegExp(`^[${userCodeAlphabet}]{8}$`))
      },
    ),
    { numRuns: 1_000 },
  )
})

test('a user code with a letter too few or too many, a vowel or a digit is refused', () => {
  for (const typed of ['', 'BCDFGHJ', 'BCDFGHJKL', 'ACDFGHJK', 'BCDFGHJ0', 'BCDF+GHJK', 'BCDFGHJK\0']) {
    assert.equal(parseUserCode(typed), undefined, JSON.stringify(typed))
  }
})

test('userCodeFault reports a wrong length, or each invalid character once', () => {
  for (const typed of ['', 'BCDFGHJ', 'BCDFGHJKL', 'AAAA', 'B'.repeat(65)]) {
    assert.deepEqual(userCodeFault(typed), { kind: 'length' }, typed)
  }
  assert.deepEqual(userCodeFault('aeio-uaei'), { kind: 'alphabet', invalidCharacters: ['A', 'E', 'I', 'O', 'U'] })
  assert.deepEqual(userCodeFault('BCDF-GH10'), { kind: 'alphabet', invalidCharacters: ['1', '0'] })
  fc.assert(
    fc.property(fc.oneof(userCode, fc.string({ unit: anyCharacter }), fc.string({ unit: letter })), (typed) => {
      assert.equal(userCodeFault(typed) === undefined, parseUserCode(typed) !== undefined)
    }),
  )
})

test('the proof in a link is valid for its code, application and key only', () => {
  const other = { id: 2, key: createSecretKey(Buffer.alloc(32, 8)) }
  fc.assert(
    fc.property(userCode, userCode, (one, another) => {
      const proof = userCodeProof('demo', one, macKey)
      assert.match(proof, /^[\w-]{16}$/)
      assert.ok(verifyUserCodeProof('demo', one, proof, [other, macKey]))
      assert.ok(!verifyUserCodeProof('demo', one, proof, [other]))
      assert.ok(!verifyUserCodeProof('demo2', one, proof, [macKey]))
      assert.equal(verifyUserCodeProof('demo', another, proof, [macKey]), one === another)
      for (const forged of ['', proof.slice(1), `${proof}A`, 'A'.repeat(16), sidOfUserCode('demo', one, macKey)])
        assert.ok(!verifyUserCodeProof('demo', one, forged, [macKey]), forged)
    }),
  )
})

test('parseUserCode refuses a very long text', () => {
  assert.equal(parseUserCode(`${' '.repeat(56)}BCDFGHJK`), 'BCDFGHJK')
  assert.equal(parseUserCode(`${' '.repeat(57)}BCDFGHJK`), undefined)
})

test('generated user codes are valid, and letters are evenly distributed at each place', () => {
  const draws = 10_000
  const counts = Array.from({ length: 8 }, () => new Map<string, number>())
  const drawn = new Set<string>()
  for (let count = 0; count < draws; count += 1) {
    const code = generateUserCode()
    assert.equal(parseUserCode(code), code)
    drawn.add(code)
    for (const [at, character] of [...code].entries()) counts[at]?.set(character, (counts[at].get(character) ?? 0) + 1)
  }
  assert.ok(drawn.size > draws - 5, `${draws - drawn.size} draws were drawn before`)
  // Expected 500 each with a deviation of 22: seven deviations are met once in 10^10 runs.
  for (const [at, place] of counts.entries()) {
    assert.equal(place.size, userCodeAlphabet.length, `place ${at}`)
    for (const [character, count] of place) assert.ok(Math.abs(count - 500) < 154, `${character} at ${at}: ${count}`)
  }
})

test('the sid differs by user code, application and key', () => {
  const applications = fc.constantFrom('demo', 'demo2', 'd', 'auth0like')
  fc.assert(
    fc.property(userCode, userCode, applications, applications, (one, other, at, elsewhere) => {
      const sid = sidOfUserCode(at, one, macKey)
      assert.equal(Buffer.from(sid, 'base64url').length, 16)
      assert.equal(sidOfUserCode(at, one, macKey), sid)
      assert.equal(sidOfUserCode(elsewhere, one, macKey) === sid, at === elsewhere)
      assert.equal(sidOfUserCode(at, other, macKey) === sid, one === other)
      assert.notEqual(sidOfUserCode(at, one, { id: 1, key: createSecretKey(Buffer.alloc(32, 8)) }), sid)
      assert.ok(!Buffer.from(sid, 'base64url').includes(one), 'the code does not stand in it')
    }),
  )
})
