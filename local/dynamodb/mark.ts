/**
 * The two requests that tell whose DynamoDB listens at an endpoint: is this one's mark there, and put it there.
 *
 * Owns the mark, an empty table whose name holds the id of a data directory. The application's own requests go through
 * the SDK (shared/store); these two are asked of a local DynamoDB alone, which checks no signature.
 */

export type Mark = 'there' | 'missing' | 'not a DynamoDB' | 'nobody'

const answerWithinMs = 3_000

export async function findMark(endpoint: string, id: string): Promise<Mark> {
  const answer = await ask(endpoint, 'DescribeTable', { TableName: tableName(id) })
  if (answer === 'nobody' || answer === 'not a DynamoDB') return answer
  return answer.ok ? 'there' : 'missing'
}

export async function putMark(endpoint: string, id: string): Promise<void> {
  const answer = await ask(endpoint, 'CreateTable', {
    TableName: tableName(id),
    BillingMode: 'PAY_PER_REQUEST',
    KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }],
    AttributeDefinitions: [{ AttributeName: 'pk', AttributeType: 'S' }],
  })
  const isThere = typeof answer === 'object' && (answer.ok || answer.error.endsWith('ResourceInUseException'))
  if (!isThere) throw new Error(`The local DynamoDB at ${endpoint} does not make tables: ${JSON.stringify(answer)}`)
}

const tableName = (id: string) => `data-directory-${id}`

type Answer = { readonly ok: boolean; readonly error: string } | 'not a DynamoDB' | 'nobody'

async function ask(endpoint: string, operation: string, body: object): Promise<Answer> {
  let response: Response
  try {
    response = await fetch(endpoint, {
      method: 'POST',
      headers: {
        'content-type': 'application/x-amz-json-1.0',
        'x-amz-target': `DynamoDB_20120810.${operation}`,
        'x-amz-date': '20260101T000000Z',
        authorization:
          'AWS4-HMAC-SHA256 Credential=local/20260101/local/dynamodb/aws4_request, SignedHeaders=host, Signature=local',
      },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(answerWithinMs),
    })
  } catch (error) {
    // A time-out has a listener that does not answer; anything else has none.
    return error instanceof DOMException ? 'not a DynamoDB' : 'nobody'
  }
  try {
    const { __type: error = '' } = (await response.json()) as { __type?: string }
    return { ok: response.ok, error }
  } catch {
    return 'not a DynamoDB'
  }
}
