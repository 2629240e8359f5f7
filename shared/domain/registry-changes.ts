/**
 * What a registry file would change in the table.
 *
 * Owns the comparison, record by record and member by member. Pure. Must not know how a change is written
 * (shared/store/registry.ts) or shown (cli/commands/apply.ts).
 */

import { isSameProvider } from './provider-identity.ts'
import type { Application, Client, DeclaredClient, ProviderSettings, Registry } from './registration.ts'

export type StoredRegistry = {
  readonly applications: readonly Application[]
  readonly clients: readonly Client[]
  /** How often it was written; a change holds only for the version that it was made for. */
  readonly version: number
}

export type RegistryRecord = Application | DeclaredClient

export type Change = {
  readonly kind: 'added' | 'changed' | 'removed' | 'unchanged' | 'undeclared'
  readonly record: RegistryRecord
  /** Of a changed record: which members differ. */
  readonly members: readonly string[]
  /** Of a changed record: what stands in the table. */
  readonly before?: RegistryRecord
  /** Of an application whose provider becomes another one: what becomes of the sessions that people signed in to there. */
  readonly sessions?: 'end' | 'keep'
}

/** Whether a change of the provider's identity is one of its address alone. */
export type KeepsSessions = (before: ProviderSettings, after: ProviderSettings) => boolean

/** Written by ops, or by the store itself; no file declares them. */
const notDeclared = ['pk', 'sk', 'addedAt', 'revokedBefore', 'formerProviders']

/**
 * Every record of either side once: applications with their clients after them, in the file's order, then what the file
 * does not have.
 *
 * @param prune whether that is removed, or stays
 * @param keepsSessions asked where a provider becomes another one (shared/domain/provider-identity.ts)
 */
export function changesBetween(
  stored: StoredRegistry,
  declared: Registry,
  prune: boolean,
  keepsSessions: KeepsSessions = () => false,
): Change[] {
  const left = prune ? [] : stored.clients.filter((client) => !has(declared.clients, client))
  const applications = declared.applications.map((application) => withOthers(application, left))
  const names = [...new Set([...applications, ...stored.applications].map(({ name }) => name))]
  const gone = prune ? 'removed' : 'undeclared'
  const compare = <Record extends RegistryRecord>(before: readonly Record[], after: readonly Record[]): Change[] => [
    ...after.map((record) => changeOf(find(before, record), record, keepsSessions)),
    ...before.filter((record) => !has(after, record)).map((record) => ({ kind: gone, record, members: [] }) as const),
  ]
  const all = [
    ...compare<RegistryRecord>(stored.applications, applications),
    ...compare<RegistryRecord>(stored.clients, declared.clients),
  ]
  const orphans = stored.clients.map(({ application }) => application)
  return [...new Set([...names, ...orphans])].flatMap((name) =>
    all.filter(({ record }) => applicationOf(record) === name),
  )
}

/** Whether the record is a client; else it is an application. */
export function isClient(record: RegistryRecord): record is DeclaredClient {
  return 'clientId' in record
}

export function applicationOf(record: RegistryRecord): string {
  return isClient(record) ? record.application : record.name
}

/** What metadata says (RFC 8414 §2) holds for the clients that the file does not have as well. */
function withOthers(application: Application, clients: readonly Client[]): Application {
  const others = clients.filter((client) => client.application === application.name && client.grants.length > 0)
  const mayExchange = others.some(({ grants }) => grants.includes('urn:ietf:params:oauth:grant-type:token-exchange'))
  return {
    ...application,
    scopes: [...new Set([...application.scopes, ...others.flatMap(({ scopes }) => scopes)])],
    ...(mayExchange && { offersTokenExchange: true }),
  }
}

function changeOf(before: RegistryRecord | undefined, record: RegistryRecord, keepsSessions: KeepsSessions): Change {
  if (before === undefined) return { kind: 'added', record, members: [] }
  const members = differing(before, record)
  if (members.length === 0) return { kind: 'unchanged', record, members }
  const change = { kind: 'changed', record, members, before } as const
  if (isClient(before) || isClient(record) || isSameProvider(before.provider, record.provider)) return change
  return { ...change, sessions: keepsSessions(before.provider, record.provider) ? 'keep' : 'end' }
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

/** The order of an object's members means nothing, and the table does not keep it; that of a list does. */
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
  return records.find(
    (record) =>
      applicationOf(record) === applicationOf(wanted) &&
      (isClient(record) ? record.clientId : undefined) === (isClient(wanted) ? wanted.clientId : undefined),
  )
}

function has(records: readonly RegistryRecord[], wanted: RegistryRecord): boolean {
  return find(records, wanted) !== undefined
}
