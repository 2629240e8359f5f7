/** How a function answers CloudFormation. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { customResource, DeploymentError } from '../../shared/custom-resource.ts'
import { sink } from '../../shared/log.ts'
import { asCloudFormation } from '../support/cloudformation.ts'

async function quietly<Result>(work: () => Promise<Result>): Promise<{ result: Result; lines: string[] }> {
  const lines: string[] = []
  const { write } = sink
  sink.write = (line) => void lines.push(line)
  try {
    return { result: await work(), lines }
  } finally {
    sink.write = write
  }
}

test('CloudFormation gets the attributes of the resource, under an id that stays the same', async () => {
  const handler = customResource(async () => ({ Changes: '3' }))
  const created = await asCloudFormation(handler)
  const updated = await asCloudFormation(handler, { RequestType: 'Update' })
  assert.deepEqual([created.Status, created.Data], ['SUCCESS', { Changes: '3' }])
  assert.equal(created.PhysicalResourceId, updated.PhysicalResourceId)
})

test('a deployment fails with the reason that the function gives the operator', async () => {
  const handler = customResource(async () => {
    throw new DeploymentError('The registry has a mistake.')
  })
  const { Status, Reason } = await asCloudFormation(handler)
  assert.deepEqual([Status, Reason], ['FAILED', 'The registry has a mistake.'])
})

test('a deployment that fails by a fault says where, without the words of the fault, and logs it', async () => {
  const handler = customResource(async () => {
    throw new TypeError('a secret')
  })
  const { result, lines } = await quietly(() => asCloudFormation(handler))
  assert.equal(result.Status, 'FAILED')
  assert.match(result.Reason ?? '', /^TypeError at .*custom-resource\.test\.ts/)
  assert.doesNotMatch(`${result.Reason} ${lines}`, /a secret/)
  assert.equal(JSON.parse(lines[0] ?? '{}').event, 'fault')
})

test('a long reason is cut, because CloudFormation refuses a long answer', async () => {
  const handler = customResource(async () => {
    throw new DeploymentError('x'.repeat(10_000))
  })
  assert.ok((await asCloudFormation(handler)).Reason!.length <= 3000)
})

test('an answer that CloudFormation’s address refuses is sent again', async () => {
  const { Status } = await asCloudFormation(
    customResource(async () => ({})),
    {},
    3,
  )
  assert.equal(Status, 'SUCCESS')
})

test('a function whose answer nobody takes fails, and tells no address', async () => {
  const asking = asCloudFormation(
    customResource(async () => ({})),
    {},
    4,
  )
  await assert.rejects(asking, ({ message, cause }: Error) => {
    assert.match(message, /needs a way to S3/)
    assert.doesNotMatch(`${message} ${cause}`, /127\.0\.0\.1/)
    return true
  })
})
