/**
 * From `functions/*.ts` to what Lambda runs: a folder for each function, with one minified ES module that a cold start
 * loads, `index.mjs`, and beside it those that are imported only when they are needed.
 *
 * Owns how code is bundled and which functions are. The stack deploys the folders, the bench measures them, and a test
 * runs them. Must not know the CDK, since the bench has no use for it.
 */

import { rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build, type Metafile } from 'esbuild'
import { type FunctionName, routes } from './routes.ts'

/** Runs by the clock. */
export type ScheduledFunction = 'retry-revocations' | 'check-keys'
/** Two have neither route nor clock: `create-keyring` runs at deployments, `rotate-keys` when Secrets Manager or ops say so. */
export type DeployedFunction = FunctionName | ScheduledFunction | 'create-keyring' | 'rotate-keys'

/**
 * @property bytes what Lambda loads at a cold start, unzipped
 * @property bytesAtNeed what is imported later, if ever
 */
export type Bundle = { readonly folder: string; readonly bytes: number; readonly bytesAtNeed: number }
export type Bundles = Readonly<Record<DeployedFunction, Bundle>>

const root = fileURLToPath(new URL('..', import.meta.url))

export const functionNames: readonly FunctionName[] = [...new Set(routes.map(({ functionName }) => functionName))]
const deployedFunctions: readonly DeployedFunction[] = [
  ...functionNames,
  'retry-revocations',
  'check-keys',
  'create-keyring',
  'rotate-keys',
]

/** @param outFolder gets a folder for each function, whose `index.mjs` exports `handler` */
export async function bundleFunctions(outFolder: string = join(root, 'dist')): Promise<Bundles> {
  const sources = deployedFunctions.map((name) => [name, join(root, 'functions', `${name}.ts`)])
  return (await bundleSources(Object.fromEntries(sources), outFolder)) as Bundles
}

/**
 * Bundles any modules the way functions are.
 *
 * @param sources file by name; the name becomes the folder
 */
export async function bundleSources(
  sources: Readonly<Record<string, string>>,
  outFolder: string,
): Promise<Record<string, Bundle>> {
  const bundled = Object.entries(sources).map(
    async ([name, file]) => [name, await bundleSource(file, join(outFolder, name))] as const,
  )
  return Object.fromEntries(await Promise.all(bundled))
}

/** Each by itself: built together, modules that several functions import would end up between their folders. */
async function bundleSource(file: string, folder: string): Promise<Bundle> {
  // Names follow what is in a module, so those of an earlier build would stay, and be deployed.
  await rm(folder, { recursive: true, force: true })
  const { metafile } = await build({
    entryPoints: [{ in: file, out: 'index' }],
    outdir: folder,
    absWorkingDir: root,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    // What is imported dynamically gets a module of its own: a cold start neither reads nor compiles it.
    splitting: true,
    chunkNames: '[name]-[hash]',
    minify: true,
    platform: 'node',
    target: 'node24',
    format: 'esm',
    // Packages that come both ways are smaller as ES modules, since what is unused can be left out of those.
    mainFields: ['module', 'main'],
    alias: { '@aws-sdk/credential-provider-node': join(root, 'infra', 'environment-credentials.ts') },
    // The SDK imports it for browsers. Were it a module here, what it shares with the others would be one more at each start.
    external: ['bowser'],
    legalComments: 'none',
    // Kept in memory, for the sizes; a file beside the modules would be deployed with them.
    metafile: true,
    logLevel: 'warning',
  })
  const [atStart, all] = [
    ledTo(metafile, ['import-statement']),
    ledTo(metafile, ['import-statement', 'dynamic-import']),
  ]
  // A module that only unused code imports is made nevertheless.
  const unused = Object.keys(metafile.outputs).filter((path) => !all.has(path))
  await Promise.all(unused.map((path) => rm(join(root, path))))
  const bytes = bytesOf(metafile, atStart)
  return { folder, bytes, bytesAtNeed: bytesOf(metafile, all) - bytes }
}

/** What is made of an entry point, and what that leads to by these kinds of import. */
function ledTo({ outputs }: Metafile, kinds: readonly string[]): Set<string> {
  const reached = new Set(Object.keys(outputs).filter((path) => basename(path) === 'index.mjs'))
  // A set hands out what is added while it is gone through.
  for (const path of reached) {
    for (const { kind, path: imported } of outputs[path]!.imports) {
      if (kinds.includes(kind) && imported in outputs) reached.add(imported)
    }
  }
  return reached
}

function bytesOf({ outputs }: Metafile, paths: ReadonlySet<string>): number {
  return [...paths].reduce((sum, path) => sum + outputs[path]!.bytes, 0)
}
