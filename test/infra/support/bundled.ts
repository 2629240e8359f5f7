/**
 * The deployed modules, bundled once for all the tests of a process: it takes two processors ten seconds.
 *
 * Owns their folder, which is gone when the process is. Must not know what is in them.
 */

import { type Bundles, bundleFunctions } from '../../../infra/bundle.ts'
import { newDirectory } from '../../flows/support/broker.ts'

export type Bundled = { readonly folder: string; readonly bundles: Bundles }

let bundled: Promise<Bundled> | undefined

export function theBundles(): Promise<Bundled> {
  bundled ??= bundle(newDirectory())
  return bundled
}

async function bundle(folder: string): Promise<Bundled> {
  return { folder, bundles: await bundleFunctions(folder) }
}
