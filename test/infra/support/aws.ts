/**
 * A stand-in for AWS that records which function asked for what. DynamoDB is a real one behind it.
 */

import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import { freePort } from '../../flows/support/ports.ts'
import type { Answer, SecretVersions } from '../../support/secrets-manager.ts'

/** Names the asking function. deployed.ts adds it; AWS would know it by the role. */
export const functionHeader = 'x-function'

/**
 * @property action as IAM names it
 * @property on partition key of the item, index (`index/by-client`), or name of the secret
 * @property attributes that an update names or returns, as in `dynamodb:Attributes`; `*`: the whole item
 */
export type Asked = {
  readonly functionName: string
  readonly action: string
  readonly on: string
  readonly attributes: readonly string[]
}

export type Aws = { readonly endpoint: string; readonly asked: readonly Asked[]; stop(): void }

/** @param dynamodb endpoint of the real DynamoDB */
export async function startAws(dynamodb: string, secrets: SecretVersions): Promise<Aws> {
  const asked: Asked[] = []
  const server = createServer(async (incoming, outgoing) => {
    const body = await textOf(incoming)
    const [service = '', operation = ''] = String(incoming.headers['x-amz-target']).split('.')
    const functionName = incoming.headers[functionHeader]
    const isSecret = service === 'secretsmanager'
    if (typeof functionName === 'string') {
      const requests = operation === 'TransactWriteItems' ? writesIn(body) : [{ operation, body }]
      for (const { operation, body } of requests) {
        const action = `${isSecret ? 'secretsmanager' : 'dynamodb'}:${operation}`
        const things = isSecret ? [String(JSON.parse(body).SecretId)] : asksOf(body)
        const attributes = operation === 'UpdateItem' ? attributesOf(body) : []
        asked.push(...things.map((on) => ({ functionName, action, on, attributes })))
      }
    }
    const { status, body: text } = isSecret
      ? secrets.answer(operation, JSON.parse(body))
      : await passOn(dynamodb, incoming, body)
    outgoing.writeHead(status, { 'content-type': 'application/x-amz-json-1.0' }).end(text)
  })
  const port = await listen(server)
  return { endpoint: `http://127.0.0.1:${port}`, asked, stop: () => void server.close().closeAllConnections() }
}

async function passOn(dynamodb: string, { headers }: IncomingMessage, body: string): Promise<Answer> {
  const kept = ['x-amz-target', 'authorization', 'x-amz-date'].map((name) => [name, String(headers[name])])
  const answer = await fetch(dynamodb, {
    method: 'POST',
    headers: { 'content-type': 'application/x-amz-json-1.0', ...Object.fromEntries(kept) },
    body,
  })
  return { status: answer.status, body: await answer.text() }
}

type Named = { readonly pk: { readonly S: string } }
type Request = {
  readonly Key?: Named
  readonly Item?: Named
  readonly IndexName?: string
  readonly ExpressionAttributeValues?: Readonly<Record<string, { readonly S: string }>>
  readonly RequestItems?: Readonly<Record<string, { readonly Keys: readonly Named[] }>>
}

/** The writes of a transaction. IAM asks for the right of each (DynamoDB Developer Guide). */
function writesIn(body: string): { operation: string; body: string }[] {
  const { TransactItems } = JSON.parse(body) as { TransactItems: Readonly<Record<string, object>>[] }
  return TransactItems.flatMap((item) =>
    Object.entries(item).map(([name, write]) => ({ operation: `${name}Item`, body: JSON.stringify(write) })),
  )
}

/** The partition keys or the index that a request names. */
function asksOf(body: string): string[] {
  const { Key, Item, IndexName, ExpressionAttributeValues, RequestItems } = JSON.parse(body) as Request
  if (IndexName !== undefined) return [`index/${IndexName}`]
  if (RequestItems !== undefined) return Object.values(RequestItems).flatMap(({ Keys }) => Keys.map(({ pk }) => pk.S))
  return [(Key ?? Item)?.pk.S ?? ExpressionAttributeValues?.[':pk']?.S ?? '']
}

type Update = {
  readonly Key: Readonly<Record<string, unknown>>
  readonly UpdateExpression?: string
  readonly ConditionExpression?: string
  readonly ExpressionAttributeNames?: Readonly<Record<string, string>>
  readonly ReturnValues?: string
  readonly ReturnValuesOnConditionCheckFailure?: string
}

const expressionWords =
  /^(SET|REMOVE|ADD|DELETE|AND|OR|NOT|BETWEEN|IN|if_not_exists|attribute_\w+|begins_with|contains|size)$/

function attributesOf(body: string): string[] {
  const update = JSON.parse(body) as Update
  const names = update.ExpressionAttributeNames ?? {}
  const returned = [update.ReturnValues, update.ReturnValuesOnConditionCheckFailure]
  const words = `${update.UpdateExpression} ${update.ConditionExpression ?? ''}`.match(/[#:]?[A-Za-z_]\w*/g) ?? []
  const named = words.filter((word) => !word.startsWith(':') && !expressionWords.test(word))
  const all = returned.some((value) => value?.startsWith('ALL')) ? ['*'] : []
  return [...Object.keys(update.Key), ...named.map((name) => names[name] ?? name), ...all]
}

async function textOf(message: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of message) chunks.push(chunk)
  return Buffer.concat(chunks).toString('utf8')
}

async function listen(server: Server): Promise<number> {
  const port = await freePort()
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  return port
}
