/**
 * The simulation computes what a real item would weigh, and draws the same sessions from the same seed.
 */

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { marshall } from '@aws-sdk/util-dynamodb'
import { EncryptJWT } from 'jose'
import { itemBytes, plainBytes, type WireItem } from '../../bench/item-size.ts'
import { heatOf } from '../../bench/simulation/heat.ts'
import { lifeOf, providerScope, sealedLength } from '../../bench/simulation/life.ts'
import { drawSession } from '../../bench/simulation/population.ts'
import { billOfRefreshes, totalOf } from '../../bench/simulation/prices.ts'
import { chanceFrom } from '../../bench/simulation/random.ts'
import { randomId } from '../../shared/random.ts'

test('an item weighs the same before it is on the wire', () => {
  const item = {
    text: 'Zoë',
    n: -1_760_000.5,
    zero: 0,
    times: [1_790_067_601_234, -1_200, 7],
    yes: true,
    list: ['a', 'bc'],
    map: { in: 'it', deep: { er: 1 } },
  }
  assert.equal(plainBytes({ ...item, absent: undefined }), itemBytes(marshall(item) as unknown as WireItem))
})

test('the same seed draws the same sessions, and another one others', () => {
  const drawn = (seed: number) => {
    const chance = chanceFrom(seed)
    return Array.from({ length: 20 }, () => drawSession(chance))
  }
  assert.deepEqual(drawn(1), drawn(1))
  assert.notDeepEqual(drawn(1), drawn(2))
})

test('a refresh of an ordinary session is one write unit, and its start what docs/storage.md says', () => {
  const chance = chanceFrom(1)
  for (let count = 0; count < 200; count += 1) {
    const drawn = drawSession(chance)
    const life = lifeOf(drawn)
    assert.ok(life.activeBytes > 400 && life.activeBytes <= 1_100, String(life.activeBytes))
    // Until its first refresh it holds what it was started with, beside all that it holds then.
    if (life.activeBytes > 800) continue
    assert.equal(life.refreshUnits, 1)
    assert.equal(life.startUnits, drawn.flow === 'code' ? 5 : 8)
  }
})

test('what is sealed is as long as it is computed to be', async () => {
  const claims = {
    ...{ value: { accessToken: 'a'.repeat(900), refreshToken: 'r'.repeat(64), scope: providerScope }, iss: 'wiremock' },
    ...{ aud: `provider ${randomId()} ${randomId().slice(0, 11)}`, iat: 1_790_067_601, exp: 1_821_603_601 },
  }
  const sealed = await new EncryptJWT(claims)
    .setProtectedHeader({ alg: 'dir', enc: 'A256GCM', kid: randomBytes(8).toString('hex') })
    .encrypt(randomBytes(32))
  assert.equal(sealedLength(900, 64, 'wiremock'), sealed.length)
})

test('keys that are random lie evenly, and one key does not', () => {
  const keys = Array.from({ length: 10_000 }, (_, index) => `family#${index}`)
  assert.ok(heatOf(keys, 10).fullest < 1.1)
  assert.equal(heatOf(['one', 'one'], 10).fullest, 10)
})

test('a bill grows with what is used', () => {
  assert.ok(totalOf(billOfRefreshes(1, 2, 1)) > totalOf(billOfRefreshes(1, 1, 0)))
})
