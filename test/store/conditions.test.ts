/**
 * The condition that DynamoDB checks (shared/store/expressions.ts) and the guards in memory (shared/domain/guard.ts) mean
 * the same, and both make the same family of a transition.
 */

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import fc from 'fast-check'
import { maxAudiences, maxClientAudiences } from '../../shared/domain/audience.ts'
import { expireDeviceCode } from '../../shared/domain/expire-device-code.ts'
import type { Family } from '../../shared/domain/family.ts'
import { firstFailure, type Guard } from '../../shared/domain/guard.ts'
import { maxScopes } from '../../shared/domain/scope.ts'
import type { CodeBinding, SessionPolicy, VerifiedCredential } from '../../shared/domain/single-use.ts'
import {
  decide,
  increaseInterval,
  recordPoll,
  redeem,
  revoke,
  rotate,
  type Transition,
} from '../../shared/domain/transitions.ts'
import { updateItem } from '../../shared/store/conditional-write.ts'
import { updateExpressions } from '../../shared/store/expressions.ts'
import { familyKey } from '../../shared/store/families.ts'
import type { Item } from '../../shared/store/items.ts'
import { active, binding, credential, now, person } from '../support/families.ts'
import { changed } from '../support/memory.ts'
import { putFamilies, startTable, type TestTable } from '../support/table.ts'

let table: TestTable
before(async () => {
  table = await startTable()
})
after(() => table.stop())

// Of few values each, so that what is asked and what is there meet often, and by one in ten at a limit's very moment.
const time = fc.constantFrom(now - 100_000, now - 1, now, now + 1, now + 100_000)
const generation = fc.constantFrom(0, 1, 2, 3)
const maybe = <Value>(value: fc.Arbitrary<Value>) => fc.option(value, { nil: undefined, freq: 4 })
const url = fc.constantFrom(binding.redirectUri, 'https://app.example/CB')
const challenge = fc.constantFrom('c'.repeat(43), 'd'.repeat(43))

const family: fc.Arbitrary<Family> = fc
  .record({
    state: fc.constantFrom('pending', 'approved', 'denied', 'active', 'revoked'),
    application: fc.constantFrom('demo', 'demo', 'demo', 'other'),
    clientId: fc.constantFrom('cli', 'cli', 'cli', 'job'),
    saltHash: fc.constantFrom('salt', 'salt', 'salt', 'pepper'),
    flow: fc.constantFrom('device', 'code'),
    generation,
    createdAt: time,
    codeExpiresAt: time,
    nextPollAt: maybe(time),
    pollIntervalMs: fc.constantFrom(5_000, 10_000),
    rotatedAt: maybe(time),
    absoluteExpiresAt: maybe(time),
    sessionLifetimeMs: fc.constantFrom(60_000, 1_000_000),
    lingerSeconds: fc.constantFrom(90_000, 100_000),
    previousWriteId: maybe(fc.constant('the one before')),
    redirectUri: maybe(url),
    codeChallenge: maybe(challenge),
    nonce: maybe(fc.constant('n')),
    scopes: fc.subarray(['openid', 'email', 'offline_access']),
    audiences: fc.subarray(['https://api.example.test', 'a', 'b', 'c'], { minLength: 1 }),
    writeId: fc.constant('another'),
  })
  .map((drawn) => {
    const { redirectUri: _, codeChallenge: __, nonce: ___, ...base } = active(1)
    return without({ ...base, ...drawn }) as Family
  })

const presented: fc.Arbitrary<VerifiedCredential> = fc.record({
  application: fc.constantFrom('demo', 'demo', 'demo', 'other'),
  clientId: fc.constantFrom('cli', 'cli', 'cli', 'job'),
  saltHash: fc.constantFrom('salt', 'salt', 'salt', 'pepper'),
  sid: fc.constant('to be set'),
  generation,
})
const holding: fc.Arbitrary<SessionPolicy> = fc.record({
  accessTokenSeconds: fc.constant(60),
  idleSeconds: fc.constantFrom(1, 100, 1000),
  absoluteSeconds: fc.constant(1000),
  graceSeconds: fc.constantFrom(0, 10),
  revokedBefore: fc.constantFrom(0, now - 1, now),
  audiences: fc.constantFrom(['https://api.example.test'], ['a', 'https://api.example.test'], ['a', 'b', 'c']),
})
const bound: fc.Arbitrary<CodeBinding> = fc.record({ redirectUri: url, codeChallenge: maybe(challenge) })
const moment = { now, writeId: 'mine' }

const transition: fc.Arbitrary<Transition> = fc.oneof(
  fc.tuple(presented, holding).map(([by, held]) => recordPoll(by, held, moment)),
  fc.tuple(presented, fc.constantFrom(5_000, 10_000)).map(([by, seen]) => increaseInterval(by, seen, moment)),
  presented.map((by) => expireDeviceCode(by.application, by.sid, moment)),
  presented.map((by) => decide(by.application, by.sid, { approve: person, codeExpiresAt: now + 100_000 }, moment)),
  presented.map((by) => decide(by.application, by.sid, { deny: true }, moment)),
  fc.tuple(presented, holding, maybe(bound)).map(([by, held, code]) => redeem(by, held, code, moment)),
  fc
    .tuple(
      presented,
      holding,
      fc.subarray(['openid', 'email', 'admin'], { maxLength: 2 }),
      fc.subarray(['a', 'b', 'https://api.example.test/']),
    )
    .map(([by, held, scopes, audiences]) => rotate(by, held, { scopes, audiences }, moment)),
  presented.map((by) => revoke(by, 'reuse', moment)),
  presented.map(({ saltHash: _, ...by }) => revoke(by, 'client', moment)),
)

/** Guards that no transition has, too: whatever can be said is to mean the same at both places. */
const attribute = fc.constantFrom<keyof Family>(
  'state',
  'generation',
  'rotatedAt',
  'nonce',
  'scopes',
  'person',
  'nextPollAt',
)
const onFailure = () => ({ kind: 'unknown' }) as const
const word = fc.constantFrom('active', 'n', 'openid', 'a', '')
const value = fc.oneof(word, fc.constantFrom(-1, 0, 1, 2, now))
const anyGuard: fc.Arbitrary<Guard> = fc.oneof(
  fc
    .tuple(attribute, fc.constantFrom('=' as const, '>' as const, '<=' as const), value)
    .map(([name, is, against]) => ({ attribute: name, is, value: against, onFailure }) as Guard),
  fc
    .tuple(attribute, fc.array(word, { minLength: 1, maxLength: 3 }))
    .map(([name, values]) => ({ attribute: name, is: 'in', values, onFailure }) as const),
  fc
    .tuple(fc.constant('scopes' as const), word)
    .map(([name, element]) => ({ attribute: name, is: 'contains', value: element, onFailure }) as const),
  attribute.map((name) => ({ attribute: name, is: 'absent', onFailure }) as const),
  fc
    .tuple(
      fc.constantFrom('scopes' as const, 'audiences' as const, 'nonce' as const),
      fc.uniqueArray(fc.constantFrom('openid', 'email', 'a', 'b', 'https://api.example.test'), { minLength: 1 }),
      fc.constantFrom(1, 2, 8),
    )
    .map(([name, values, maxLength]) => ({ attribute: name, is: 'within', values, maxLength, onFailure }) as const),
)

type Tried = { readonly holds: boolean; readonly family: Family }

/** Carries a transition out at DynamoDB. */
async function atDynamodb(asked: Transition): Promise<Tried> {
  const { written, item } = await updateItem<Item>(table, {
    key: familyKey(asked.sid),
    conditions: asked.guards,
    writeId: asked.writeId,
    change: asked,
  })
  const { pk: _, sk: __, ...attributes } = item!
  return { holds: written, family: attributes as Item as Family }
}

function inMemory(asked: Transition, start: Family): Tried {
  const stands = firstFailure(asked.guards, start) === undefined
  return { holds: stands, family: stands ? changed(asked, start) : start }
}

let drawn = 0
/** Both judge the same, of 240 pairs; each batch puts its families by one request. */
function sameOnBoth(pairs: fc.Arbitrary<readonly [Family, Transition]>): Promise<{ held: number; failed: number }> {
  const seen = { held: 0, failed: 0 }
  const compare = async ([start, asked]: readonly [Family, Transition]) => {
    const expected = inMemory(asked, start)
    assert.deepEqual(await atDynamodb(asked), expected)
    seen[expected.holds ? 'held' : 'failed'] += 1
  }
  const batches = fc.array(pairs, { minLength: 24, maxLength: 24 })
  const property = fc.asyncProperty(batches, async (batch) => {
    const named = batch.map(([start, asked]) => {
      drawn += 1
      const sid = `family-${drawn}`
      return [
        { ...start, sid },
        { ...asked, sid },
      ] as const
    })
    const starts = named.map(([start]) => start)
    await putFamilies(table, starts)
    await Promise.all(named.map(compare))
  })
  return fc.assert(property, { numRuns: 10 }).then(() => seen)
}

test('every transition: DynamoDB carries it out exactly when the guards hold, and makes the same family of it', async () => {
  const seen = await sameOnBoth(fc.tuple(family, transition))
  // About 15 are expected to hold.
  assert.ok(seen.held > 2 && seen.failed > 20, `${seen.held} held, ${seen.failed} failed`)
})

test('every single guard of every transition means the same at both places', async () => {
  const single = fc.tuple(family, transition, fc.nat()).map(([start, asked, at]) => {
    return [start, { ...asked, guards: [asked.guards[at % asked.guards.length]!] }] as const
  })
  const seen = await sameOnBoth(single)
  assert.ok(seen.held > 50 && seen.failed > 20, `${seen.held} held, ${seen.failed} failed`)
})

test('any guard that could be written means the same at both places', async () => {
  const single = fc.tuple(family, anyGuard).map(([start, guard]) => {
    const asked: Transition = {
      name: 'recordPoll',
      sid: '',
      writeId: 'mine',
      guards: [guard],
      set: { writeId: 'mine' },
    }
    return [start, asked] as const
  })
  const seen = await sameOnBoth(single)
  // About 15 are expected to hold.
  assert.ok(seen.held > 2 && seen.failed > 20, `${seen.held} held, ${seen.failed} failed`)
})

test('no attribute is named but by a placeholder, and no value is written into an expression', () => {
  const asked = redeem({ ...active(1), generation: 0 }, { ...active(1), ...heldFor(7) }, binding, moment)
  const {
    ConditionExpression = '',
    UpdateExpression = '',
    ExpressionAttributeValues,
    ExpressionAttributeNames,
  } = updateExpressions(asked.guards, asked)
  const bare = `${ConditionExpression} ${UpdateExpression}`.replaceAll(/[#:]\w+/g, '')
  assert.match(bare, /^(AND|OR|IN|SET|REMOVE|attribute_not_exists|\[\d\]|[\s=<>(),+])*$/)
  assert.equal(
    new Set(Object.values(ExpressionAttributeNames ?? {})).size,
    Object.keys(ExpressionAttributeNames ?? {}).length,
  )
  assert.ok(Object.keys(ExpressionAttributeValues ?? {}).length > 10)
})

test('the longest condition that a caller can ask for is within the 4 KB and the 300 operators of DynamoDB', () => {
  const many = (count: number, letter: string) => Array.from({ length: count }, (_, at) => `${letter}${at}`)
  const held = { ...heldFor(7), audiences: many(maxClientAudiences, 'https://') }
  const all = rotate(credential(1), held, { scopes: many(maxScopes, 's') }, moment)
  const some = rotate(credential(1), held, { scopes: many(maxScopes, 's'), audiences: many(maxAudiences, 'a') }, moment)
  for (const asked of [all, some]) {
    const { ConditionExpression = '' } = updateExpressions(asked.guards, asked)
    assert.ok(ConditionExpression.length < 4_096, `${ConditionExpression.length} characters`)
    const operators = ConditionExpression.match(/AND|OR|IN|contains|attribute_not_exists|[<>=]+/g) ?? []
    assert.ok(operators.length < 300, `${operators.length} operators`)
  }
})

function heldFor(seconds: number): SessionPolicy {
  return {
    accessTokenSeconds: seconds,
    idleSeconds: seconds,
    absoluteSeconds: seconds,
    graceSeconds: 0,
    revokedBefore: 0,
    audiences: ['a', 'b'],
  }
}

function without(attributes: object): object {
  return Object.fromEntries(Object.entries(attributes).filter(([, held]) => held !== undefined))
}
