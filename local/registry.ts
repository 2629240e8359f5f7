/**
 * The applications and clients of the local stack, from a file into the table.
 *
 * Owns reading the file and telling all of its mistakes. Must not know its schema (shared/registry-file.ts).
 */

import { readFile } from 'node:fs/promises'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { isLoopback } from '../shared/domain/loopback.ts'
import { identityOf } from '../shared/domain/provider-identity.ts'
import type { Application, ProviderSettings, Registry } from '../shared/domain/registration.ts'
import { parseRegistry } from '../shared/registry-file.ts'
import { putRegistry } from '../shared/store/registry.ts'
import { connect, createTableIfMissing } from '../shared/store/table.ts'
import { directoryPath } from './identity-provider/directory.ts'
import { tenantPath } from './identity-provider/tenant.ts'
import type { ProviderClient } from './identity-provider.ts'
import { Problem } from './problem.ts'

export const ownRegistry = fileURLToPath(new URL('registry.json', import.meta.url))

const patienceMs = 10_000
const pauseMs = 200

/** @throws {Problem} with every mistake, a line each */
export async function readRegistry(path: string, identityProviderUrl: string): Promise<Registry> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    const code = codeOf(error)
    const why = code === 'ENOENT' ? 'is not there' : `cannot be read (${code})`
    throw new Problem(`The registry ${path} ${why}. REGISTRY names the file to read.`)
  }
  const parsed = parseRegistry(text, { variables: { IDP_URL: identityProviderUrl } })
  if (parsed.ok) return parsed.registry
  const count = parsed.mistakes.length
  const lines = parsed.mistakes.map(({ where, why }) => `  ${where}: ${why}`)
  throw new Problem(
    [`The registry ${path} has ${count === 1 ? 'a mistake' : `${count} mistakes`}:`, ...lines].join('\n'),
  )
}

/** The applications whose people sign in at the local identity provider, as its clients. */
export function providerClients(
  { applications }: Registry,
  identityProviderUrl: string,
  secrets: ReadonlyMap<string, string>,
  publicUrl?: string,
): ProviderClient[] {
  return applications.flatMap(({ name, provider }) => {
    const at = placeOf(provider, identityProviderUrl)
    const { clientId, auth } = provider
    const secret = secrets.get(name) ?? ''
    return at === undefined ? [] : [{ application: name, clientId, at, auth, secret, publicUrl }]
  })
}

/** Where people of an application sign in, when that is not at the local identity provider. */
export function foreignProvider({ provider }: Application, identityProviderUrl: string): string | undefined {
  if (placeOf(provider, identityProviderUrl) !== undefined) return undefined
  return provider.kind === 'oidc' ? provider.issuer : provider.authorizationEndpoint
}

/** Which of those at the local identity provider's address it is; undefined for one elsewhere. */
function placeOf(provider: ProviderSettings, address: string): ProviderClient['at'] {
  if (provider.kind === 'oauth2') {
    return provider.tokenEndpoint.startsWith(`${address}${directoryPath}`) ? 'directory' : undefined
  }
  if (provider.issuer === `${address}${tenantPath}`) return 'tenant'
  return provider.issuer === address ? 'openid' : undefined
}

/**
 * Whether a provider that differs is the local identity provider, which was at another port before: what it gave is still
 * its own. Any other provider that takes the place of one ends the sessions of that one.
 */
function hasOnlyMoved(before: ProviderSettings, after: ProviderSettings, address: string): boolean {
  const [was, is] = [identityOf(before), identityOf(after)]
  const [from, to] = [new URL(was.address), new URL(is.address)]
  if (placeOf(after, address) === undefined || !isLoopback(from)) return false
  return was.kind === is.kind && was.clientId === is.clientId && from.pathname === to.pathname
}

/**
 * Makes the table where it is missing and puts the registry there. A DynamoDB that is only just starting, and a table
 * that is only just being made, are waited for.
 *
 * @throws {Problem}
 */
export async function fillTable(
  tableName: string,
  registry: Registry,
  endpoint: string,
  identityProviderUrl: string,
): Promise<void> {
  const table = connect(tableName)
  try {
    for (const deadline = Date.now() + patienceMs; ; await pause(pauseMs)) {
      try {
        await createTableIfMissing(tableName)
        return await putRegistry(table, registry, (before, after) => hasOnlyMoved(before, after, identityProviderUrl))
      } catch (error) {
        if (Date.now() < deadline) continue
        throw new Problem(`The DynamoDB at ${endpoint} does not answer as it should (${reasonOf(error)}).`)
      }
    }
  } finally {
    table.client.destroy()
  }
}

function reasonOf(error: unknown): string {
  const { cause = error } = error as { cause?: unknown }
  return codeOf(cause)
}

function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return 'code' in error ? String(error.code) : error.name
}
