/**
 * Installs the peers' packages, on which the project does not depend, into a separate folder.
 */

import { execFile } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { Problem } from '../../local/problem.ts'

/** The newest versions of November 2026. */
const packages = {
  '@openauthjs/openauth': '0.4.3',
  '@hono/node-server': '2.1.9',
  arctic: '2.3.4',
  hono: '4.13.19',
} as const

const folder = new URL('../../node_modules/.cache/token-broker-peers/', import.meta.url)

/** Installs the packages that are not installed yet. @throws {Problem} when the registry cannot be reached */
export async function installPeers(): Promise<void> {
  const path = fileURLToPath(folder)
  await mkdir(path, { recursive: true })
  await writeFile(new URL('package.json', folder), JSON.stringify({ private: true, dependencies: packages }))
  await writeFile(new URL('openauth.mjs', folder), entry)
  try {
    const args = ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error']
    await promisify(execFile)('npm', args, { cwd: path })
  } catch (error) {
    throw new Problem(`npm could not install the packages of the peers: ${(error as Error).message}`)
  }
}

/** The parts of the packages that our server for openauth uses. */
export type OpenauthPackages = {
  issuer(options: object): { fetch(request: Request): Promise<Response> }
  DynamoStorage(options: { table: string; endpoint: string }): {
    set(key: readonly string[], value: unknown, expiry?: Date): Promise<void>
  }
  serve(options: object, listening: (address: AddressInfo) => void): unknown
}

/** A module in that folder, because the packages can only be imported from there. */
const entry = `export { issuer } from '@openauthjs/openauth'
export { DynamoStorage } from '@openauthjs/openauth/storage/dynamo'
export { serve } from '@hono/node-server'
`

export async function importOpenauth(): Promise<OpenauthPackages> {
  return (await import(new URL('openauth.mjs', folder).href)) as OpenauthPackages
}
