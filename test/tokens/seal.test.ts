import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import fc from 'fast-check'
import { base64url, EncryptJWT } from 'jose'
import { type Keyring, readKeyring } from '../../shared/tokens/keyring.ts'
import { generateKeyring } from '../../shared/tokens/keyring-secret.ts'
import { type Sealing, seal, unseal, unsealForProvider } from '../../shared/tokens/seal.ts'
import { anyCharacter } from '../support/any-character.ts'
import { now } from '../support/families.ts'

const sealing: Sealing = { purpose: 'question', application: 'demo', nowMs: now }
const value = { state: 'a secret', nested: { list: [1, 'two', null] } }

let keyring: Keyring
let sealed: string
before(async () => {
  keyring = await readKeyring(await generateKeyring(now))
  sealed = await seal(keyring, sealing, value, 900)
})

const open = (text: string, changes: Partial<Sealing> = {}) => unseal(keyring, { ...sealing, ...changes }, text)

test('any JSON value is unsealed unchanged', async () => {
  assert.deepEqual(await open(sealed), value)
  await fc.assert(
    fc.asyncProperty(fc.jsonValue(), async (drawn) => {
      const text = await seal(keyring, sealing, drawn, 60)
      assert.match(text, /^[A-Za-z0-9_.-]+$/)
      assert.deepEqual(await open(text), JSON.parse(JSON.stringify(drawn)))
    }),
    { numRuns: 50 },
  )
})

test('a sealed value cannot be read', () => {
  for (const part of sealed.split('.')) assert.ok(!Buffer.from(part, 'base64url').includes('secret'))
})

test('a value sealed twice gives two texts', async () => {
  assert.notEqual(await seal(keyring, sealing, value, 900), sealed)
})

test('a seal for another purpose or application cannot be unsealed', async () => {
  assert.equal(await open(sealed, { purpose: 'ops-cursor' }), undefined)
  assert.equal(await open(sealed, { application: 'other' }), undefined)
})

test('a seal expires after its lifetime', async () => {
  assert.deepEqual(await open(sealed, { nowMs: now + 899_999 }), value)
  assert.equal(await open(sealed, { nowMs: now + 900_000 }), undefined)
})

test('a seal with a part changed, removed or copied from another cannot be unsealed', async () => {
  const other = await seal(keyring, sealing, { state: 'another' }, 900)
  const [parts, others] = [sealed.split('.'), other.split('.')]
  assert.equal(parts.length, 5)
  for (const [at, part] of parts.entries()) {
    const swapped = parts.with(at, others[at] ?? '').join('.')
    if (part !== others[at]) assert.equal(await open(swapped), undefined, `part ${at} moved`)
    if (part !== '') assert.equal(await open(parts.with(at, '').join('.')), undefined, `part ${at} left out`)
    for (let character = 0; character < part.length; character += 7) {
      const letter = part[character] === 'A' ? 'B' : 'A'
      const changed = part.slice(0, character) + letter + part.slice(character + 1)
      // The last character may have bits to spare: two spellings of the same bytes.
      if (Buffer.from(changed, 'base64url').equals(Buffer.from(part, 'base64url'))) continue
      assert.equal(await open(parts.with(at, changed).join('.')), undefined, `part ${at}, character ${character}`)
    }
  }
})

test('a seal can be unsealed with a previous key, and not with another keyring', async () => {
  const text = await generateKeyring(now)
  assert.equal(await unseal(await readKeyring(text), sealing, sealed), undefined)
  const rotated = JSON.parse(text) as { seal: { status: string; kid: string; key: string }[] }
  const { kid, key } = keyring.sealKey(now)
  rotated.seal.push({ status: 'previous', kid, key: Buffer.from(key).toString('base64url') })
  const kept = await readKeyring(JSON.stringify(rotated))
  assert.deepEqual(await unseal(kept, sealing, sealed), value)
  assert.notEqual((await seal(kept, sealing, value, 60)).split('.')[0], sealed.split('.')[0], 'but seals no more')
})

test('a JWE with another algorithm is refused although the key fits', async () => {
  const { kid, key } = keyring.sealKey(now)
  const weaker = await new EncryptJWT({ value, iss: 'demo', aud: 'sign-in', exp: now / 1000 + 900 })
    .setProtectedHeader({ alg: 'A256GCMKW', enc: 'A128GCM', kid })
    .encrypt(key)
  assert.equal(await open(weaker), undefined)
  const header = base64url.encode(JSON.stringify({ alg: 'dir', enc: 'A256GCM' }))
  assert.equal(await open([header, ...sealed.split('.').slice(1)].join('.')), undefined, 'nor without a kid')
})

test('unseal throws for no text', async () => {
  const like = fc.array(fc.base64String(), { minLength: 1, maxLength: 6 }).map((parts) => parts.join('.'))
  await fc.assert(
    fc.asyncProperty(fc.oneof(fc.string({ unit: anyCharacter }), like), async (text) =>
      assert.equal(await open(text), undefined),
    ),
    { numRuns: 300 },
  )
})

test('unseal rethrows a fault of the broker', async () => {
  const broken = {
    ...keyring,
    get sealKeys(): never {
      throw new TypeError('broken')
    },
  }
  await assert.rejects(unseal(broken, sealing, sealed), TypeError)
})

describe('for a provider', () => {
  const bound = { purpose: 'sign-in', application: 'demo', nowMs: now } as const
  const own = () => seal(keyring, { ...bound, provider: 'one' }, value, 900)
  const openFor = async (text: string, ...providers: string[]) =>
    unsealForProvider(keyring, { ...bound, providers }, text)

  test('a value sealed for a provider is unsealed for it and its accepted other addresses', async () => {
    assert.deepEqual(await openFor(await own(), 'one'), { value })
    assert.deepEqual(await openFor(await own(), 'two', 'one'), { value })
  })

  test('a value sealed for another provider is told from a forged one', async () => {
    assert.equal(await openFor(await own(), 'two'), 'other-provider')
    assert.equal(await openFor(await own()), 'other-provider')
    assert.equal(await openFor(`${(await own()).slice(0, -4)}AAAA`, 'one'), undefined)
    const ended = { ...bound, nowMs: now + 900_000, providers: ['one'] }
    assert.equal(await unsealForProvider(keyring, ended, await own()), undefined)
  })

  test('a value sealed without a provider is unsealed for no provider', async () => {
    const unbound = await seal(keyring, { ...bound, provider: undefined as never }, value, 900)
    assert.equal(await openFor(unbound, 'one', 'undefined'), 'other-provider')
  })
})
