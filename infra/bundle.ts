/**
 * Bundles each function into a folder: `index.mjs`, which a cold start loads, and the modules that it imports on demand.
 *
 * Does not import the CDK, because the bench bundles too.
 */

import { cp, mkdir, rm, writeFile } from 'node:fs/promises'
import { basename, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type BuildOptions, type BuildResult, context, type Metafile, type Plugin } from 'esbuild'
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
 * Builds each separately: a joint build would put shared modules outside the functions' folders. The builds are rebuilds of one
 * context of esbuild, which then parses a file once for all of them.
 *
 * @param sources the file of each bundle by its name, which becomes the name of the folder
 */
export async function bundleSources(
  sources: Readonly<Record<string, string>>,
  outFolder: string,
): Promise<Record<string, Bundle>> {
  let source = ''
  const bundler = await context({ ...options, outdir: outFolder, plugins: [entryFrom(() => source)] })
  const bundles: Record<string, Bundle> = {}
  try {
    for (const [name, file] of Object.entries(sources)) {
      source = file
      bundles[name] = await write(await bundler.rebuild(), join(outFolder, name))
    }
  } finally {
    await bundler.dispose()
  }
  return bundles
}

const entryName = 'the-source'

const options = {
  entryPoints: [{ in: entryName, out: 'index' }],
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
  write: false,
  logLevel: 'warning',
} as const satisfies BuildOptions

/** Resolves the entry point to the source of the present build. */
function entryFrom(source: () => string): Plugin {
  return {
    name: 'entry',
    setup: ({ onResolve }) => onResolve({ filter: new RegExp(`^${entryName}$`) }, () => ({ path: source() })),
  }
}

async function write(result: BuildResult<typeof options>, folder: string): Promise<Bundle> {
  const { metafile, outputFiles } = result
  // Module names contain a hash, so modules of an earlier build would otherwise stay and be deployed.
  await rm(folder, { recursive: true, force: true })
  await mkdir(folder, { recursive: true })
  const atStart = reachable(metafile, ['import-statement'])
  const all = reachable(metafile, ['import-statement', 'dynamic-import'])
  // esbuild also makes modules that only removed code imports.
  const used = outputFiles.filter(({ path }) => all.has(relative(root, path)))
  await Promise.all(used.map(({ path, contents }) => writeFile(join(folder, basename(path)), contents)))
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
