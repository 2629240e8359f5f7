/**
 * A model of DynamoDB: one table, as the broker's requests see it. It parses and evaluates the very expressions that are sent.
 *
 * Each request takes effect in one moment, alone. Reads of an index show the table as it was a while ago.
 * test/simulation/dynamodb/model.test.ts compares it with a real DynamoDB.
 */

import { itemBytes } from '../../../bench/item-size.ts'
import { type IndexSchema, indexes, tableKeys } from '../../../shared/store/table-schema.ts'
import {
  type Condition,
  holds,
  type Operand,
  Placeholders,
  parseCondition,
  parseUpdate,
  type Update,
  updated,
} from './expressions.ts'
import { checkMembers, type Item, invalid, order, plain, Refused, storedItem, typeOf, type Value } from './values.ts'

type Names = Readonly<Record<string, string>>
type Values = Readonly<Record<string, Value>>

/** The members of the requests that the broker uses. Any other member is refused, so that nothing is ignored. */
type Conditional = {
  readonly ConditionExpression?: string
  readonly ExpressionAttributeNames?: Names
  readonly ExpressionAttributeValues?: Values
  readonly ReturnValuesOnConditionCheckFailure?: 'ALL_OLD' | 'NONE'
}
type PutRequest = Conditional & { readonly Item: Item; readonly ReturnValues?: string }
type UpdateRequest = Conditional & {
  readonly Key: Item
  readonly UpdateExpression?: string
  readonly ReturnValues?: string
}
type DeleteRequest = Conditional & { readonly Key: Item; readonly ReturnValues?: string }
type CheckRequest = Conditional & { readonly Key: Item }
type GetRequest = { readonly Key: Item; readonly ConsistentRead?: boolean }
type BatchGetRequest = {
  readonly RequestItems: Readonly<Record<string, { readonly Keys: readonly Item[]; readonly ConsistentRead?: boolean }>>
}
type QueryRequest = {
  readonly IndexName?: string
  readonly KeyConditionExpression: string
  readonly FilterExpression?: string
  readonly ExpressionAttributeNames?: Names
  readonly ExpressionAttributeValues?: Values
  readonly ConsistentRead?: boolean
  readonly ScanIndexForward?: boolean
  readonly Limit?: number
  readonly ExclusiveStartKey?: Item
}
type TransactRequest = {
  readonly ClientRequestToken?: string
  readonly TransactItems: readonly {
    readonly Put?: PutRequest
    readonly Update?: UpdateRequest
    readonly Delete?: DeleteRequest
    readonly ConditionCheck?: CheckRequest
  }[]
}

const common = ['TableName', 'ReturnConsumedCapacity']
const conditional = [
  'ConditionExpression',
  'ExpressionAttributeNames',
  'ExpressionAttributeValues',
  'ReturnValuesOnConditionCheckFailure',
]
const known: Readonly<Record<string, readonly string[]>> = {
  GetItem: [...common, 'Key', 'ConsistentRead'],
  PutItem: [...common, ...conditional, 'Item', 'ReturnValues'],
  UpdateItem: [...common, ...conditional, 'Key', 'UpdateExpression', 'ReturnValues'],
  DeleteItem: [...common, ...conditional, 'Key', 'ReturnValues'],
  Query: [
    ...common,
    ...['IndexName', 'KeyConditionExpression', 'FilterExpression', 'ExpressionAttributeNames'],
    ...['ExpressionAttributeValues', 'ConsistentRead', 'ScanIndexForward', 'Limit', 'ExclusiveStartKey'],
  ],
  BatchGetItem: ['RequestItems', 'ReturnConsumedCapacity'],
  TransactWriteItems: ['TransactItems', 'ClientRequestToken', 'ReturnConsumedCapacity'],
}

/** One change of an item. `undefined`: it was not there, or is not there any more. */
export type Write = { readonly before: Item | undefined; readonly after: Item | undefined; readonly units: number }

/** `writes` are the changes that this request made. */
export type Result = { readonly answer: object; readonly writes: readonly Write[] }

type Version = { readonly atMs: number; readonly item: Item | undefined }
/** The latest version last. Older ones are kept for as long as an index may lag. */
type Entry = { item: Item | undefined; versions: Version[] }

const maxItemBytes = 409_600
const tokenMs = 600_000
/** Of a transaction, and of a BatchGetItem. */
const maxItems = 100

export type ModelOptions = {
  /** How far an index may be behind the table. @default none */
  readonly indexLagMs?: () => number
}

export class Model {
  readonly #entries = new Map<string, Entry>()
  readonly #tokens = new Map<string, { readonly atMs: number; readonly request: string }>()
  readonly #indexLagMs: () => number

  constructor({ indexLagMs = () => 0 }: ModelOptions = {}) {
    this.#indexLagMs = indexLagMs
  }

  /** @param target the operation, `UpdateItem` and its like. @throws {Refused} */
  run(target: string, request: object, nowMs: number): Result {
    const strange = Object.keys(request).find((member) => !(known[target] ?? []).includes(member))
    if (strange !== undefined) throw new Error(`the model of DynamoDB knows no ${strange} of ${target}`)
    switch (target) {
      case 'GetItem': {
        const item = this.item(keyOf((request as GetRequest).Key, true))
        return { answer: item === undefined ? {} : { Item: item }, writes: [] }
      }
      case 'BatchGetItem':
        return { answer: this.#batchGet(request as BatchGetRequest), writes: [] }
      case 'Query':
        return { answer: this.#query(request as QueryRequest, nowMs), writes: [] }
      case 'PutItem':
        return this.#single(this.#put(request as PutRequest), nowMs, request as PutRequest)
      case 'UpdateItem':
        return this.#single(this.#update(request as UpdateRequest), nowMs, request as UpdateRequest)
      case 'DeleteItem':
        return this.#single(this.#delete(request as DeleteRequest), nowMs, request as DeleteRequest)
      case 'TransactWriteItems':
        return this.#transact(request as TransactRequest, nowMs)
      default:
        throw new Refused('UnknownOperationException', `the model of DynamoDB knows no ${target}`)
    }
  }

  item(key: string): Item | undefined {
    return this.#entries.get(key)?.item
  }

  items(): Item[] {
    return [...this.#entries.values()].map(({ item }) => item).filter(isThere)
  }

  // --- writes -------------------------------------------------------------------------------------------------------

  #put({ Item: given, ...request }: PutRequest): Planned {
    expectReturns(request.ReturnValues)
    const key = keyOf(given)
    checkMembers(given)
    const after = storedItem(given)
    if (itemSize(after) > maxItemBytes) throw invalid('Item size has exceeded the maximum allowed size')
    return { key, condition: conditionOf(request), change: () => after }
  }

  #update({ Key, UpdateExpression, ...request }: UpdateRequest): Planned {
    expectReturns(request.ReturnValues, [...formerOrNothing, 'ALL_NEW', 'UPDATED_OLD', 'UPDATED_NEW'])
    const key = keyOf(Key, true)
    const by = new Placeholders(request.ExpressionAttributeNames, request.ExpressionAttributeValues)
    const update = UpdateExpression === undefined ? undefined : parseUpdate(UpdateExpression, by)
    const condition =
      request.ConditionExpression === undefined ? undefined : parseCondition(request.ConditionExpression, by)
    by.expectAllUsed()
    if (update !== undefined) refuseKeys(update)
    return {
      key,
      condition,
      update,
      change: (before) => {
        const after = update === undefined ? (before ?? Key) : updated(update, before ?? Key)
        if (itemSize(after) > maxItemBytes) throw invalid('Item size to update has exceeded the maximum allowed size')
        return after
      },
    }
  }

  #delete({ Key, ...request }: DeleteRequest): Planned {
    expectReturns(request.ReturnValues)
    return { key: keyOf(Key, true), condition: conditionOf(request), change: () => undefined }
  }

  #single(planned: Planned, nowMs: number, request: Conditional & { readonly ReturnValues?: string }): Result {
    const before = this.item(planned.key)
    if (planned.condition !== undefined && !holds(planned.condition, before)) {
      const shown = request.ReturnValuesOnConditionCheckFailure === 'ALL_OLD' && before !== undefined
      throw new Refused(
        'ConditionalCheckFailedException',
        'The conditional request failed',
        shown ? { Item: before } : {},
      )
    }
    const after = planned.change(before)
    checkIndexKeys(after)
    const write = this.#write(planned.key, before, after, nowMs)
    const attributes = returned(request.ReturnValues, planned.update, before, after)
    return { answer: attributes === undefined ? {} : { Attributes: attributes }, writes: [write] }
  }

  #write(key: string, before: Item | undefined, after: Item | undefined, nowMs: number): Write {
    const entry = this.#entries.get(key) ?? { item: undefined, versions: [] }
    this.#entries.set(key, entry)
    entry.item = after
    entry.versions.push({ atMs: nowMs, item: after })
    const bytes = Math.max(before === undefined ? 0 : itemSize(before), after === undefined ? 0 : itemSize(after))
    return { before, after, units: Math.max(1, Math.ceil(bytes / 1024)) }
  }

  #transact({ TransactItems: items, ClientRequestToken: token }: TransactRequest, nowMs: number): Result {
    expectLength(items)
    if (items.some((item) => Object.keys(item).length !== 1)) {
      throw invalid('TransactItems can only contain one of Check, Put, Update or Delete')
    }
    if (token !== undefined && token.length > 36) throw invalid('ClientRequestToken is longer than 36')
    const seen = token === undefined ? undefined : this.#tokens.get(token)
    if (seen !== undefined && nowMs - seen.atMs < tokenMs) {
      if (seen.request === JSON.stringify(items)) return { answer: {}, writes: [] }
      throw new Refused('IdempotentParameterMismatchException', 'The token is of another request')
    }
    const planned = items.map(({ Put, Update, Delete, ConditionCheck }): Planned & Conditional => {
      if (Put !== undefined) return { ...Put, ...this.#put(Put) }
      if (Update !== undefined) return { ...Update, ...this.#update(Update) }
      if (Delete !== undefined) return { ...Delete, ...this.#delete(Delete) }
      const { Key, ...request } = ConditionCheck!
      return { ...request, key: keyOf(Key, true), condition: conditionOf(request), change: (before) => before }
    })
    if (new Set(planned.map(({ key }) => key)).size < planned.length) {
      throw invalid('Transaction request cannot include multiple operations on one item')
    }
    const tried = planned.map((one) => this.#tryInTransaction(one))
    const reasons = tried.map(({ reason }) => reason)
    if (reasons.some(({ Code }) => Code !== 'None')) {
      const codes = reasons.map(({ Code }) => Code).join(', ')
      const message = `Transaction cancelled, please refer cancellation reasons for specific reasons [${codes}]`
      throw new Refused('TransactionCanceledException', message, { CancellationReasons: reasons })
    }
    const writes = planned.flatMap(({ key }, at) => {
      const before = this.item(key)
      const { after } = tried[at]!
      return before === after ? [] : [this.#write(key, before, after, nowMs)]
    })
    if (token !== undefined) this.#tokens.set(token, { atMs: nowMs, request: JSON.stringify(items) })
    return { answer: {}, writes }
  }

  #tryInTransaction({
    key,
    condition,
    change,
    ReturnValuesOnConditionCheckFailure: returns,
  }: Planned & Conditional): Tried {
    const before = this.item(key)
    if (condition !== undefined && !holds(condition, before)) {
      const item = returns === 'ALL_OLD' && before !== undefined ? { Item: before } : {}
      return { reason: { Code: 'ConditionalCheckFailed', Message: 'The conditional request failed', ...item } }
    }
    try {
      const after = change(before)
      checkIndexKeys(after)
      return { reason: { Code: 'None' }, after }
    } catch (error) {
      if (error instanceof Refused) return { reason: { Code: 'ValidationError', Message: error.message } }
      throw error
    }
  }

  // --- reads --------------------------------------------------------------------------------------------------------

  #batchGet({ RequestItems }: BatchGetRequest): object {
    const Responses = Object.fromEntries(
      Object.entries(RequestItems).map(([table, { Keys }]) => {
        expectLength(Keys)
        const keys = Keys.map((key) => keyOf(key, true))
        if (new Set(keys).size < keys.length) throw invalid('Provided list of item keys contains duplicates')
        return [table, keys.map((key) => this.item(key)).filter(isThere)]
      }),
    )
    return { Responses, UnprocessedKeys: {} }
  }

  #query(request: QueryRequest, nowMs: number): object {
    const { IndexName, ScanIndexForward = true, Limit = Number.POSITIVE_INFINITY, ExclusiveStartKey } = request
    if (Limit < 1) throw invalid('Limit must be greater than or equal to 1')
    const index = indexes.find(({ name }) => name === IndexName)
    if (IndexName !== undefined && index === undefined)
      throw invalid(`The table does not have the specified index: ${IndexName}`)
    if (index !== undefined && request.ConsistentRead) {
      throw invalid('Consistent reads are not supported on global secondary indexes')
    }
    const by = new Placeholders(request.ExpressionAttributeNames, request.ExpressionAttributeValues)
    const wanted = parseCondition(request.KeyConditionExpression, by)
    const filter = request.FilterExpression === undefined ? undefined : parseCondition(request.FilterExpression, by)
    by.expectAllUsed()
    const { partitionKey, sortKey } = index ?? tableKeys
    expectKeyCondition(wanted, { partitionKey, sortKey })
    if (filter !== undefined) expectFilter(filter, { partitionKey, sortKey }, index)
    const keyNames = [...new Set(['pk', 'sk', partitionKey.name, sortKey.name])]
    if (ExclusiveStartKey !== undefined) expectStart(ExclusiveStartKey, keyNames, wanted)
    const source = index === undefined ? this.items() : this.#asOf(nowMs - this.#indexLagMs())
    const direction = ScanIndexForward ? 1 : -1
    const position = (item: Item) => [item[sortKey.name]!, item.pk!, item.sk!]
    const inOrder = (one: Item, other: Item) => direction * firstDifference(position(one), position(other))
    const found = source
      .filter(
        (item) => item[partitionKey.name] !== undefined && item[sortKey.name] !== undefined && holds(wanted, item),
      )
      .sort(inOrder)
      .filter((item) => ExclusiveStartKey === undefined || inOrder(item, ExclusiveStartKey) > 0)
    const page = found.slice(0, Limit)
    const names = index && ['pk', 'sk', partitionKey.name, sortKey.name, ...index.projected]
    const projected = page.map((item) =>
      names === undefined ? item : Object.fromEntries(Object.entries(item).filter(([name]) => names.includes(name))),
    )
    const Items = projected.filter((item) => filter === undefined || holds(filter, item))
    const last = page.length === Limit ? page.at(-1) : undefined
    return {
      ...{ Items, Count: Items.length, ScannedCount: page.length },
      ...(last !== undefined && { LastEvaluatedKey: Object.fromEntries(keyNames.map((name) => [name, last[name]])) }),
    }
  }

  #asOf(atMs: number): Item[] {
    return [...this.#entries.values()]
      .map(({ versions }) => versions.findLast((version) => version.atMs <= atMs)?.item)
      .filter(isThere)
  }
}

function isThere(item: Item | undefined): item is Item {
  return item !== undefined
}

/** @property after the item, if the reason is `None` */
type Tried = {
  readonly reason: { readonly Code: string; readonly Message?: string; readonly Item?: Item }
  readonly after?: Item | undefined
}

type Planned = {
  readonly key: string
  readonly condition: Condition | undefined
  readonly update?: Update | undefined
  readonly change: (before: Item | undefined) => Item | undefined
}

function conditionOf(request: Conditional): Condition | undefined {
  const by = new Placeholders(request.ExpressionAttributeNames, request.ExpressionAttributeValues)
  const condition =
    request.ConditionExpression === undefined ? undefined : parseCondition(request.ConditionExpression, by)
  by.expectAllUsed()
  return condition
}

/** @returns the key as one text. @param alone whether nothing else may be there */
export function keyOf(item: Item, alone = false): string {
  const { pk, sk } = item
  if (pk === undefined || sk === undefined || (alone && Object.keys(item).length > 2)) {
    throw invalid('The provided key element does not match the schema')
  }
  if (!('S' in pk && 'S' in sk)) throw invalid('One or more parameter values were invalid: Type mismatch for key')
  if (pk.S === '' || sk.S === '') throw invalid('One or more parameter values are not valid: a key may not be empty')
  if (Buffer.byteLength(pk.S) > 2048 || Buffer.byteLength(sk.S) > 1024)
    throw invalid('Size of a key has exceeded the size limit')
  return `${pk.S}\0${sk.S}`
}

function refuseKeys({ set, remove, add, delete: deleted }: Update): void {
  const roots = [...set, ...add, ...deleted].map(({ path }) => path.root).concat(remove.map(({ root }) => root))
  const key = roots.find((root) => root === 'pk' || root === 'sk')
  if (key !== undefined) throw invalid(`Cannot update attribute ${key}. This attribute is part of the key`)
}

function checkIndexKeys(item: Item | undefined): void {
  for (const { partitionKey, sortKey } of indexes) {
    for (const { name, type } of [partitionKey, sortKey]) {
      const value = item?.[name]
      if (value === undefined) continue
      if (typeOf(value) !== type)
        throw invalid(`One or more parameter values were invalid: Type mismatch for Index Key ${name}`)
      if (plain(value) === '') throw invalid(`One or more parameter values are not valid: an empty value for ${name}`)
    }
  }
}

const formerOrNothing = ['ALL_OLD', 'NONE']

function expectReturns(wanted: string | undefined, allowed: readonly string[] = formerOrNothing): void {
  if (wanted !== undefined && !allowed.includes(wanted)) throw invalid('Return values set to invalid value')
}

function expectLength(list: readonly unknown[]): void {
  if (list.length < 1 || list.length > maxItems) throw invalid(`Member must have a length from 1 to ${maxItems}`)
}

type Keys = Pick<IndexSchema, 'partitionKey' | 'sortKey'>

/** `=` on the partition key, and at most one comparison on the sort key. */
function expectKeyCondition(condition: Condition, keys: Keys): void {
  const parts = condition.is === 'and' ? condition.of : [condition]
  const named = parts.map((part) => {
    const [path, ...others] = operandsOfKeyCondition(part)
    const key = [keys.partitionKey, keys.sortKey].find(({ name }) => path?.is === 'path' && path.path.root === name)
    for (const other of others) {
      if (other.is !== 'value') throw invalid('Invalid operand in KeyConditionExpression')
      if (key !== undefined && typeOf(other.value) !== key.type) {
        throw invalid('Condition parameter type does not match schema type')
      }
      if (plain(other.value) === '') throw invalid('A key attribute cannot contain an empty string value')
    }
    return { name: key?.name, isEqual: part.is === 'compare' && part.by === '=' }
  })
  const isPlain = named.some(({ name, isEqual }) => name === keys.partitionKey.name && isEqual)
  if (
    !isPlain ||
    parts.length > 2 ||
    named.some(({ name }) => name === undefined) ||
    named[0]?.name === named[1]?.name
  ) {
    throw invalid('Query condition missed key schema element')
  }
}

/** The key first. */
function operandsOfKeyCondition(part: Condition): readonly Operand[] {
  if (part.is === 'compare' && part.by !== '<>') {
    return part.left.is === 'path' ? [part.left, part.right] : [part.right, part.left]
  }
  if (part.is === 'between') return [part.operand, part.from, part.to]
  if (part.is === 'begins_with') return [part.operand, part.other]
  throw invalid('Invalid operator used in KeyConditionExpression')
}

/** A filter names no key, and only what the index holds. */
function expectFilter(filter: Condition, { partitionKey, sortKey }: Keys, index: IndexSchema | undefined): void {
  const held = index && ['pk', 'sk', ...index.projected]
  for (const [, root = ''] of JSON.stringify(filter).matchAll(/"root":"([^"]+)"/g)) {
    if (root === partitionKey.name || root === sortKey.name) {
      throw invalid(`Filter Expression can only contain non-primary key attributes: ${root}`)
    }
    if (held?.includes(root) === false) {
      throw invalid(`Secondary index ${index?.name} does not project one or more filter attributes: ${root}`)
    }
  }
}

function expectStart(start: Item, names: readonly string[], wanted: Condition): void {
  keyOf(Object.fromEntries(Object.entries(start).filter(([name]) => name === 'pk' || name === 'sk')))
  if (Object.keys(start).length !== names.length || names.some((name) => start[name] === undefined)) {
    throw invalid('The provided starting key is invalid')
  }
  if (!holds(wanted, start)) throw invalid('The provided starting key does not match the range key predicate')
}

function firstDifference(one: readonly Value[], other: readonly Value[]): number {
  for (const [at, value] of one.entries()) {
    const difference = order(value, other[at]!) ?? 0
    if (difference !== 0) return difference
  }
  return 0
}

function returned(
  wanted: string | undefined,
  update: Update | undefined,
  before: Item | undefined,
  after: Item | undefined,
): Item | undefined {
  switch (wanted) {
    case 'ALL_OLD':
      return before
    case 'ALL_NEW':
      return after
    case 'UPDATED_NEW':
    case 'UPDATED_OLD': {
      const roots = [...(update?.set ?? []), ...(update?.add ?? []), ...(update?.delete ?? [])].map(
        ({ path }) => path.root,
      )
      const from = (wanted === 'UPDATED_NEW' ? after : before) ?? {}
      const all = wanted === 'UPDATED_OLD' ? [...roots, ...(update?.remove ?? []).map(({ root }) => root)] : roots
      const attributes = Object.fromEntries(Object.entries(from).filter(([name]) => all.includes(name)))
      return Object.keys(attributes).length === 0 ? undefined : attributes
    }
    default:
      return undefined
  }
}

const sizes = new WeakMap<Item, number>()

function itemSize(item: Item): number {
  const known = sizes.get(item)
  if (known !== undefined) return known
  const size = itemBytes(item)
  sizes.set(item, size)
  return size
}
