/**
 * What a request to DynamoDB needs in rights, and whether a right covers it, as IAM decides for the conditions that
 * infra/table.ts writes.
 */

/** Names the file that collects which function used which right (rights-guard.ts), for the list of those that none used. */
export const usedRightsVariable = 'TEST_USED_RIGHTS'

/**
 * @property on partition keys (`family#…`), an index (`index/by-subject`) or a secret's name; all of them must be covered
 * @property attributes that the request names, for rights that are limited to some
 */
export type Access = {
  readonly action: string
  readonly on: readonly string[]
  readonly attributes?: readonly string[]
}

export type ParsedRight = {
  readonly actions: readonly string[]
  readonly on: readonly string[]
  readonly attributes?: readonly string[]
}

/** @param text as test/infra/support/expected-rights.ts has it: `dynamodb:UpdateItem application#* (pk sk revokedBefore)` */
export function rightFrom(text: string): ParsedRight {
  const [, actions = '', on = '', attributes] = /^([\w:, ]*:\w+) (.*?)(?: \((.*)\))?$/.exec(text) ?? []
  return {
    actions: actions.split(', '),
    on: on.split(', '),
    ...(attributes !== undefined && { attributes: attributes.split(' ') }),
  }
}

export function isCovered({ action, on, attributes = [] }: Access, right: ParsedRight): boolean {
  return (
    right.actions.includes(action) &&
    on.length > 0 &&
    on.every((one) => right.on.some((pattern) => isLike(one, pattern))) &&
    (right.attributes === undefined || attributes.every((name) => right.attributes!.includes(name)))
  )
}

/** StringLike, with the only pattern that is used: a star at the end. */
function isLike(text: string, pattern: string): boolean {
  return pattern.endsWith('*') ? text.startsWith(pattern.slice(0, -1)) : text === pattern
}

type Text = { readonly S: string }
type Keyed = { readonly pk: Text }
type WireRequest = {
  readonly Key?: Keyed
  readonly Item?: Keyed
  readonly RequestItems?: Readonly<Record<string, { readonly Keys: readonly Keyed[] }>>
  readonly TransactItems?: readonly Readonly<Record<string, WireRequest>>[]
  readonly IndexName?: string
  readonly KeyConditionExpression?: string
  readonly ExpressionAttributeNames?: Readonly<Record<string, string>>
  readonly ExpressionAttributeValues?: Readonly<Record<string, Text>>
  readonly ReturnValues?: string
}

/** A transaction needs the right of each of its writes (DynamoDB, "Using IAM with transactions"). */
export function accessesOf(operation: string, request: WireRequest): readonly Access[] {
  if (operation === 'TransactWriteItems') {
    return request.TransactItems!.flatMap((item) =>
      Object.entries(item).flatMap(([write, inner]) =>
        accessesOf(write === 'ConditionCheck' ? 'ConditionCheckItem' : `${write}Item`, inner),
      ),
    )
  }
  const names = Object.values(request.ExpressionAttributeNames ?? {})
  const returned = request.ReturnValues === undefined || request.ReturnValues === 'NONE' ? [] : ['everything returned']
  const attributes = ['pk', 'sk', ...names, ...returned]
  return [{ action: `dynamodb:${operation}`, on: placesOf(request), attributes }]
}

function placesOf(request: WireRequest): readonly string[] {
  const { Key, Item, RequestItems, IndexName } = request
  if (IndexName !== undefined) return [`index/${IndexName}`]
  const keyed = Key ?? Item
  if (keyed !== undefined) return [keyed.pk.S]
  if (RequestItems !== undefined) return Object.values(RequestItems).flatMap(({ Keys }) => Keys.map(({ pk }) => pk.S))
  return partitionIn(request)
}

/** The partition key of a query. */
function partitionIn(request: WireRequest): readonly string[] {
  const { KeyConditionExpression = '', ExpressionAttributeNames = {}, ExpressionAttributeValues = {} } = request
  for (const [, name = '', value = ''] of KeyConditionExpression.matchAll(/(#?\w+) = (:\w+)/g)) {
    if ((ExpressionAttributeNames[name] ?? name) === 'pk') return [ExpressionAttributeValues[value]!.S]
  }
  return []
}
