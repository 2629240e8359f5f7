/**
 * The bundled functions, built once per process because that takes ten seconds.
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
