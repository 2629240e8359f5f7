/** The author of a change, for the history of the registry: the AWS identity, or the user of this machine. */

import { userInfo } from 'node:os'
import type { Author } from '../shared/store/registry-history.ts'
import { askAws } from './aws.ts'
import { isLocalTable } from './settings.ts'

const answerWithinMs = 5_000

/** GetCallerIdentity needs no permission. If STS is out of reach, the id of the access key still identifies the author. */
export async function authorOf(command: string): Promise<Author> {
  if (isLocalTable()) return { actor: `local:${userInfo().username}`, command }
  const { accessKeyId } = await import('./signature.ts')
  return { actor: (await callerArn().catch(() => undefined)) ?? `access key ${await accessKeyId()}`, command }
}

const sts = { name: 'sts', title: 'STS', endpointVariable: 'AWS_ENDPOINT_URL_STS' } as const

async function callerArn(): Promise<string | undefined> {
  const { body } = await askAws(sts, {
    method: 'GET',
    path: '/?Action=GetCallerIdentity&Version=2011-06-15',
    body: '',
    timeoutMs: answerWithinMs,
    headers: { accept: 'application/json' },
    // STS answers in every region.
    region: process.env.AWS_REGION || process.env.AWS_DEFAULT_REGION || 'us-east-1',
  })
  const { GetCallerIdentityResponse: answer } = body as {
    GetCallerIdentityResponse?: { GetCallerIdentityResult?: { Arn?: string } }
  }
  return answer?.GetCallerIdentityResult?.Arn
}

/** An ARN without the parts that all actors share, for a narrow column. */
export function shortActor(actor: string): string {
  return actor.replace(/^arn:[^:]*:(iam|sts)::\d*:(assumed-role\/)?/, '')
}
