/** The changes that a registry file would make to the table, by record and member. */

import { isExchanged, withMetadata } from './derived-members.ts'
import { isSameProvider, providerId } from './provider-identity.ts'
import type { Application, Client, DeclaredClient, ProviderSettings, Registry } from './registration.ts'

export type StoredRegistry = {
  readonly applications: readonly Application[]
  readonly clients: readonly Client[]
  /** Increases with each write. A change is written only over the version that it was computed for. */
  readonly version: number
  readonly removed: Removed
}

/** Removed records by `recordName`, each with the time up to which its sessions are revoked, ms (removed-records.ts). */
export type Removed = Readonly<Record<string, number>>

export type RegistryRecord = Application | DeclaredClient

export type Change = {
  readonly kind: 'added' | 'changed' | 'removed' | 'unchanged' | 'undeclared'
  readonly record: RegistryRecord
  /** The members that differ in a changed record. */
  readonly members: readonly string[]
  /** The record in the table, if it is changed. */
  readonly before?: RegistryRecord
  /** What becomes of the sessions of an application whose provider changes. */
  readonly sessions?: 'end' | 'keep'
}

/** Whether ops confirm that a changed provider is the same one at another address. */
export type KeepsSessions = (before: ProviderSettings, after: ProviderSettings) => boolean

/** Members that ops or the store write; no file declares them. */
const notDeclared = ['pk', 'sk', 'addedAt', 'revokedBefore', 'formerProviders', 'longerTokensUntil']

/**
 * Compares every record: each application followed by its clients, in the file's order, and then the records that the file lacks.
 * What the records derive from each other (derived-members.ts) also covers clients that stay although the file lacks them.
 *
 * @param prune whether records that the file lacks are removed, or which of them
 * @param keepsSessions asked for each provider whose identity changes (provider-identity.ts)
 */
export function changesBetween(
  stored: StoredRegistry,
  declared: Registry,
  prune: boolean | ((record: RegistryRecord) => boolean),
  keepsSessions: KeepsSessions = () => false,
): Change[] {
  const isRemoved = typeof prune === 'function' ? prune : () => prune
  const stay = stored.clients.filter((client) => !has(declared.clients, client) && !isRemoved(client))
  const applications = declared.applications.map((application) => {
    const own = [...declared.clients, ...stay].filter((client) => client.application === application.name)
    return withMetadata(application, own)
  })
  const clients = declared.clients.map((client) =>
    isExchanged(client, stay) ? { ...client, keepsProviderTokens: true } : client,
  )
  const names = [...new Set([...applications, ...stored.applications].map(({ name }) => name))]
  const gone = (record: RegistryRecord) => (isRemoved(record) ? 'removed' : 'undeclared')
  const compare = <Record extends RegistryRecord>(before: readonly Record[], after: readonly Record[]): Change[] => [
    ...after.map((record) => changeOf(find(before, record), record, keepsSessions)),
    ...before
      .filter((record) => !has(after, record))
      .map((record) => ({ kind: gone(record), record, members: [] }) as const),
  ]
  const all = [
    ...compare<RegistryRecord>(stored.applications, applications),
    ...compare<RegistryRecord>(stored.clients, clients),
  ]
  const orphans = stored.clients.map(({ application }) => application)
  return [...new Set([...names, ...orphans])].flatMap((name) =>
    all.filter(({ record }) => applicationOf(record) === name),
  )
}

export function isClient(record: RegistryRecord): record is DeclaredClient {
  return 'clientId' in record
}

export function applicationOf(record: RegistryRecord): string {
  return isClient(record) ? record.application : record.name
}

/** Unique in a registry: no application has a space in its name. */
export function recordName(record: RegistryRecord): string {
  return isClient(record) ? `${record.application} ${record.clientId}` : record.name
}

function changeOf(before: RegistryRecord | undefined, record: RegistryRecord, keepsSessions: KeepsSessions): Change {
  if (before === undefined) return { kind: 'added', record, members: [] }
  const members = differing(before, record)
  if (members.length === 0) return { kind: 'unchanged', record, members }
  const change = { kind: 'changed', record, members, before } as const
  if (isClient(before) || isClient(record) || isSameProvider(before.provider, record.provider)) return change
  // A rollback takes a change of the provider back that kept the sessions: operators have said that the two are one.
  const isFormer = before.formerProviders?.includes(providerId(record.provider))
  return { ...change, sessions: isFormer || keepsSessions(before.provider, record.provider) ? 'keep' : 'end' }
}

function differing(before: RegistryRecord, after: RegistryRecord): string[] {
  const [old, young] = [before, after] as readonly object[] as readonly Readonly<Record<string, unknown>>[]
  const members = new Set([...Object.keys(old!), ...Object.keys(young!)])
  return [...members].filter((member) => {
    if (notDeclared.includes(member)) return false
    if (member === 'secretHashes' && young![member] === undefined) return false
    return canonical(old![member]) !== canonical(young![member])
  })
}

/** The order of an object's members does not count, and the table does not preserve it. The order of a list counts. */
function canonical(value: unknown): string {
  return (
    JSON.stringify(value, (_, inner: unknown) =>
      inner !== null && typeof inner === 'object' && !Array.isArray(inner)
        ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
        : inner,
    ) ?? ''
  )
}

function find(records: readonly RegistryRecord[], wanted: RegistryRecord): RegistryRecord | undefined {
  return records.find((record) => recordName(record) === recordName(wanted))
}

function has(records: readonly RegistryRecord[], wanted: RegistryRecord): boolean {
  return find(records, wanted) !== undefined
}
