/** The hash that signs requests to DynamoDB, compared with the SDK's own. */

import assert from 'node:assert/strict'
import { createHash, createHmac } from 'node:crypto'
import { test } from 'node:test'
import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { SignatureV4 } from '@smithy/signature-v4'
import { RequestHash } from '../../shared/store/request-hash.ts'

const data = Buffer.from('a request')

test('the request hash without a secret is SHA-256', async () => {
  const hash = new RequestHash()
  hash.update(data.subarray(0, 3))
  hash.update(data.subarray(3))
  assert.deepEqual(await hash.digest(), createHash('sha256').update(data).digest())
})

const bytes = Buffer.from('..a secret of bytes..')
for (const [what, secret, same] of [
  ['a text', 'a secret of text', 'a secret of text'],
  ['bytes', bytes, bytes],
  ['a part of a buffer', bytes.subarray(2, -2), Buffer.from('a secret of bytes')],
  ['a buffer', new Uint8Array(bytes).buffer, bytes],
] as const) {
  test(`the request hash with ${what} as its secret is HMAC-SHA-256`, async () => {
    const hash = new RequestHash(secret)
    hash.update(data)
    assert.deepEqual(await hash.digest(), createHmac('sha256', same).update(data).digest())
  })
}

test('the request hash begins anew after a reset, with the same secret', async () => {
  const hash = new RequestHash('a secret')
  hash.update(Buffer.from('something else'))
  hash.reset()
  hash.update(data)
  assert.deepEqual(await hash.digest(), createHmac('sha256', 'a secret').update(data).digest())
})

test('a request is signed as with the hash that the SDK brings', async () => {
  const credentials = { accessKeyId: 'id', secretAccessKey: 'secret', sessionToken: 'token' }
  const request = {
    ...{ method: 'POST', protocol: 'https:', hostname: 'dynamodb.eu-central-1.amazonaws.com', path: '/' },
    ...{ headers: { host: 'dynamodb.eu-central-1.amazonaws.com' }, body: '{"TableName":"t"}' },
  }
  const client = new DynamoDBClient({ region: 'eu-central-1', credentials })
  const [ours, theirs] = await Promise.all(
    [RequestHash, client.config.sha256].map((sha256) =>
      new SignatureV4({ credentials, region: 'eu-central-1', service: 'dynamodb', sha256 }).sign(request, {
        signingDate: new Date('2026-11-22T00:00:00Z'),
      }),
    ),
  )
  assert.equal(ours?.headers.authorization, theirs?.headers.authorization)
  assert.match(ours?.headers.authorization ?? '', /Signature=[0-9a-f]{64}$/)
})
