/** Access to the keys: of a stack through its function `rotate-keys`, of a local stack through its data directory. */

import { type Command, Option } from 'commander'
import type { KeyDescription, Retirement, Rotation } from '../shared/tokens/keyring-report.ts'
import { askAws } from './aws.ts'
import { OutOfReach, Problem, reasonOf, UsageProblem } from './problem.ts'

export type Keys = {
  list(): Promise<readonly KeyDescription[]>
  rotate(): Promise<Rotation>
  retire(names: readonly string[] | 'all', reason: string): Promise<Retirement>
}

export type KeysSettings = { readonly function?: string; readonly dataDir?: string; readonly region?: string }

export function withKeys(command: Command): Command {
  return command
    .addOption(
      new Option('--function <name>', 'output RotateKeysFunctionName of the stack').env('TOKEN_BROKER_KEYS_FUNCTION'),
    )
    .addOption(new Option('--data-dir <path>', 'data directory of a local stack').env('DATA_DIR'))
    .option('--region <region>', 'AWS region of the function (env: AWS_REGION)')
}

/** Longer than the timeout of the function. */
const answerWithinMs = 60_000

/** @throws {UsageProblem} */
export async function keysFrom({ function: name, dataDir, region }: KeysSettings): Promise<Keys> {
  if (name) return inCloud(name, region)
  if (dataDir) return onThisMachine(dataDir)
  throw new UsageProblem(
    'Pass --function NAME of a stack or --data-dir PATH of a local stack to say whose keys to use.',
  )
}

function inCloud(name: string, region: string | undefined): Keys {
  const call = async (event: object) => invoke(name, region, event)
  return {
    list: async () => {
      const { keys } = Object(await call({ list: true })) as { keys?: readonly KeyDescription[] }
      if (Array.isArray(keys)) return keys
      throw new Problem(`${name} lists no keys. Pass the output RotateKeysFunctionName of the stack with --function.`)
    },
    rotate: async () => (await call({ rotate: true })) as Rotation,
    retire: async (retire, reason) => (await call({ emergency: { retire, reason } })) as Retirement,
  }
}

async function onThisMachine(directory: string): Promise<Keys> {
  const [local, { Problem: LocalProblem }] = await Promise.all([
    import('../local/rotate-keys.ts'),
    import('../local/problem.ts'),
  ]).catch((error: unknown) => {
    // The lock of a data directory needs `node:sqlite`, which Node 20 lacks.
    if (reasonOf(error) !== 'ERR_UNKNOWN_BUILTIN_MODULE') throw error
    throw new Problem('To work with the keys of a local stack, run this command on Node 24 or newer.')
  })
  const reported = async <Result>(work: Promise<Result>) =>
    work.catch((error: unknown) => {
      throw error instanceof LocalProblem ? new Problem(error.message) : error
    })
  return {
    list: () => reported(local.listLocalKeys(directory, Date.now())),
    rotate: () => reported(local.rotateLocalKeys(directory, Date.now())),
    retire: (names) => reported(local.retireLocalKeys(directory, names, Date.now())),
  }
}

const lambda = { name: 'lambda', title: 'Lambda', endpointVariable: 'AWS_ENDPOINT_URL_LAMBDA' } as const

/** Lambda's Invoke, without retries: a repeated retirement would retire one more key. */
async function invoke(name: string, region: string | undefined, event: object): Promise<unknown> {
  const { status, headers, body } = await askAws(lambda, {
    method: 'POST',
    path: `/2015-03-31/functions/${encodeURIComponent(name)}/invocations`,
    region,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(event),
    timeoutMs: answerWithinMs,
    hint: 'Before you try again, run `keys list`: the function may have done its work.',
  })
  if (status === 200 && headers.get('x-amz-function-error') === null) return body
  const words = body.errorMessage ?? body.Message ?? body.message ?? `status ${status}`
  if (status >= 500) throw new OutOfReach(`Lambda failed: ${words}`)
  throw new Problem(`${name}: ${words}`)
}
