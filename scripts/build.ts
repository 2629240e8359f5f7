/**
 * `npm run build`: makes the package in `dist/package`; `npm pack ./dist/package` packs it.
 *
 * The package needs nothing else: its command line and its functions are bundled. Only the construct leaves out what an app
 * with a stack has anyway, the CDK.
 */

import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { type BuildOptions, build } from 'esbuild'
import { type Bundles, bundleFunctions } from '../infra/bundle.ts'
import { viewerFolder } from '../shared/api-description/viewer-files.ts'
import { noticesFor } from './notices.ts'

const root = fileURLToPath(new URL('..', import.meta.url))

/** The oldest Node that an operator or a CDK app may run. The functions run on the Node of Lambda. */
const oldestNode = 'node20'
const common = {
  absWorkingDir: root,
  bundle: true,
  platform: 'node',
  target: oldestNode,
  mainFields: ['module', 'main'],
  legalComments: 'none',
  metafile: true,
  logLevel: 'warning',
} as const satisfies BuildOptions

/** @returns the files that were bundled */
async function bundleCommandLine(folder: string): Promise<readonly string[]> {
  const { metafile } = await build({
    ...common,
    entryPoints: ['cli/token-broker.ts'],
    outdir: folder,
    outExtension: { '.js': '.mjs' },
    format: 'esm',
    // Commands stay apart, so that `token` does not wait for the AWS SDK to be read.
    splitting: true,
    chunkNames: '[name]-[hash]',
    // CommonJS packages require Node's own modules.
    banner: { js: "import{createRequire as nodeRequire}from'node:module';const require=nodeRequire(import.meta.url);" },
  })
  return Object.keys(metafile.inputs)
}

/**
 * As CommonJS, which apps of both kinds can load on every Node that the CDK supports.
 *
 * @returns the files that were bundled
 */
async function bundleConstruct(folder: string): Promise<readonly string[]> {
  const { metafile } = await build({
    ...common,
    entryPoints: ['infra/index.ts'],
    outdir: folder,
    format: 'cjs',
    external: ['aws-cdk-lib', 'constructs'],
    define: { 'import.meta.dirname': '__dirname', 'import.meta.filename': '__filename' },
  })
  await writeJson(join(folder, 'package.json'), { type: 'commonjs' })
  return Object.keys(metafile.inputs)
}

/** The types of the construct, and of what they mention. */
async function writeTypes(folder: string): Promise<void> {
  const all = await mkdtemp(join(tmpdir(), 'token-broker-types-'))
  try {
    const options = ['--project', 'tsconfig.package.json', '--outDir', all, '--singleThreaded']
    await run(process.execPath, [tsc, ...options], { cwd: root })
    for (const [path, text] of await mentionedBy(join(all, 'infra', 'index.d.ts'))) {
      const place = join(folder, 'types', relative(all, path))
      await mkdir(dirname(place), { recursive: true })
      await writeFile(place, text)
    }
  } catch (error) {
    throw new Error(`The types of the package cannot be made.\n${Object(error).stdout ?? ''}`, { cause: error })
  } finally {
    await rm(all, { recursive: true })
  }
  await writeFile(join(folder, 'index.d.ts'), "export * from './types/infra/index.js'\n")
}

const run = promisify(execFile)
const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc')

/** A declaration file and those that it imports, with the imports named as files of the package. */
async function mentionedBy(entry: string): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>()
  const paths = new Set([entry])
  // Iterating over a set includes elements that are added meanwhile.
  for (const path of paths) {
    const text = await readFile(path, 'utf8')
    found.set(path, text.replaceAll(importOfSource, '$1.js$2'))
    for (const [, target] of text.matchAll(importOfSource)) paths.add(join(dirname(path), `${target}.d.ts`))
  }
  return found
}

/** `from './props.ts'`, `import("./props.ts")` */
const importOfSource = /(?<=(?:from |import\()["'])(\.[^"']+)\.ts(["'])/g

type Manifest = Readonly<Record<'name' | 'version' | 'description' | 'license', string>> & {
  readonly devDependencies: Readonly<Record<string, string>>
}

async function manifest(): Promise<object> {
  const { name, version, description, license, devDependencies } = JSON.parse(
    await readFile(join(root, 'package.json'), 'utf8'),
  ) as Manifest
  const peers = ['aws-cdk-lib', 'constructs']
  return {
    name,
    version,
    description,
    license,
    keywords: ['oauth2', 'oidc', 'token', 'device-flow', 'refresh-token', 'aws', 'cdk', 'construct', 'lambda'],
    type: 'module',
    engines: { node: '>=20.18' },
    bin: { 'token-broker': 'cli/token-broker.mjs' },
    exports: {
      './cdk': { types: './cdk/index.d.ts', default: './cdk/index.js' },
      './registry.schema.json': './docs/registry.schema.json',
      './package.json': './package.json',
    },
    files: ['cli', 'cdk', ...documents, noticesName],
    peerDependencies: Object.fromEntries(peers.map((peer) => [peer, `^${devDependencies[peer]}`])),
    // Who only runs the command line needs neither.
    peerDependenciesMeta: Object.fromEntries(peers.map((peer) => [peer, { optional: true }])),
  }
}

const noticesName = 'THIRD-PARTY-NOTICES.txt'
const documents = ['README.md', 'CHANGELOG.md', 'SECURITY.md', 'LICENSE', 'docs']

/**
 * @param folder is emptied first
 * @param bundling the functions, bundled in a folder of their own
 */
export async function buildPackage(folder: string, bundling: Promise<Bundles>): Promise<void> {
  await rm(folder, { recursive: true, force: true })
  const construct = join(folder, 'cdk')
  await mkdir(construct, { recursive: true })
  const [functions, ofCommandLine, ofConstruct] = await Promise.all([
    bundling,
    bundleCommandLine(join(folder, 'cli')),
    bundleConstruct(construct),
    writeTypes(construct),
  ])
  const bundles = Object.entries(functions)
  await Promise.all(
    bundles.map(([name, { folder }]) => cp(folder, join(construct, 'functions', name), { recursive: true })),
  )
  const ofFunctions = bundles.flatMap(([, { inputs }]) => inputs)
  const bundled = [
    ...ofCommandLine,
    ...ofConstruct,
    ...ofFunctions,
    relative(root, join(viewerFolder(), 'package.json')),
  ]
  await writeFile(join(folder, noticesName), await noticesFor(root, bundled))
  await writeJson(join(folder, 'package.json'), await manifest())
  await Promise.all(documents.map((name) => cp(join(root, name), join(folder, name), { recursive: true })))
}

async function writeJson(path: string, value: object): Promise<void> {
  await writeFile(path, `${JSON.stringify(value, null, 2)}\n`)
}

if (import.meta.main) {
  await buildPackage(join(root, 'dist', 'package'), bundleFunctions())
  console.log('The package is in dist/package. To pack it: npm pack ./dist/package')
}
