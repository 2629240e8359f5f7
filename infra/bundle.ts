/**
 * From `functions/*.ts` to what Lambda runs: one folder with one minified ES module for each function.
 *
 * Owns how code is bundled and which functions are. The stack deploys the folders, the bench measures them, and a test
 * runs them. Must not know the CDK, since the bench has no use for it.
 */

import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { type FunctionName, routes } from './routes.ts'

/** `create-keyring` runs once, at the first deployment, and has no route. */
export type DeployedFunction = FunctionName | 'create-keyring'

/** @property bytes what Lambda loads at a cold start, unzipped */
export type Bundle = { readonly folder: string; readonly bytes: number }
export type Bundles = Readonly<Record<DeployedFunction, Bundle>>

const root = fileURLToPath(new URL('..', import.meta.url))

export const functionNames: readonly FunctionName[] = [...new Set(routes.map(({ functionName }) => functionName))]
const deployedFunctions: readonly DeployedFunction[] = [...functionNames, 'create-keyring']

/** @param outFolder gets a folder for each function, with `index.mjs` in it, which exports `handler` */
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
  const { metafile } = await build({
    entryPoints: Object.entries(sources).map(([name, file]) => ({ in: file, out: `${name}/index` })),
    outdir: outFolder,
    absWorkingDir: root,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    minify: true,
    platform: 'node',
    target: 'node24',
    format: 'esm',
    // Packages that come both ways are smaller as ES modules, since what is unused can be left out of those.
    mainFields: ['module', 'main'],
    alias: { '@aws-sdk/credential-provider-node': join(root, 'infra', 'environment-credentials.ts') },
    legalComments: 'none',
    // Kept in memory, for the sizes; a file beside the module would be deployed with it.
    metafile: true,
    logLevel: 'warning',
  })
  const bundled = Object.keys(sources).map((name): [string, Bundle] => {
    const folder = join(outFolder, name)
    const output = Object.entries(metafile.outputs).find(([file]) => join(root, file) === join(folder, 'index.mjs'))
    return [name, { folder, bytes: output![1].bytes }]
  })
  return Object.fromEntries(bundled)
}
