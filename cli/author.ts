/**
 * Who changes the registry, for its history: whom AWS takes the credentials for, or the user of this machine.
 */

import { userInfo } from 'node:os'
import { isLoopback } from '../shared/domain/loopback.ts'
import type { Author } from '../shared/store/registry-history.ts'
import { request } from './http.ts'

const answerWithinMs = 5_000

/** STS needs no permission for this. Where it is out of reach, the access key's id still says whose they are. */
export async function authorOf(command: string): Promise<Author> {
  const endpoint = URL.parse(process.env.AWS_ENDPOINT_URL_DYNAMODB ?? '')
  if (endpoint !== null && isLoopback(endpoint)) return { actor: `local:${userInfo().username}`, command }
  const { accessKeyId } = await import('./signature.ts')
  return { actor: (await callerArn().catch(() => undefined)) ?? `access key ${await accessKeyId()}`, command }
}

async function callerArn(): Promise<string | undefined> {
  const { regionFor, signed } = await import('./signature.ts')
  const given = process.env.AWS_REGION || process.env.AWS_DEFAULT_REGION
  const base = process.env.AWS_ENDPOINT_URL_STS || `https://sts.${given ? `${given}.` : ''}amazonaws.com`
  const url = new URL('/?Action=GetCallerIdentity&Version=2011-06-15', base)
  const call = { method: 'GET', url, headers: { accept: 'application/json' }, body: '' }
  const headers = await signed(call, 'sts', regionFor(url, given || 'us-east-1'))
  const response = await request(url, { method: 'GET', headers, timeoutMs: answerWithinMs })
  if (response.status !== 200) return undefined
  const { GetCallerIdentityResponse: answer } = JSON.parse(await response.text()) as {
    GetCallerIdentityResponse?: { GetCallerIdentityResult?: { Arn?: string } }
  }
  return answer?.GetCallerIdentityResult?.Arn
}
