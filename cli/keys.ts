/**
 * The broker's keys: of a stack by its function `rotate-keys`, of a local stack by the file in its data directory.
 *
 * Owns the choice and the call. Key material never comes here: both only describe keys. Must not know what a rotation is.
 */

import type { KeyDescription, Retirement, Rotation } from '../shared/tokens/keyring-report.ts'

import type { Input, Options } from './arguments.ts'
import { askAws } from './aws.ts'
import { OutOfReach, Problem, UsageProblem } from './problem.ts'

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
  throw new UsageProblem(
    'Pass --function NAME of a stack, or --data-dir PATH of a local one, to say whose keys are meant.',
  )
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

const lambda = { name: 'lambda', title: 'Lambda', endpointVariable: 'AWS_ENDPOINT_URL_LAMBDA' } as const

/** Lambda's Invoke. Once: a rotation that is asked for again is refused, but a retirement would go a key further. */
async function invoke(name: string, region: string | undefined, event: object): Promise<unknown> {
  const { status, headers, body } = await askAws(lambda, {
    ...{ method: 'POST', path: `/2015-03-31/functions/${encodeURIComponent(name)}/invocations`, region },
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(event),
    timeoutMs: answerWithinMs,
    hint: 'Look with `keys list` before you try again.',
  })
  if (status === 200 && headers.get('x-amz-function-error') === null) return body
  const words = body.errorMessage ?? body.Message ?? body.message ?? `status ${status}`
  if (status >= 500) throw new OutOfReach(`Lambda failed: ${words}`)
  throw new Problem(`${name}: ${words}`)
}
