/**
 * How long Lambda would wait for each bundle to be imported, beside a bundle of the DynamoDB client alone.
 *
 * Owns the order of the measurements: each in a fresh process, each bundle right beside the client. Bundles are made the
 * way that the stack makes them. Must not know what the budgets are.
 */

import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { type Bundle, bundleFunctions, bundleSources } from '../infra/bundle.ts'
import { type Spread, spreadOf } from './statistics.ts'

export type ImportPlan = {
  readonly rounds: number
  /** No round is begun after so long. */
  readonly seconds: number
}

export type ImportTiming = {
  readonly name: string
  readonly bytes: number
  readonly ms: Spread
  readonly clientMs: Spread
  readonly ratio: Spread
}

export type ImportTimings = { readonly clientBytes: number; readonly bundles: readonly ImportTiming[] }

type Pair = { readonly ms: number; readonly clientMs: number }

/** The one that a budget is set for, so it is looked at more often. */
const timesInRound = (name: string) => (name === 'refresh' ? 4 : 1)

const client = fileURLToPath(new URL('bundles/dynamodb-client.ts', import.meta.url))

/**
 * @param folder where the bundles may be put
 * @param progress told the share that is done, 0 to 1
 */
export async function timeImports(
  folder: string,
  { rounds, seconds }: ImportPlan,
  progress: (share: number) => void,
): Promise<ImportTimings> {
  const bundles = Object.entries<Bundle>(await bundleFunctions(join(folder, 'functions')))
  const { client: clientBundle } = await bundleSources({ client }, join(folder, 'client'))
  const pairs = new Map(bundles.map(([name]): [string, Pair[]] => [name, []]))
  const startedAt = performance.now()
  const elapsed = () => (performance.now() - startedAt) / (1000 * seconds)
  // The first round is for the machine to have read the files once.
  for (let round = -1; round < rounds && elapsed() < 1; round += 1) {
    for (const [at, [name, bundle]] of bundles.entries()) {
      for (let time = 0; time < timesInRound(name); time += 1) {
        const pair = await timePair(bundle, clientBundle!, (round + time) % 2 === 0)
        if (round >= 0 || rounds === 1) pairs.get(name)!.push(pair)
      }
      progress(Math.max((round + 1 + at / bundles.length) / (rounds + 1), elapsed()))
    }
  }
  return {
    clientBytes: clientBundle!.bytes,
    bundles: bundles.map(([name, { bytes }]) => ({ name, bytes, ...timingOf(pairs.get(name)!) })),
  }
}

async function timePair(bundle: Bundle, clientBundle: Bundle, bundleFirst: boolean): Promise<Pair> {
  const first = await timeImport(bundleFirst ? bundle : clientBundle)
  const second = await timeImport(bundleFirst ? clientBundle : bundle)
  return bundleFirst ? { ms: first, clientMs: second } : { ms: second, clientMs: first }
}

function timingOf(pairs: readonly Pair[]) {
  return {
    ms: spreadOf(pairs.map(({ ms }) => ms)),
    clientMs: spreadOf(pairs.map(({ clientMs }) => clientMs)),
    ratio: spreadOf(pairs.map(({ ms, clientMs }) => ms / clientMs)),
  }
}

const importer =
  'const before = performance.now(); await import(process.argv[1]); process.stdout.write(String(performance.now() - before))'

/** @returns ms */
async function timeImport({ folder }: Bundle): Promise<number> {
  const file = pathToFileURL(join(folder, 'index.mjs')).href
  // A new Lambda has compiled nothing yet, and is not told how to run.
  const { NODE_OPTIONS: _, NODE_COMPILE_CACHE: __, ...env } = process.env
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', importer, file], { env })
  return Number(stdout)
}
