/**
 * The broker's keys: of a stack by its function `rotate-keys`, of a local stack by the file in its data directory.
 *
 * Owns the choice and the call. Key material never comes here: both only describe keys. Must not know what a rotation is.
 */

import { isLoopback } from '../shared/domain/loopback.ts'
import type { KeyDescription, Retirement, Rotation } from '../shared/tokens/keyring-report.ts'
import type { Input, Options } from './arguments.ts'
import { OutOfReach, Problem, reasonOf, UsageProblem } from './problem.ts'

export type Keys = {
  list(): Promise<readonly KeyDescription[]>
  rotate(): Promise<Rotation>
  retire(names: readonly string[] | 'all', reason: string): Promise<Retirement>
}

export const keysOptions: Options = {
  function: { takes: 'NAME', says: 'the stack’s output RotateKeysFunctionName; else TOKEN_BROKER_KEYS_FUNCTION' },
  'data-dir': { takes: 'PATH', says: 'of a local stack; else DATA_DIR' },
  region: { takes: 'REGION', says: 'of the function; else AWS_REGION' },
}

/** A rotation step may wait for Secrets Manager; the function's own time-out is shorter. */
const answerWithinMs = 60_000

/** @throws {UsageProblem} */
export async function keysFrom(input: Input): Promise<Keys> {
  const name = input.text('function') || process.env.TOKEN_BROKER_KEYS_FUNCTION
  if (name) return inCloud(name, input.text('region'))
  const directory = input.text('data-dir') || process.env.DATA_DIR
  if (directory) return onThisMachine(directory)
  throw new UsageProblem('Whose keys? --function NAME of a stack, or --data-dir PATH of a local one.')
}

function inCloud(name: string, region: string | undefined): Keys {
  const call = async (event: object) => invoke(name, region, event)
  return {
    list: async () => ((await call({ list: true })) as { keys: readonly KeyDescription[] }).keys,
    rotate: async () => (await call({ rotate: true })) as Rotation,
    retire: async (retire, reason) => (await call({ emergency: { retire, reason } })) as Retirement,
  }
}

async function onThisMachine(directory: string): Promise<Keys> {
  const [local, { Problem: LocalProblem }] = await Promise.all([
    import('../local/rotate-keys.ts'),
    import('../local/problem.ts'),
  ])
  const ours = async <Result>(work: Promise<Result>) =>
    work.catch((error: unknown) => {
      throw error instanceof LocalProblem ? new Problem(error.message) : error
    })
  return {
    list: () => ours(local.listLocalKeys(directory, Date.now())),
    rotate: () => ours(local.rotateLocalKeys(directory, Date.now())),
    retire: (names) => ours(local.retireLocalKeys(directory, names, Date.now())),
  }
}

/** Lambda's Invoke. Once: a rotation that is asked for again is refused, but a retirement would go a key further. */
async function invoke(name: string, givenRegion: string | undefined, event: object): Promise<unknown> {
  const { regionFor, signed } = await import('./signature.ts')
  const given = givenRegion || process.env.AWS_REGION || process.env.AWS_DEFAULT_REGION
  const base = process.env.AWS_ENDPOINT_URL_LAMBDA || `https://lambda.${given}.amazonaws.com`
  const url = new URL(`/2015-03-31/functions/${encodeURIComponent(name)}/invocations`, base)
  if (url.protocol !== 'https:' && !isLoopback(url))
    throw new UsageProblem('AWS_ENDPOINT_URL_LAMBDA must be an https URL.')
  const region = regionFor(url, given)
  const body = JSON.stringify(event)
  const headers = await signed(
    { method: 'POST', url, headers: { 'content-type': 'application/json' }, body },
    'lambda',
    region,
  )
  let response: Response
  try {
    response = await fetch(url, { method: 'POST', headers, body, signal: AbortSignal.timeout(answerWithinMs) })
  } catch (error) {
    throw new OutOfReach(`Lambda is out of reach (${reasonOf(error)}).`, 'Look with `keys list` before you try again.')
  }
  const answer = (await response.json().catch(() => ({}))) as Record<string, unknown>
  if (response.ok && !response.headers.has('x-amz-function-error')) return answer
  const words = answer.errorMessage ?? answer.Message ?? answer.message ?? `status ${response.status}`
  if (response.status >= 500) throw new OutOfReach(`Lambda failed: ${words}`)
  throw new Problem(`${name}: ${words}`)
}
