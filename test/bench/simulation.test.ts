/**
 * The simulation computes what a real item would weigh, and draws the same sessions from the same seed.
 */

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { marshall } from '@aws-sdk/util-dynamodb'
import { EncryptJWT } from 'jose'
import { itemBytes, plainBytes, type WireItem } from '../../bench/item-size.ts'
import { costAt } from '../../bench/simulation/growth.ts'
import { heatOf, sharesAt } from '../../bench/simulation/heat.ts'
import { coldMs, latencyAt, warmMs } from '../../bench/simulation/latency.ts'
import { lifeOf, providerScope, sealedLength } from '../../bench/simulation/life.ts'
import { limits } from '../../bench/simulation/limits.ts'
import { drawOwners, drawSession } from '../../bench/simulation/population.ts'
import { billOfRefreshes, billOfStack, billOfStorage, refreshUses, totalOf } from '../../bench/simulation/prices.ts'
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

test('a month of very many refreshes is charged by the tiers of API Gateway', () => {
  const gatewayOf = (count: number) => new Map(billOfRefreshes(count, 1, 0)).get('API Gateway, REST')!
  assert.equal(gatewayOf(333e6).toFixed(2), (333 * 3.5).toFixed(2))
  assert.equal(gatewayOf(2e9).toFixed(2), (333 * 3.5 + 667 * 2.8 + 1000 * 2.38).toFixed(2))
})

describe('the model of Lambda', () => {
  const latency = (perSecond: number) => latencyAt(perSecond, 5_000, chanceFrom(1))

  test('starts a function for a refresh an hour unless the last was within ten minutes', () => {
    const { half, coldShare } = latency(1 / 3600)
    assert.equal(half, coldMs)
    // Of arrivals at random, so many come later than that.
    assert.ok(Math.abs(coldShare - Math.exp(-600 / 3600)) < 0.02, `${coldShare}`)
  })

  test('serves a steady load by warm functions that have read what they need', () => {
    const { half, slow, coldShare } = latency(1_000)
    assert.deepEqual([half, slow, coldShare], [warmMs, warmMs, 0])
  })
})

test('the hottest client has half of the sessions, the hottest subject is the service account', () => {
  const [one, many] = sharesAt([1, 20_000], drawOwners(chanceFrom(1)))
  assert.deepEqual(one, { sessions: 1, partition: 1, client: 1, subject: 1, email: 1 })
  const isNear = (share: number, expected: number) => Math.abs(share / expected - 1) < 0.1
  assert.ok(isNear(many!.client, 1 / 2) && isNear(many!.partition, 1 / 4) && isNear(many!.subject, 1 / 50), `${many}`)
  assert.equal(many!.email, 10 / 20_000)
})

test('docs/scale.md states the dollars, milliseconds and limits that the simulation calculates', () => {
  const page = readFileSync(new URL('../../docs/scale.md', import.meta.url), 'utf8').replaceAll(/\s+/g, ' ')
  const size = { table: 844e-9, indexes: 729e-9 }
  const round = (number: number, digits: number) => Number(number.toPrecision(digits)).toLocaleString('en')
  const million = costAt(1e6, 1e6 / 3600, size)
  const stated = [
    `a million cost ${round(million.total, 3)} dollars a month`,
    `up to ${round(costAt(0, 10_000, size).total, 2)} dollars`,
    `**${totalOf(billOfRefreshes(1e6, 1, 0)).toFixed(2)}**`,
    `read units come on top: ${totalOf(billOfRefreshes(1e6, 1, 1.46)).toFixed(2)}`,
    `only kept cost ${totalOf(billOfStorage(0.844, 0.729)).toFixed(2)}`,
    `An unused stack costs up to ${totalOf(billOfStack()).toFixed(2)}`,
    `99 of 100 take ${warmMs.toFixed(0)} ms`,
    `wait ${(coldMs / 1000).toFixed(2)} s`,
    `| ${round(limits.rush, 2)}; then Lambda`,
  ]
  assert.deepEqual(
    stated.filter((words) => !page.includes(words)),
    [],
  )
  assert.equal(refreshUses.milliseconds, Math.ceil(warmMs))
})
