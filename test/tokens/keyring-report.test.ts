import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import { describeKeyring } from '../../shared/tokens/keyring-report.ts'
import { generateKeyring, parseKeyring, writeKeyring } from '../../shared/tokens/keyring-secret.ts'
import { replacementFault, testKeyring } from '../../shared/tokens/keyring-trial.ts'
import { leadSeconds, maxIdleSeconds, retireKeys, rotateKeyring } from '../../shared/tokens/rotation.ts'
import { now } from '../support/families.ts'
import { counted, named, textOf } from '../support/keyrings.ts'

const day = 86_400_000
const leadMs = leadSeconds * 1000

let first: string
before(async () => {
  first = await generateKeyring(now)
})

describe('the list', () => {
  test('the key list has name, kind, status and times of each key, and no key material', async () => {
    const rotated = textOf(await rotateKeyring(first, now + day))
    const told = describeKeyring(rotated, now + day + leadMs)
    assert.equal(told.length, 13)
    assert.deepEqual(told[0], {
      ...{ kind: 'signing', key: named(rotated, 'ES256', 'current')[0], alg: 'ES256', status: 'current', in_use: true },
      published_at: new Date(now).toISOString(),
      used_from: new Date(now + day + leadMs).toISOString(),
    })
    const previous = told.find(({ kind, status }) => kind === 'mac' && status === 'previous')
    assert.deepEqual(previous, {
      ...{ kind: 'mac', key: 'mac-1', alg: 'HMAC-SHA-256', status: 'previous', in_use: false },
      ...{ published_at: new Date(now).toISOString(), used_from: new Date(now).toISOString() },
      used_until: new Date(now + day + leadMs).toISOString(),
      kept_until: new Date(now + day + 2 * leadMs + maxIdleSeconds * 1000).toISOString(),
    })
    const { signing, mac, seal: seals, lookup } = parseKeyring(rotated)
    for (const secret of [...signing.map(({ jwk }) => jwk.d), ...[...mac, ...seals, lookup!].map(({ key }) => key)]) {
      assert.ok(!JSON.stringify(told).includes(secret!))
    }
  })

  test('the key list shows the previous key in use until the handover', async () => {
    const rotated = textOf(await rotateKeyring(first, now + day))
    const inUse = describeKeyring(rotated, now + day).filter((key) => key.in_use)
    assert.deepEqual(
      inUse.map(({ kind, status }) => [kind, status]),
      [...['signing', 'signing', 'mac', 'seal'].map((kind) => [kind, 'previous']), ['lookup', 'current']],
    )
  })
})

describe('the trial', () => {
  test('a keyring just derived from the current one passes the trial', async () => {
    const rotated = textOf(await rotateKeyring(first, now + day))
    await testKeyring(rotated, now + day)
    assert.equal(replacementFault(first, rotated, now + day + 300_000), undefined)
  })

  test('a keyring that is too old, of another origin or incomplete fails the trial', async () => {
    const rotated = textOf(await rotateKeyring(first, now + day, counted()))
    assert.match(replacementFault(first, rotated, now + day + 301_000) ?? '', /too long ago/)
    const emergency = textOf(await retireKeys(first, ['mac-1'], now + day, counted()))
    assert.match(replacementFault(emergency, rotated, now + day) ?? '', /does not follow/)
    assert.match(replacementFault(first, first, now + day) ?? '', /does not follow/)
    const { seal: seals, ...rest } = parseKeyring(rotated)
    const lacking = writeKeyring({ ...rest, seal: seals.filter(({ status }) => status !== 'previous') })
    assert.match(replacementFault(first, lacking, now + day) ?? '', /lacks a key/)
  })

  test('a keyring with a mismatched public key fails the trial', async () => {
    const { signing, ...rest } = parseKeyring(first)
    const [es, rs, ...next] = signing
    const other = next.find(({ alg }) => alg === 'ES256')!
    const crossed = { ...es!, jwk: { ...es!.jwk, x: other.jwk.x!, y: other.jwk.y! } }
    await assert.rejects(testKeyring(writeKeyring({ ...rest, signing: [crossed, rs!, ...next] }), now))
  })
})
