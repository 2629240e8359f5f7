/** The package as its users have it: packed, and installed into a folder that has nothing of this repository. */

import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { after } from 'node:test'
import { buildPackage } from '../../scripts/build.ts'
import { packageName } from '../../shared/version.ts'
import { theBundles } from '../infra/support/bundled.ts'
import { run } from '../local/support/child.ts'
import { directory } from '../local/support/directory.ts'

/** @property files the paths in the tarball, below its folder `package` */
export type Packed = { readonly path: string; readonly bytes: number; readonly files: readonly string[] }

/** What `npm run build` and `npm pack` make. */
export async function packed(): Promise<Packed> {
  const folder = await directory({ after })
  await buildPackage(
    join(folder, 'package'),
    theBundles().then(({ bundles }) => bundles),
  )
  const [pack] = JSON.parse(await npm(folder, 'pack', './package', '--json')) as [
    { filename: string; size: number; files: { path: string }[] },
  ]
  return { path: join(folder, pack.filename), bytes: pack.size, files: pack.files.map(({ path }) => path) }
}

/** @returns the folder of a new project that has the package and nothing else */
export async function installed(tarball: string): Promise<string> {
  const folder = await directory({ after })
  writeFileSync(join(folder, 'package.json'), '{ "name": "consumer", "private": true }')
  // Offline: the package has to need nothing from a registry.
  await npm(folder, 'install', '--offline', '--no-audit', '--no-fund', tarball)
  return folder
}

/** Adds the CDK, which takes minutes to install, as links to that of this repository. */
export function addCdk(folder: string): void {
  for (const name of ['aws-cdk-lib', 'constructs', join('@types', 'node')]) {
    const link = join(folder, 'node_modules', name)
    mkdirSync(dirname(link), { recursive: true })
    if (!existsSync(link)) symlinkSync(join(root, 'node_modules', name), link)
  }
}

export const root = join(import.meta.dirname, '..', '..')

export const commandIn = (folder: string) => join(folder, 'node_modules', packageName, 'cli', 'token-broker.mjs')

async function npm(cwd: string, ...words: readonly string[]): Promise<string> {
  const child = run('npm', words, {}, cwd)
  const { code } = await child.ended
  if (code !== 0) throw new Error(`npm ${words.join(' ')} ended with ${code}:\n${child.output.stderr}`)
  return child.output.stdout
}

/** The program of Node 20, the oldest that the package promises, if this machine has one: on PATH, or as `NODE20` says. */
export function node20(): string | undefined {
  const { PATH = '', NODE20 } = process.env
  const folders = [...PATH.split(delimiter), '/usr/bin', '/usr/local/bin', '/opt/homebrew/opt/node@20/bin']
  return [...(NODE20 ? [NODE20] : []), ...folders.map((folder) => join(folder, 'node'))].find((program) =>
    /^v20\./.test(spawnSync(program, ['--version'], { encoding: 'utf8' }).stdout ?? ''),
  )
}
