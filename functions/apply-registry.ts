/**
 * apply-registry: writes the registry that is part of a deployment, by the rules of `token-broker apply`.
 *
 * It removes a record that the previous deployment declared and this one does not. Records that others have added stay. When a
 * deployment is rolled back, CloudFormation sends the previous registry in the same way.
 */

import { customResource, DeploymentError } from '../shared/custom-resource.ts'
import type { Registry } from '../shared/domain/registration.ts'
import {
  applicationOf,
  type Change,
  changesBetween,
  isClient,
  type RegistryRecord,
  recordName,
  type StoredRegistry,
} from '../shared/domain/registry-changes.ts'
import { log } from '../shared/log.ts'
import { clock } from '../shared/parts.ts'
import { differencesOf, inWords } from '../shared/registry-difference.ts'
import { parseRegistry } from '../shared/registry-file.ts'
import { readRegistry, writeChanges } from '../shared/store/registry.ts'
import { connect, type Table } from '../shared/store/table.ts'

/** A try is lost when somebody else writes the registry at the same time. */
const maxTries = 8

export const handler = customResource(
  async ({ RequestType, StackId, ResourceProperties, OldResourceProperties }): Promise<Record<string, string>> => {
    // Registrations are deleted together with their table.
    if (RequestType === 'Delete') return {}
    const declared = registryIn(ResourceProperties)
    const former = formerIn(OldResourceProperties)
    const keepsSessions = ResourceProperties.KeepSessions === 'true'
    const table = connect(process.env.TABLE_NAME ?? '')
    try {
      const changes = await apply(table, declared, former.registry, keepsSessions, {
        actor: StackId,
        command: 'deploy',
      })
      for (const change of changes) logChange(change)
      log({ level: 'info', event: 'registry.applied', count: changes.length }, clock.now())
      return { Changes: `${summary(changes)}${former.isReadable ? '' : unreadable}` }
    } finally {
      table.close()
    }
  },
)

type Properties = Readonly<Record<string, unknown>>

/** @throws {DeploymentError} with all mistakes */
function registryIn({ Registry: text }: Properties): Registry {
  const parsed = parseRegistry(String(text), { isDeployed: true })
  if (parsed.ok) return parsed.registry
  const mistakes = parsed.mistakes.map(({ where, why }) => `${where}: ${why}`)
  throw new DeploymentError(`The registry has mistakes, and nothing was changed: ${mistakes.join('; ')}`)
}

const unreadable = '. Nothing was removed, because the previous registry has mistakes by the rules of this version'

/**
 * A registry with mistakes was never applied, or an earlier version with other rules has applied it. It counts as empty, so that a
 * rollback removes nothing that was never applied.
 */
function formerIn(properties: Properties | undefined): { readonly registry: Registry; readonly isReadable: boolean } {
  const none = { applications: [], clients: [] }
  if (properties === undefined) return { registry: none, isReadable: true }
  const parsed = parseRegistry(String(properties.Registry), { isDeployed: true })
  return parsed.ok ? { registry: parsed.registry, isReadable: true } : { registry: none, isReadable: false }
}

type Author = { readonly actor: string; readonly command: string }

/** @returns the changes that were made */
async function apply(
  table: Table,
  declared: Registry,
  former: Registry,
  keepsSessions: boolean,
  by: Author,
): Promise<Change[]> {
  const names = [...declared.applications, ...former.applications].map(({ name }) => name)
  for (let tries = 0; tries < maxTries; tries += 1) {
    const stored = await readRegistry(table, names)
    const all = changesBetween(stored, declared, removedFrom(stored, former), () => keepsSessions)
    const changes = all.filter(({ kind }) => kind !== 'unchanged' && kind !== 'undeclared')
    if (await writeChanges(table, stored, changes, { nowMs: clock.now(), by })) return changes
  }
  throw new DeploymentError('Others kept changing the registry meanwhile. Deploy again.')
}

/** An application stays as long as one of its clients does. */
function removedFrom(stored: StoredRegistry, former: Registry): (record: RegistryRecord) => boolean {
  const declared = new Set([...former.applications, ...former.clients].map(recordName))
  const kept = new Set(stored.clients.filter((client) => !declared.has(recordName(client))).map(applicationOf))
  return (record) => declared.has(recordName(record)) && (isClient(record) || !kept.has(record.name))
}

function logChange(change: Change): void {
  const { kind, record } = change
  const client = isClient(record) ? { client_id: record.clientId } : {}
  const differences = differencesOf(change).map(inWords).join('; ')
  const what = { application: applicationOf(record), ...client, reason: kind }
  log({ level: 'info', event: 'registry.changed', ...what, change: differences || undefined }, clock.now())
}

function summary(changes: readonly Change[]): string {
  const counts = Map.groupBy(changes, ({ kind }) => kind)
  const counted = [...counts].map(([kind, { length }]) => `${length} ${kind}`)
  return counted.join(', ') || 'nothing changed'
}
