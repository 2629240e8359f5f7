/** The model of DynamoDB against a real one: the same random requests, and the same answers to each. */

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type Chance, chanceFrom } from '../../../bench/simulation/random.ts'
import { type Condition, conditionExpressions, updateExpressions } from '../../../shared/store/expressions.ts'
import { indexes } from '../../../shared/store/table-schema.ts'
import { startTable, type TestTable } from '../../support/table.ts'
import { comparison, type Request } from './comparison.ts'

const requests = Number(process.env.REQUESTS ?? 400)
const seed = Number(process.env.SEED ?? Date.now() % 1_000_000)
let table: TestTable
before(async () => {
  table = await startTable()
})
after(() => table.stop())

// --- random requests ------------------------------------------------------------------------------------------------

type Random = Chance & {
  readonly one: <Choice>(of: readonly Choice[]) => Choice
  readonly some: <Choice>(make: () => Choice, most: number) => Choice[]
}

function randomFrom(from: number): Random {
  const chance = chanceFrom(from)
  return {
    ...chance,
    one: (of) => of[chance.between(0, of.length - 1)]!,
    some: (make, most) => Array.from({ length: chance.between(1, most) }, make),
  }
}

const texts = ['a', 'b', 'active', 'pending', 'https://api.example.test']
const textAttributes = ['state', 'clientId', 'subject', 'writeId']
const numberAttributes = ['generation', 'rotatedAt', 'createdAt', 'wrong']
const attributes = [...textAttributes, ...numberAttributes, 'audiences', 'person']

function keyFrom(random: Random) {
  return { pk: { S: `family#${random.between(0, 3)}` }, sk: { S: random.one(['family', 'provider#a', 'provider#b']) } }
}

function numberFrom(random: Random): number {
  return random.one([0, 1, 2, 3, 10, 1_790_067_600_000, 1_790_067_600.5, -1])
}

function itemFrom(random: Random): Record<string, unknown> {
  const item: Record<string, unknown> = { ...keyFrom(random) }
  for (const name of textAttributes) if (random.happens(0.6)) item[name] = { S: random.one(texts) }
  for (const name of numberAttributes) if (random.happens(0.6)) item[name] = { N: String(numberFrom(random)) }
  if (random.happens(0.5)) item.audiences = { L: random.some(() => ({ S: random.one(texts) }), 3) }
  if (random.happens(0.3)) item.person = { M: { sub: { S: 'ada' }, isAdult: { BOOL: random.happens(0.5) } } }
  return item
}

/** The kinds of conditions that the store writes, by the store's own writer. */
function conditionFrom(random: Random, depth = 0): Condition {
  const attribute = random.one(attributes)
  switch (random.between(0, depth > 0 ? 6 : 7)) {
    case 0:
      return {
        is: random.one(['=', '<', '<=', '>']),
        attribute,
        value: random.one<string | number>([...texts, 0, 1, 2]),
      }
    case 1:
      return { is: '=', attribute: 'generation', value: numberFrom(random) }
    case 2:
      return { is: 'in', attribute, values: random.some(() => random.one(texts), 4) }
    case 3:
      return { is: 'contains', attribute: random.one(['audiences', 'state', 'generation']), value: random.one(texts) }
    case 4:
      return { is: 'within', attribute: 'audiences', values: random.some(() => random.one(texts), 4), maxLength: 3 }
    case 5:
      return { is: random.one(['absent', 'present']), attribute: random.one([...attributes, 'audiences[1]', 'pk']) }
    case 6:
      return { is: 'present', attribute: 'pk' }
    default:
      return { is: 'any', of: random.some(() => conditionFrom(random, 1), 3) }
  }
}

function wireValue(plain: unknown): unknown {
  if (Array.isArray(plain)) return { L: plain.map(wireValue) }
  return typeof plain === 'number' ? { N: String(plain) } : { S: plain }
}

/** The store hands plain values to the document client; here they go to the wire. */
function onWire({ ExpressionAttributeValues: values, ...expressions }: ReturnType<typeof conditionExpressions>) {
  const marshalled =
    values && Object.fromEntries(Object.entries(values).map(([name, plain]) => [name, wireValue(plain)]))
  return { ...expressions, ...(marshalled && { ExpressionAttributeValues: marshalled }) }
}

/** @param repeats how often it names an attribute twice, which is refused */
function updateFrom(random: Random, repeats = 0.02): Record<string, unknown> {
  const taken = new Set(['writeId'])
  const fresh = (names: readonly string[]) => {
    const name = random.one(names)
    if (taken.has(name) && !random.happens(repeats)) return undefined
    taken.add(name)
    return name
  }
  const record = <Member>(names: readonly string[], make: () => Member, share: number) => {
    const name = random.happens(share) ? fresh(names) : undefined
    return name === undefined ? {} : { [name]: make() }
  }
  // Most random conditions fail.
  const conditions: Condition[] = random.happens(0.5)
    ? [{ is: 'present', attribute: 'pk' }]
    : random.some(() => conditionFrom(random), 3)
  const change = {
    set: {
      writeId: random.one(texts),
      ...record(['state', 'clientId'], () => random.one(texts), 0.7),
      ...record(numberAttributes, () => numberFrom(random), 0.5),
    },
    copy: record(['subject'], () => random.one(attributes), 0.2),
    sum: record(numberAttributes, () => [random.one([...numberAttributes, 'state']), 5] as const, 0.3),
    add: record(['wrong', 'generation'], () => random.one([1, -1]), 0.2),
    prepend: record(['audiences'], () => random.one(texts), 0.15),
    remove: random.happens(0.4) ? [fresh(attributes)].filter((name) => name !== undefined) : [],
  }
  return {
    Key: random.happens(0.01) ? { pk: { S: 'x' } } : keyFrom(random),
    ...onWire(updateExpressions(conditions, change)),
    ReturnValues: random.one(['ALL_NEW', 'UPDATED_NEW', 'NONE']),
    ReturnValuesOnConditionCheckFailure: random.one(['ALL_OLD', 'NONE']),
  }
}

function conditionalFrom(random: Random): object {
  if (random.happens(0.4)) return {}
  return {
    ...onWire(conditionExpressions(random.some(() => conditionFrom(random), 2))),
    ReturnValuesOnConditionCheckFailure: random.one(['ALL_OLD', 'NONE']),
  }
}

function queryFrom(random: Random): Request {
  const isOfTable = random.happens(0.5)
  const index = random.one(indexes)
  const start = isOfTable ? { pk: { S: `family#${random.between(0, 3)}` } } : undefined
  const names = isOfTable ? ['pk'] : [index.partitionKey.name]
  const input = isOfTable
    ? { KeyConditionExpression: 'pk = :pk', ExpressionAttributeValues: { ':pk': start!.pk }, ConsistentRead: true }
    : {
        IndexName: index.name,
        KeyConditionExpression: `${names[0]} = :value${random.happens(0.4) ? ` AND ${index.sortKey.name} <= :limit` : ''}`,
        ExpressionAttributeValues: { ':value': { S: random.one(texts) }, ':limit': { N: String(numberFrom(random)) } },
        ...(random.happens(0.3) &&
          index.projected.includes('application') && { FilterExpression: 'application = :value' }),
      }
  if (!isOfTable && !input.KeyConditionExpression.includes(':limit')) {
    delete (input.ExpressionAttributeValues as Record<string, unknown>)[':limit']
  }
  return {
    target: 'Query',
    input: { ...input, ScanIndexForward: random.happens(0.7), ...(random.happens(0.3) && isOfTable && { Limit: 2 }) },
  }
}

function requestFrom(random: Random): Request {
  switch (random.between(0, 11)) {
    case 0:
      return { target: 'GetItem', input: { Key: keyFrom(random), ConsistentRead: true } }
    case 1:
    case 2:
    case 3:
      return {
        target: 'PutItem',
        input: { Item: itemFrom(random), ...conditionalFrom(random), ReturnValues: random.one(['NONE', 'ALL_OLD']) },
      }
    case 4:
      return { target: 'DeleteItem', input: { Key: keyFrom(random), ...conditionalFrom(random) } }
    case 5:
      return queryFrom(random)
    case 6: {
      const keys = random.some(() => keyFrom(random), 3).map((key) => [JSON.stringify(key), key] as const)
      return { target: 'BatchGetItem', input: { Keys: [...new Map(keys).values()], ConsistentRead: true } }
    }
    case 7: {
      // Three items: a request that names one twice is refused, sometimes before and sometimes after its conditions.
      const [first, second, third] = [0, 1, 2].map((at) => ({ ...keyFrom(random), pk: { S: `family#${at}` } }))
      const { ReturnValues: _, ...update } = updateFrom(random, 0)
      const put = { Put: { Item: { ...itemFrom(random), ...second } } }
      return {
        target: 'TransactWriteItems',
        input: { TransactItems: [{ Update: { ...update, Key: first } }, put, { Delete: { Key: third } }] },
      }
    }
    default:
      return { target: 'UpdateItem', input: updateFrom(random) }
  }
}

test(`the model of DynamoDB answers ${requests} random requests as a real one does`, async (t) => {
  t.diagnostic(`SEED=${seed}`)
  const random = randomFrom(seed)
  const compare = comparison(table)
  const met = new Map<string, number>()
  for (let count = 0; count < requests; count += 1) {
    const request = requestFrom(random)
    const { modelled, real, outcome } = await compare(request)
    assert.deepEqual(
      modelled,
      real,
      `SEED=${seed}, request ${count}: ${request.target} ${JSON.stringify(request.input)}`,
    )
    met.set(`${request.target} ${outcome}`, (met.get(`${request.target} ${outcome}`) ?? 0) + 1)
  }
  t.diagnostic(
    [...met]
      .map(([outcome, count]) => `${count} ${outcome}`)
      .sort()
      .join(', '),
  )
  for (const outcome of [
    'UpdateItem done',
    'UpdateItem ConditionalCheckFailedException',
    'UpdateItem ValidationException',
    'TransactWriteItems TransactionCanceledException',
    'Query done',
    'PutItem ConditionalCheckFailedException',
  ]) {
    assert.ok((met.get(outcome) ?? 0) > 0, `too few: ${outcome} in ${JSON.stringify([...met])}`)
  }
})
