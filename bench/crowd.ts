/**
 * Many workers exchange tokens of one session at the same time, half of them at each of two brokers, after the provider's
 * access token has expired.
 */

import { createCaller } from './caller.ts'
import { vaulted } from './families.ts'
import { exchangeForm, hostToken, worker } from './operations.ts'
import { startServer } from './processes.ts'
import type { Stage } from './stage.ts'

export type Crowd = {
  readonly workers: number
  readonly brokers: number
  /** Requests for fresh tokens that reached the provider. */
  readonly providerRequests: number
  /** Time until the last worker had the token. */
  readonly ms: number
}

const workers = 50

/** @throws when a worker is refused, or gets another token than the others */
export async function meetCrowd(stage: Stage): Promise<Crowd> {
  // Both brokers need the same issuer, so that each accepts the other's tokens.
  const environment = { ...stage.environment, BASE_URL: 'https://broker.example' }
  const brokers = await Promise.all([startServer('broker', environment), startServer('broker', environment)])
  const callers = brokers.map(({ url }) => createCaller(url))
  try {
    // Warm up, so that what a broker loads at its first request is not measured.
    for (const caller of callers) await exchange(caller, await hostToken(stage, callers[0]!, 3600))
    const subjectToken = await hostToken(stage, callers[0]!, 0)
    stage.provider.takeCount()
    const startedAt = performance.now()
    const tokens = await Promise.all(
      Array.from({ length: workers }, (_, index) => exchange(callers[index % callers.length]!, subjectToken)),
    )
    const ms = performance.now() - startedAt
    if (new Set(tokens).size !== 1) throw new Error('Two workers of one session were given different tokens')
    return { workers, brokers: brokers.length, providerRequests: stage.provider.takeCount(), ms }
  } finally {
    for (const caller of callers) caller.close()
    for (const broker of brokers) await broker.close()
  }
}

async function exchange(caller: ReturnType<typeof createCaller>, subjectToken: string): Promise<string> {
  const path = `/${vaulted}/oauth/token/exchange`
  const { status, text } = await caller.post(path, exchangeForm(subjectToken), worker)
  if (status !== 200) throw new Error(`A worker was answered ${status}: ${text}`)
  return (JSON.parse(text) as { access_token: string }).access_token
}
