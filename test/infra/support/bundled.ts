/**
 * The bundled functions, built once per run because that takes ten seconds of CPU; once per file if a file is run alone.
 */

import { existsSync } from 'node:fs'
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Bundles, bundleFunctions } from '../../../infra/bundle.ts'
import { newDirectory } from '../../flows/support/broker.ts'
import { until } from '../../local/support/child.ts'

export type Bundled = { readonly folder: string; readonly bundles: Bundles }

/** Where test/support/global-setup.ts tells a directory of the run. */
export const bundlesVariable = 'TEST_BUNDLES'

let bundled: Promise<Bundled> | undefined

/** Do not modify the folder: other files use it at the same moment. */
export function theBundles(): Promise<Bundled> {
  bundled ??= bundle(process.env[bundlesVariable] ?? newDirectory())
  return bundled
}

/** The first process that asks bundles; the others wait for the file that it writes at the end. */
async function bundle(directory: string): Promise<Bundled> {
  const [folder, done] = [join(directory, 'functions'), join(directory, 'bundles.json')]
  if (await isFirst(folder)) {
    await writeFile(`${done}.new`, JSON.stringify(await bundleFunctions(folder)))
    await rename(`${done}.new`, done)
  }
  await until(() => existsSync(done), maxBundlingMs)
  return { folder, bundles: JSON.parse(await readFile(done, 'utf8')) as Bundles }
}

/** On a machine that is busy with other tests. */
const maxBundlingMs = 120_000

async function isFirst(folder: string): Promise<boolean> {
  return mkdir(folder).then(
    () => true,
    () => false,
  )
}
