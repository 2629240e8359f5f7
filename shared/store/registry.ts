/**
 * The registry as a whole: how applications and clients are written, so that nothing of it is ever half done.
 *
 *     read version and records ──► show ──► TransactWriteItems: every change, and version + 1 if it is still what was read
 *           ──somebody else wrote in between──► its condition fails: nothing is written
 *           ──a retry meets our own write, or its answer is lost──► the version's item has our write id: it is done
 *
 * A transaction takes a hundred items. More changes go in several transactions, each of them whole: applications before
 * their clients, removals last. An interruption leaves a registry that is valid, and the same command does the rest.
 */

import { randomUUID } from 'node:crypto'
import { longerTokensAfter } from '../domain/access-token-end.ts'
import { formerProvidersAfter } from '../domain/provider-identity.ts'
import type { Application, Client, Registry } from '../domain/registration.ts'
import {
  applicationOf,
  type Change,
  changesBetween,
  isClient,
  type KeepsSessions,
  type RegistryRecord,
  type Removed,
  type StoredRegistry,
} from '../domain/registry-changes.ts'
import { Unavailable } from '../unavailable.ts'
import { deleteIn, putIn, type TransactedWrite, transact, updateIn } from './conditional-write.ts'
import type { Condition } from './expressions.ts'
import { type Item, itemsUnder, type Key } from './items.ts'
import { applicationKey, clientKey, registrationsCachedMs } from './registrations.ts'
import { type Author, historyChangesOf, historyWrite } from './registry-history.ts'
import { listed, applicationsIn as namesIn, readRegistryItem, registryKey } from './registry-item.ts'
import { removedAfter, revokedBeforeOf, revokedByRemoval } from './removed-records.ts'
import type { Table } from './table.ts'

/** DynamoDB's limit is 100; two are the item with the version and the entry of the history. */
export const maxChangesPerTransaction = 98
const maxTries = 8

/** @throws {Unavailable} */
export async function readRegistry(table: Table, alsoApplications: readonly string[] = []): Promise<StoredRegistry> {
  const item = await readRegistryItem(table)
  const items = (
    await Promise.all(
      [...new Set([...namesIn(item), ...alsoApplications])].map((name) => itemsUnder(table, applicationKey(name))),
    )
  ).flat()
  return {
    applications: items
      .filter((item) => item.sk === 'application')
      .map(withoutKey) as readonly object[] as Application[],
    clients: items.filter((item) => item.sk !== 'application').map(withoutKey) as readonly object[] as Client[],
    version: Number(item.version ?? 0),
    removed: (item.removed ?? {}) as Removed,
  }
}

/**
 * Writes the changes.
 *
 * @param stored the registry that the changes were computed from
 * @returns false: somebody else has written since it was read, and this transaction changed nothing
 * @throws {Unavailable}
 */
export async function writeChanges(
  table: Table,
  stored: Pick<StoredRegistry, 'version' | 'removed'>,
  changes: readonly Change[],
  { nowMs, addedAtMs = nowMs, by, progress = () => {} }: Writing,
): Promise<boolean> {
  const real = inOrder(changes.filter(({ kind }) => kind !== 'unchanged' && kind !== 'undeclared'))
  let { removed } = stored
  for (let at = 0; at < real.length; at += maxChangesPerTransaction) {
    const now = real.slice(at, at + maxChangesPerTransaction)
    const since = stored.version + at / maxChangesPerTransaction
    const writes = now.map((change) =>
      writeOf(table, change, nowMs, revokedBeforeOf(change.record, stored.removed, addedAtMs)),
    )
    removed = removedAfter(removed, now, nowMs)
    const writeId = randomUUID()
    const history = by === undefined ? [] : [historyWrite(table, by, nowMs, writeId, historyChangesOf(now))]
    const { outcome } = await transact<Item>(table, {
      token: writeId,
      first: nextVersion(since, writeId, applicationsIn(now), removed),
      others: [...writes, ...history],
      isOwn: (item) => item.writeId === writeId,
    })
    if (outcome !== 'written') return false
    progress(at + now.length)
  }
  return true
}

type Writing = {
  /** The clock, ms. */
  readonly nowMs: number
  /**
   * A record that is added revokes sessions that began a minute before this time (removed-records.ts). 0 for a table that is
   * only being filled.
   *
   * @default nowMs
   */
  readonly addedAtMs?: number | undefined
  /** The author whom the history names. Without it there is no entry, as when the local stack fills its table. */
  readonly by?: Author | undefined
  /** Called after each transaction. */
  readonly progress?: ((written: number) => void) | undefined
}

/** Puts a registry into the table without comparing it with what is there. For the local stack and tests. */
export async function putRegistry(table: Table, registry: Registry, keepsSessions?: KeepsSessions): Promise<void> {
  const names = registry.applications.map(({ name }) => name)
  const clientsOf = registry.clients.map(({ application }) => application)
  for (let tries = 0; tries < maxTries; tries += 1) {
    const stored = await readRegistry(table, [...names, ...clientsOf])
    const changes = changesBetween(stored, registry, false, keepsSessions)
    if (await writeChanges(table, stored, changes, { nowMs: Date.now(), addedAtMs: 0 })) return
  }
  throw new Unavailable('store', new Error('The registry is being written by others all the time'))
}

/** Each transaction leaves a registry that is valid: no client without its application. */
function inOrder(changes: readonly Change[]): Change[] {
  const rank = ({ kind, record }: Change) =>
    kind === 'removed' ? (isClient(record) ? 2 : 3) : isClient(record) ? 1 : 0
  return [...changes].sort((a, b) => rank(a) - rank(b))
}

type Names = { readonly added: readonly string[]; readonly removed: readonly string[] }

/** An application stays listed as long as a record of it may exist. */
function applicationsIn(changes: readonly Change[]): Names {
  const named = (kinds: readonly Change['kind'][]) =>
    changes
      .filter(({ kind, record }) => kinds.includes(kind) && !isClient(record))
      .map(({ record }) => applicationOf(record))
  const clientsOf = changes.filter(({ kind }) => kind === 'added').map(({ record }) => applicationOf(record))
  const removed = named(['removed'])
  const added = [...new Set([...named(['added', 'changed']), ...clientsOf])]
  return { added: added.filter((name) => !removed.includes(name)), removed }
}

function writeOf(table: Table, change: Change, nowMs: number, revokedBefore: number): TransactedWrite {
  const { kind, record } = change
  const key = keyOf(record)
  if (kind === 'removed') return deleteIn(table, key, [neverEarlier(revokedByRemoval(record, nowMs))])
  if (kind === 'added') {
    const item = isClient(record) ? { ...record, secretHashes: record.secretHashes ?? [] } : record
    return putIn(table, key, { ...item, revokedBefore, addedAt: nowMs }, [{ attribute: 'pk', is: 'absent' }])
  }
  const ofProvider = providerChangeOf(change, nowMs)
  const derived = { ...ofProvider, ...lifetimeChangeOf(change, nowMs) }
  const values: Readonly<Record<string, unknown>> = { ...record, ...derived }
  const members = [...change.members, ...Object.keys(derived)]
  const set = members.filter((member) => values[member] !== undefined)
  const conditions: readonly Condition[] = [
    { attribute: 'pk', is: 'present' },
    ...(ofProvider.revokedBefore === undefined ? [] : [neverEarlier(ofProvider.revokedBefore)]),
  ]
  return updateIn(table, {
    key,
    conditions,
    change: {
      set: Object.fromEntries(set.map((member) => [member, values[member]])),
      remove: members.filter((member) => values[member] === undefined),
    },
  })
}

/** Sessions that operators have revoked stay revoked. */
function neverEarlier(revokedBefore: number): Condition {
  return {
    is: 'any',
    of: [
      { attribute: 'revokedBefore', is: 'absent' },
      { attribute: 'revokedBefore', is: '<=', value: revokedBefore },
    ],
  }
}

/**
 * Ends all sessions in the same write that changes the provider, including those that a warm function still begins at the former
 * provider while it uses its cached registration.
 */
function providerChangeOf({ sessions, before, record }: Change, nowMs: number): Partial<Application> {
  if (sessions === undefined || before === undefined || isClient(before) || isClient(record)) return {}
  if (sessions === 'keep') return { formerProviders: formerProvidersAfter(before, record.provider) }
  const revokedBefore = Math.max(before.revokedBefore, nowMs + registrationsCachedMs)
  return { revokedBefore, formerProviders: undefined }
}

function lifetimeChangeOf({ before, record }: Change, nowMs: number): Partial<Client> {
  if (before === undefined || !isClient(before) || !isClient(record)) return {}
  const longerTokensUntil = longerTokensAfter(before, record.accessTokenSeconds, nowMs + registrationsCachedMs)
  return longerTokensUntil === undefined ? {} : { longerTokensUntil }
}

/** Each application is an attribute, so that it can be added and removed without reading the list. */
function nextVersion(since: number, writeId: string, { added, removed: gone }: Names, removed: Removed) {
  const attributeOf = (application: string) => `${listed}${application}`
  const condition: Condition =
    since === 0 ? { attribute: 'version', is: 'absent' } : { attribute: 'version', is: '=', value: since }
  return {
    key: registryKey,
    conditions: [condition],
    change: {
      set: {
        version: since + 1,
        writeId,
        removed,
        ...Object.fromEntries(added.map((application) => [attributeOf(application), true])),
      },
      remove: gone.map(attributeOf),
    },
  }
}

function keyOf(record: RegistryRecord): Key {
  return isClient(record)
    ? { pk: applicationKey(record.application), sk: clientKey(record.clientId) }
    : { pk: applicationKey(record.name), sk: 'application' }
}

function withoutKey({ pk: _, sk: __, ...record }: Item): Item {
  return record
}
