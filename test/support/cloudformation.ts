/** CloudFormation, as a function sees it that stands behind a custom resource. */

import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import type { CustomResourceEvent } from '../../shared/custom-resource.ts'

export type Answered = {
  readonly Status: string
  readonly Reason?: string
  readonly PhysicalResourceId: string
  readonly Data?: Readonly<Record<string, string>>
}

type Asking = Partial<Pick<CustomResourceEvent, 'RequestType' | 'ResourceProperties' | 'OldResourceProperties'>>

/**
 * Sends one event, and returns the answer.
 *
 * @param refusals how often the answer's address refuses it first
 */
export async function asCloudFormation(
  call: (event: CustomResourceEvent) => Promise<unknown>,
  asking: Asking = {},
  refusals = 0,
): Promise<Answered> {
  const answers: string[] = []
  let left = refusals
  const server = createServer(async (request, response) => {
    const body = await text(request)
    if (left-- > 0) return void response.writeHead(503).end()
    answers.push(body)
    response.end()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  try {
    await call({
      RequestType: 'Create',
      ResponseURL: `http://127.0.0.1:${port}/answer`,
      StackId: 'arn:aws:cloudformation:eu-central-1:123456789012:stack/auth/1',
      RequestId: 'request',
      LogicalResourceId: 'Resource',
      ResourceProperties: {},
      ...asking,
    })
  } finally {
    server.closeAllConnections()
    server.close()
  }
  return JSON.parse(answers.join('\n')) as Answered
}
