/** The answers of the model of DynamoDB and of a real one to the same requests. */

import type { TestTable } from '../../support/table.ts'
import { Model } from './model.ts'
import { serve } from './wire.ts'

export type Request = { readonly target: string; readonly input: Record<string, unknown> }
export type Answer = { readonly status: number; readonly body: Record<string, unknown> }

export type Compared = {
  readonly modelled: unknown
  readonly real: unknown
  /** Of the real one: `done`, or the name of the error. */
  readonly outcome: string
}

/** @returns sends a request to a model and to a table. Both are empty at first. */
export function comparison({
  endpoint,
  name,
}: Pick<TestTable, 'endpoint' | 'name'>): (given: Request) => Promise<Compared> {
  const model = new Model()
  let nowMs = 0
  return async (given) => {
    const request = forTable(given, name)
    const { TableName: _, ...input } = request.input
    nowMs += 1
    const served = serve(model, request.target, JSON.stringify(withoutTable(input)), nowMs)
    const modelled = { status: served.status, body: JSON.parse(served.body) as Record<string, unknown> }
    const real = await ask(endpoint, request)
    const [one, other] = [modelled, real].map((answer) => settled(comparable(answer), request, name))
    const outcome = real.status === 200 ? 'done' : String(real.body.__type).replace(/^.*#/, '')
    return { modelled: one, real: other, outcome }
  }
}

async function ask(endpoint: string, { target, input }: Request): Promise<Answer> {
  const response = await fetch(endpoint, {
    method: 'POST',
    headers: {
      'content-type': 'application/x-amz-json-1.0',
      'x-amz-target': `DynamoDB_20120810.${target}`,
      'x-amz-date': '20260101T000000Z',
      authorization:
        'AWS4-HMAC-SHA256 Credential=local/20260101/eu-central-1/dynamodb/aws4_request, SignedHeaders=host;x-amz-date;x-amz-target, Signature=0',
    },
    body: JSON.stringify(input),
  })
  return { status: response.status, body: (await response.json()) as Record<string, unknown> }
}

/** Without what each DynamoDB words in its own way, and with names for errors. */
function comparable(answer: Answer): unknown {
  const { __type: type, message: _, Message: __, ConsumedCapacity: ___, ...rest } = answer.body
  if (answer.status === 200) return inOrder(rest)
  const reasons = rest.CancellationReasons as Record<string, unknown>[] | undefined
  // A change that cannot be made: some cancel the transaction for it, some refuse the request.
  if (reasons?.some(({ Code }) => Code === 'ValidationError')) return { error: 'ValidationException' }
  return inOrder({
    error: String(type).replace(/^.*#/, ''),
    ...(rest.Item !== undefined && { Item: rest.Item }),
    ...(reasons && { reasons: reasons.map(({ Code, Item }) => ({ Code, ...(Item !== undefined && { Item }) })) }),
  })
}

/** Members by name, and an index's equal sort keys by the table's key. An absent list and an empty one are the same. */
function inOrder(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(inOrder)
  if (typeof value !== 'object' || value === null) return value
  const members = Object.entries(value).filter(([, member]) => !isEmptyObject(member))
  return Object.fromEntries(
    members.sort(([one], [other]) => (one < other ? -1 : 1)).map(([name, member]) => [name, inOrder(member)]),
  )
}

function isEmptyObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && Object.keys(value).length === 0
}

/** The request for a table of this name. */
function forTable({ target, input }: Request, TableName: string): Request {
  if (target === 'BatchGetItem') return { target, input: { RequestItems: { [TableName]: input } } }
  if (target !== 'TransactWriteItems') return { target, input: { TableName, ...input } }
  const items = (input.TransactItems as Record<string, object>[]).map((item) =>
    Object.fromEntries(Object.entries(item).map(([kind, write]) => [kind, { TableName, ...write }])),
  )
  return { target, input: { TransactItems: items } }
}

/** The model has one table, and takes any name for it. */
function withoutTable(input: Record<string, unknown>): Record<string, unknown> {
  if (input.TransactItems === undefined) return input
  const items = (input.TransactItems as Record<string, Record<string, unknown>>[]).map((item) =>
    Object.fromEntries(Object.entries(item).map(([kind, { TableName: _, ...write }]) => [kind, write])),
  )
  return { ...input, TransactItems: items }
}

/** Answers whose order the index leaves open, and answers by the table's name. */
function settled(answer: unknown, { target }: Request, tableName: string): unknown {
  const body = answer as { Items?: Record<string, unknown>[]; Responses?: Record<string, unknown[]> }
  const byText = (one: unknown, other: unknown) => (JSON.stringify(one) < JSON.stringify(other) ? -1 : 1)
  if (target === 'BatchGetItem' && body.Responses) return { items: (body.Responses[tableName] ?? []).toSorted(byText) }
  if (target === 'Query' && body.Items) return { ...body, Items: body.Items.toSorted(byText) }
  return answer
}
