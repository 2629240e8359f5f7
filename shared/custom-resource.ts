/**
 * Functions that CloudFormation calls for a custom resource (CloudFormation User Guide, Custom resource request and response
 * objects): at its creation, at a change of its properties, and at its end.
 */

import { describeFault, log } from './log.ts'

export type CustomResourceEvent = {
  readonly RequestType: 'Create' | 'Update' | 'Delete'
  /** Takes the answer, once. Whoever knows it can answer, so it is never logged. */
  readonly ResponseURL: string
  readonly StackId: string
  readonly RequestId: string
  readonly LogicalResourceId: string
  readonly PhysicalResourceId?: string
  readonly ResourceProperties: Readonly<Record<string, unknown>>
  /** With an update: the properties of before. */
  readonly OldResourceProperties?: Readonly<Record<string, unknown>>
}

/** An error whose message is for the operator who deploys, and holds no secret. */
export class DeploymentError extends Error {
  override readonly name = 'DeploymentError'
}

/** CloudFormation refuses an answer of more than 4096 bytes. */
const maxReasonLength = 3000
const maxTries = 4
/** The time of one try. */
const answerWithinMs = 4000

/**
 * The deployment waits for the answer, and fails with its reason.
 *
 * @param work returns the attributes of the resource
 */
export function customResource(
  work: (event: CustomResourceEvent) => Promise<Readonly<Record<string, string>>>,
): (event: CustomResourceEvent) => Promise<void> {
  return async (event) => {
    const answer = await work(event).then(
      (Data) => ({ Status: 'SUCCESS', Data }) as const,
      (error: unknown) => ({ Status: 'FAILED', Reason: reasonOf(error) }) as const,
    )
    const { StackId, RequestId, LogicalResourceId } = event
    // Another id would make CloudFormation delete what it takes for the former resource.
    const PhysicalResourceId = event.PhysicalResourceId ?? LogicalResourceId
    await put(
      event.ResponseURL,
      JSON.stringify({ ...answer, StackId, RequestId, LogicalResourceId, PhysicalResourceId }),
    )
  }
}

function reasonOf(error: unknown): string {
  if (error instanceof DeploymentError) return error.message.slice(0, maxReasonLength)
  log({ level: 'error', event: 'fault', fault: describeFault(error) }, Date.now())
  return `${describeFault(error).slice(0, maxReasonLength)}. The function's log has the rest.`
}

/**
 * Without an answer the deployment waits until its time is over. The error tells why in the function's log, without the address.
 */
async function put(url: string, body: string): Promise<void> {
  for (let tries = 1; tries <= maxTries; tries += 1) {
    // A presigned URL of S3, which signs an empty content type.
    const sent = { method: 'PUT', headers: { 'content-type': '' }, body, signal: AbortSignal.timeout(answerWithinMs) }
    const answer = await fetch(url, sent).catch(() => undefined)
    if (answer?.ok) return
  }
  throw new Error('CloudFormation does not take the answer. In a VPC the function needs a way to S3.')
}
