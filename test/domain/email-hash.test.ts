import assert from 'node:assert/strict'
import { test } from 'node:test'
import { emailHash } from '../../shared/domain/email-hash.ts'

const key = Buffer.alloc(32, 1)
const hash = (email: string, application = 'demo', by: Uint8Array = key) => emailHash(by, application, email)

test('spellings of the same e-mail address have one hash', () => {
  const [first, ...others] = ['ada@example.test', ' Ada@Example.TEST\n', 'ADA@EXAMPLE.TEST'].map((email) => hash(email))
  for (const other of others) assert.equal(other, first)
  assert.equal(hash('ren\u00e9@example.test'), hash('rene\u0301@example.test'), 'composed or not (Unicode NFC)')
})

test('the hash differs by address, application and key', () => {
  const hashes = [
    hash('ada@example.test'),
    hash('a.da@example.test'),
    hash('ada+work@example.test'),
    hash('ada@example.test', 'billing'),
    hash('ada@example.test', 'demo', Buffer.alloc(32, 2)),
  ]
  assert.equal(new Set(hashes).size, hashes.length)
  for (const one of hashes) assert.match(String(one), /^[\w-]{12}$/)
})

test('a text that is no e-mail address has no hash', () => {
  for (const text of ['', 'ada', 'ada@', '@example.test', 'ada lovelace@example.test', 'a@b@c']) {
    assert.equal(hash(text), undefined, text)
  }
})
