/**
 * Measures how long each bundle takes to import in a fresh process, beside a bundle of the DynamoDB document client alone.
 */

import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { type Bundle, bundleFunctions, bundleSources } from '../infra/bundle.ts'
import { type Spread, spreadOf } from './statistics.ts'

export type ImportPlan = {
  readonly rounds: number
  /** Imports of the bundle `refresh` in a round. It has a budget, so it is measured more often than the others. */
  readonly refreshesInRound: number
}

export type ImportTiming = {
  readonly name: string
  readonly bytes: number
  /**
   * Imported on demand, so not a part of these times. In the cloud, the first request imports some of it to read the
   * keyring.
   */
  readonly bytesAtNeed: number
  readonly ms: Spread
  readonly clientMs: Spread
  readonly ratio: Spread
}

export type ImportTimings = { readonly clientBytes: number; readonly bundles: readonly ImportTiming[] }

export type Bundled = { readonly client: Bundle; readonly functions: readonly (readonly [name: string, Bundle])[] }

type Pair = { readonly name: string; readonly ms: number; readonly clientMs: number }

const client = fileURLToPath(new URL('bundles/dynamodb-client.ts', import.meta.url))

/** @param folder for the bundles */
export async function bundle(folder: string): Promise<Bundled> {
  const functions = await bundleFunctions(join(folder, 'functions'))
  const { client: bundled } = await bundleSources({ client }, join(folder, 'client'))
  return { client: bundled!, functions: Object.entries(functions) }
}

/** @param roundDone called after each round, the warm-up round included */
export async function timeImports(bundled: Bundled, plan: ImportPlan, roundDone: () => void): Promise<ImportTimings> {
  const pairs: Pair[] = []
  // The warm-up round (-1) makes the machine read the files, and does not count.
  for (let round = -1; round < plan.rounds; round += 1) {
    const measured = await runRound(bundled, round < 0 ? 1 : plan.refreshesInRound, round % 2 === 0)
    if (round >= 0) pairs.push(...measured)
    roundDone()
  }
  return {
    clientBytes: bundled.client.bytes,
    bundles: bundled.functions.map(([name, { bytes, bytesAtNeed }]) => ({
      name,
      bytes,
      bytesAtNeed,
      ...spreadsOf(pairs.filter((pair) => pair.name === name)),
    })),
  }
}

async function runRound(bundled: Bundled, refreshes: number, functionFirst: boolean): Promise<Pair[]> {
  const pairs: Pair[] = []
  for (const [name, one] of bundled.functions) {
    for (let time = 0; time < (name === 'refresh' ? refreshes : 1); time += 1) {
      const isFirst = functionFirst === (time % 2 === 0)
      const before = await timeImport(isFirst ? one : bundled.client)
      const after = await timeImport(isFirst ? bundled.client : one)
      pairs.push(isFirst ? { name, ms: before, clientMs: after } : { name, ms: after, clientMs: before })
    }
  }
  return pairs
}

function spreadsOf(pairs: readonly Pair[]) {
  return {
    ms: spreadOf(pairs.map(({ ms }) => ms)),
    clientMs: spreadOf(pairs.map(({ clientMs }) => clientMs)),
    ratio: spreadOf(pairs.map(({ ms, clientMs }) => ms / clientMs)),
  }
}

const importer = `
  const before = performance.now()
  await import(process.argv[1])
  process.stdout.write(String(performance.now() - before))
`

/** @returns ms */
async function timeImport({ folder }: Bundle): Promise<number> {
  const file = pathToFileURL(join(folder, 'index.mjs')).href
  // A new Lambda has neither a compile cache nor our options.
  const { NODE_OPTIONS: _, NODE_COMPILE_CACHE: __, ...env } = process.env
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', importer, file], { env })
  return Number(stdout)
}
