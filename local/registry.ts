/**
 * Loads the applications and clients of the local stack from the registry file into the table.
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
import { directoryPath, tenantPath } from './identity-provider/paths.ts'
import type { ProviderClient } from './identity-provider.ts'
import { issuerOf, type PlatformName } from './platforms.ts'
import { Problem } from './problem.ts'

export const ownRegistry = fileURLToPath(new URL('registry.json', import.meta.url))

const maxWaitMs = 10_000
const pauseMs = 200

/** @throws {Problem} with all mistakes, one a line */
export async function readRegistry(path: string, identityProviderUrl: string): Promise<Registry> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    const code = codeOf(error)
    const why = code === 'ENOENT' ? 'does not exist' : `cannot be read (${code})`
    throw new Problem(`The registry ${path} ${why}. Set REGISTRY to the path of a registry file.`)
  }
  const parsed = parseRegistry(text, { variables: { IDP_URL: identityProviderUrl } })
  if (parsed.ok) return parsed.registry
  const count = parsed.mistakes.length
  const lines = parsed.mistakes.map(({ where, why }) => `  ${where}: ${why}`)
  throw new Problem(
    [`The registry ${path} has ${count === 1 ? 'a mistake' : `${count} mistakes`}:`, ...lines].join('\n'),
  )
}

/** The clients of the local identity provider: one for each application that uses it. */
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

/** A client for a first try: the first that authenticates with tokens of this platform, with an id that needs no quotes. */
export function platformClient(
  { clients }: Registry,
  platform: PlatformName,
  identityProviderUrl: string,
): Registry['clients'][number] | undefined {
  const issuer = issuerOf(platform, identityProviderUrl)
  return clients.find(
    ({ clientId, identities = [] }) => /^[\w.-]+$/.test(clientId) && identities.some((each) => each.issuer === issuer),
  )
}

/** The address of an application's provider, as `apply` shows it; undefined for the local identity provider. */
export function foreignProvider({ provider }: Application, identityProviderUrl: string): string | undefined {
  if (placeOf(provider, identityProviderUrl) !== undefined) return undefined
  return identityOf(provider).address
}

/** Which of the three local providers the settings name; undefined for a provider elsewhere. */
function placeOf(provider: ProviderSettings, address: string): ProviderClient['at'] {
  if (provider.kind === 'oauth2') {
    return provider.tokenEndpoint.startsWith(`${address}${directoryPath}`) ? 'directory' : undefined
  }
  if (provider.issuer === `${address}${tenantPath}`) return 'tenant'
  return provider.issuer === address ? 'openid' : undefined
}

/**
 * Whether only the port of the local identity provider has changed. Then sessions continue. Any other change of the provider
 * ends them.
 */
function hasOnlyMoved(before: ProviderSettings, after: ProviderSettings, address: string): boolean {
  const [was, is] = [identityOf(before), identityOf(after)]
  const [from, to] = [new URL(was.address), new URL(is.address)]
  if (placeOf(after, address) === undefined || !isLoopback(from)) return false
  return was.kind === is.kind && was.clientId === is.clientId && from.pathname === to.pathname
}

/**
 * Creates the table if it is missing, and writes the registry into it. Waits for a DynamoDB that is starting and for a table
 * that is being created.
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
    for (const deadline = Date.now() + maxWaitMs; ; await pause(pauseMs)) {
      try {
        await createTableIfMissing(tableName)
        return await putRegistry(table, registry, (before, after) => hasOnlyMoved(before, after, identityProviderUrl))
      } catch (error) {
        if (Date.now() < deadline) continue
        throw new Problem(`The DynamoDB at ${endpoint} cannot be used (${reasonOf(error)}). Check that it is running.`)
      }
    }
  } finally {
    table.close()
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
