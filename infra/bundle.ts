/**
 * Bundles each function into a folder: `index.mjs`, which a cold start loads, and the modules that it imports on demand.
 *
 * Does not import the CDK, because the bench bundles too.
 */

import { cp, rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build, type Metafile } from 'esbuild'
import { viewerFiles, viewerFolder, viewerFolderName } from '../shared/api-description/viewer-files.ts'
import { bundlesFolder, type DeployedFunction, deployedFunctions } from './deployed-functions.ts'

/**
 * @property bytes size of what a cold start loads, unzipped
 * @property bytesAtNeed size of what is imported on demand
 * @property inputs the files that were bundled, relative to the repository's root
 */
export type Bundle = {
  readonly folder: string
  readonly bytes: number
  readonly bytesAtNeed: number
  readonly inputs: readonly string[]
}
export type Bundles = Readonly<Record<DeployedFunction, Bundle>>

const root = fileURLToPath(new URL('..', import.meta.url))

/** @param outFolder receives a folder for each function, whose `index.mjs` exports `handler` */
export async function bundleFunctions(outFolder: string = bundlesFolder): Promise<Bundles> {
  const sources = deployedFunctions.map((name) => [name, join(root, 'functions', `${name}.ts`)])
  const bundles = (await bundleSources(Object.fromEntries(sources), outFolder)) as Bundles
  await copyViewer(bundles['api-docs'].folder)
  return bundles
}

/** Copies the viewer of the API description as plain files, so that a cold start does not read it. */
async function copyViewer(folder: string): Promise<void> {
  const copies = viewerFiles.map((name) => cp(join(viewerFolder(), name), join(folder, viewerFolderName, name)))
  await Promise.all(copies)
}

/**
 * Bundles other modules in the same way as functions.
 *
 * @param sources the file of each bundle by its name, which becomes the name of the folder
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

/** Builds each function separately: a joint build would put shared modules outside the functions' folders. */
async function bundleSource(file: string, folder: string): Promise<Bundle> {
  // Module names contain a hash, so modules of an earlier build would otherwise stay and be deployed.
  await rm(folder, { recursive: true, force: true })
  const { metafile } = await build({
    entryPoints: [{ in: file, out: 'index' }],
    outdir: folder,
    absWorkingDir: root,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    // Puts dynamic imports into separate modules, which a cold start neither reads nor compiles.
    splitting: true,
    chunkNames: '[name]-[hash]',
    minify: true,
    platform: 'node',
    target: 'node24',
    format: 'esm',
    // Prefers ES modules, from which esbuild removes unused code.
    mainFields: ['module', 'main'],
    alias: { '@aws-sdk/credential-provider-node': join(root, 'infra', 'environment-credentials.ts') },
    // The SDK imports it for browsers only. If bundled, it would add a shared module to every cold start.
    external: ['bowser'],
    legalComments: 'none',
    // Kept in memory to compute the sizes. A file would be deployed.
    metafile: true,
    logLevel: 'warning',
  })
  const atStart = reachable(metafile, ['import-statement'])
  const all = reachable(metafile, ['import-statement', 'dynamic-import'])
  // esbuild also writes modules that only removed code imports.
  const unused = Object.keys(metafile.outputs).filter((path) => !all.has(path))
  await Promise.all(unused.map((path) => rm(join(root, path))))
  const bytes = bytesOf(metafile, atStart)
  return { folder, bytes, bytesAtNeed: bytesOf(metafile, all) - bytes, inputs: Object.keys(metafile.inputs) }
}

/** The entry module and the modules that it reaches by these kinds of import. */
function reachable({ outputs }: Metafile, kinds: readonly string[]): Set<string> {
  const reached = new Set(Object.keys(outputs).filter((path) => basename(path) === 'index.mjs'))
  // Iteration over a set also visits elements that are added during it.
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
