/**
 * Who changes the registry, for its history: whom AWS takes the credentials for, or the user of this machine.
 */

import { userInfo } from 'node:os'
import { isLoopback } from '../shared/domain/loopback.ts'
import type { Author } from '../shared/store/registry-history.ts'
import { askAws } from './aws.ts'

const answerWithinMs = 5_000

/** STS needs no permission for this. Where it is out of reach, the access key's id still says whose they are. */
export async function authorOf(command: string): Promise<Author> {
  const endpoint = URL.parse(process.env.AWS_ENDPOINT_URL_DYNAMODB ?? '')
  if (endpoint !== null && isLoopback(endpoint)) return { actor: `local:${userInfo().username}`, command }
  const { accessKeyId } = await import('./signature.ts')
  return { actor: (await callerArn().catch(() => undefined)) ?? `access key ${await accessKeyId()}`, command }
}

const sts = { name: 'sts', title: 'STS', endpointVariable: 'AWS_ENDPOINT_URL_STS' } as const

async function callerArn(): Promise<string | undefined> {
  const { body } = await askAws(sts, {
    ...{ method: 'GET', path: '/?Action=GetCallerIdentity&Version=2011-06-15', body: '', timeoutMs: answerWithinMs },
    headers: { accept: 'application/json' },
    // Any region knows it.
    region: process.env.AWS_REGION || process.env.AWS_DEFAULT_REGION || 'us-east-1',
  })
  const { GetCallerIdentityResponse: answer } = body as {
    GetCallerIdentityResponse?: { GetCallerIdentityResult?: { Arn?: string } }
  }
  return answer?.GetCallerIdentityResult?.Arn
}

/** An ARN without what is the same for everybody, for a table whose columns are narrow. */
export function shortActor(actor: string): string {
  return actor.replace(/^arn:[^:]*:(iam|sts)::\d*:(assumed-role\/)?/, '')
}
