/**
 * The registry as a whole: who writes applications and clients, and how nothing of it is ever half done.
 *
 * Owns the item that lists the applications and counts the versions, and the transactions. Must not know where a change
 * comes from. Lambdas read single records (shared/store/registrations.ts) and never need this.
 *
 *     read version and records ──► show ──► TransactWriteItems: every change, and version + 1 if it is still what was read
 *           ──somebody else wrote in between──► its condition fails: nothing is written
 *           ──our own write, seen again by a retry, or its answer lost──► the item carries our write id: it is done
 *
 * A transaction takes a hundred items. More changes than that go in several, each of them whole: an application before
 * its clients, removals last. Whatever interrupts them leaves a registry that is valid, and the same again does the rest.
 */

import { randomUUID } from 'node:crypto'
import {
  TransactionCanceledException,
  type TransactWriteItem,
  TransactWriteItemsCommand,
} from '@aws-sdk/client-dynamodb'
import { formerProvidersAfter } from '../domain/provider-identity.ts'
import type { Application, Client, Registry } from '../domain/registration.ts'
import {
  applicationOf,
  type Change,
  changesBetween,
  isClient,
  type KeepsSessions,
  type RegistryRecord,
  type StoredRegistry,
} from '../domain/registry-changes.ts'
import { Unavailable } from '../unavailable.ts'
import { marshall } from './attributes.ts'
import { type Item, itemsUnder } from './partition.ts'
import { applicationKey, clientKey, registrationsCachedMs } from './registrations.ts'
import { type Author, historyChangesOf, historyWrite } from './registry-history.ts'
import { listed, applicationsIn as namesIn, readRegistryItem, registryKey } from './registry-item.ts'
import { ask, type Table } from './table.ts'

/** DynamoDB's limit is 100, with the version's own item and the entry of the history. */
export const maxChangesPerTransaction = 98
const maxTries = 8
/** A clock may be ahead by so much and a new client's first sessions still be taken for what they are. */
const clocksDifferMs = 60_000

type Version = { readonly version: number; readonly writeId?: string; readonly applications: readonly string[] }

/** @throws {Unavailable} */
export async function readRegistry(table: Table, alsoApplications: readonly string[] = []): Promise<StoredRegistry> {
  const { version, applications: names } = await readVersion(table)
  const items = (
    await Promise.all(
      [...new Set([...names, ...alsoApplications])].map((name) => itemsUnder(table, applicationKey(name))),
    )
  ).flat()
  return {
    applications: items
      .filter((item) => item.sk === 'application')
      .map(withoutKey) as readonly object[] as Application[],
    clients: items.filter((item) => item.sk !== 'application').map(withoutKey) as readonly object[] as Client[],
    version,
  }
}

/**
 * Writes the changes, all that are none aside.
 *
 * @param how `addedAtMs`: what was created before does not belong to a record that is added now, though it may bear the
 *   name of one that was removed: its sessions stay ended. 0 for a table that is only being filled.
 *   `progress`: told after each transaction how many changes are written
 * @returns false: somebody else has written since `version`, and this transaction changed nothing
 * @throws {Unavailable}
 */
export async function writeChanges(
  table: Table,
  version: number,
  changes: readonly Change[],
  { nowMs, addedAtMs = nowMs, by, progress = () => {} }: Writing,
): Promise<boolean> {
  const real = inOrder(changes.filter(({ kind }) => kind !== 'unchanged' && kind !== 'undeclared'))
  for (let at = 0; at < real.length; at += maxChangesPerTransaction) {
    const now = real.slice(at, at + maxChangesPerTransaction)
    const since = version + at / maxChangesPerTransaction
    const writes = now.map((change) => writeOf(table, change, nowMs, Math.max(0, addedAtMs - clocksDifferMs)))
    const writeId = randomUUID()
    const told = by === undefined ? [] : [historyWrite(table, by, nowMs, writeId, historyChangesOf(now))]
    if (!(await transact(table, since, writeId, [...writes, ...told], applicationsIn(now)))) return false
    progress(at + now.length)
  }
  return true
}

type Writing = {
  /** The clock, ms. */
  readonly nowMs: number
  /** @default nowMs */
  readonly addedAtMs?: number | undefined
  /** Whom the history names. Without it there is no entry, as when the local stack fills its table. */
  readonly by?: Author | undefined
  readonly progress?: ((written: number) => void) | undefined
}

/** Puts a registry into the table, whatever else is there; for the local stack and for tests, which ask nobody. */
export async function putRegistry(table: Table, registry: Registry, keepsSessions?: KeepsSessions): Promise<void> {
  const names = registry.applications.map(({ name }) => name)
  const clientsOf = registry.clients.map(({ application }) => application)
  for (let tries = 0; tries < maxTries; tries += 1) {
    const stored = await readRegistry(table, [...names, ...clientsOf])
    const changes = changesBetween(stored, registry, false, keepsSessions)
    if (await writeChanges(table, stored.version, changes, { nowMs: Date.now(), addedAtMs: 0 })) return
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

/** An application is listed as long as one record of it may be there. */
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

function writeOf(table: Table, change: Change, nowMs: number, revokedBefore: number): TransactWriteItem {
  const { kind, record } = change
  const at = { TableName: table.name, Key: marshall(keyOf(record)) }
  if (kind === 'removed') return { Delete: at }
  if (kind === 'added') {
    const item = isClient(record) ? { ...record, secretHashes: record.secretHashes ?? [] } : record
    return {
      Put: {
        TableName: table.name,
        Item: marshall({ ...item, revokedBefore, ...keyOf(record) }),
        ConditionExpression: 'attribute_not_exists(pk)',
      },
    }
  }
  const values: Readonly<Record<string, unknown>> = { ...record, ...providerChangeOf(change, nowMs) }
  const members = [...change.members, ...Object.keys(providerChangeOf(change, nowMs))]
  const set = members.filter((member) => values[member] !== undefined)
  const removed = members.filter((member) => values[member] === undefined)
  const name = (member: string) => `#m${members.indexOf(member)}`
  return {
    Update: {
      ...at,
      UpdateExpression: [
        ...(set.length > 0
          ? [`SET ${set.map((member) => `${name(member)} = :v${members.indexOf(member)}`).join(', ')}`]
          : []),
        ...(removed.length > 0 ? [`REMOVE ${removed.map(name).join(', ')}`] : []),
      ].join(' '),
      // Never earlier than it was, for what ops have ended stays so.
      ConditionExpression: members.includes('revokedBefore')
        ? `attribute_exists(pk) AND (attribute_not_exists(${name('revokedBefore')}) OR ${name('revokedBefore')} <= :v${members.indexOf('revokedBefore')})`
        : 'attribute_exists(pk)',
      ExpressionAttributeNames: Object.fromEntries(members.map((member) => [name(member), member])),
      ...(set.length > 0 && {
        ExpressionAttributeValues: marshall(
          Object.fromEntries(set.map((member) => [`:v${members.indexOf(member)}`, values[member]])),
        ),
      }),
    },
  }
}

/**
 * What follows from another provider, in the very write that names it. The sessions of before end; and with them those
 * that a warm function begins at the former provider, as long as it goes by what it has read.
 */
function providerChangeOf({ sessions, before, record }: Change, nowMs: number): Partial<Application> {
  if (sessions === undefined || before === undefined || isClient(before) || isClient(record)) return {}
  if (sessions === 'keep') return { formerProviders: formerProvidersAfter(before, record.provider) }
  const revokedBefore = Math.max(before.revokedBefore, nowMs + registrationsCachedMs)
  return { revokedBefore, formerProviders: undefined }
}

async function transact(
  table: Table,
  since: number,
  writeId: string,
  writes: readonly TransactWriteItem[],
  names: Names,
): Promise<boolean> {
  const command = new TransactWriteItemsCommand({
    ClientRequestToken: writeId,
    TransactItems: [nextVersion(table, since, writeId, names), ...writes],
  })
  try {
    const canceled = await ask(async () => {
      try {
        await table.client.send(command)
        return false
      } catch (error) {
        if (error instanceof TransactionCanceledException && isConditional(error)) return true
        throw error
      }
    })
    return !canceled || (await readVersion(table)).writeId === writeId
  } catch (error) {
    // No answer: it may have happened all the same.
    if (error instanceof Unavailable && (await wasWritten(table, writeId))) return true
    throw error
  }
}

async function wasWritten(table: Table, writeId: string): Promise<boolean> {
  return readVersion(table).then(
    (version) => version.writeId === writeId,
    () => false,
  )
}

/** Canceled for a condition, its own or that of another transaction under way; not for a request that is wrong. */
function isConditional({ CancellationReasons = [] }: TransactionCanceledException): boolean {
  const codes = CancellationReasons.map(({ Code }) => Code)
  return codes.includes('ConditionalCheckFailed') || codes.includes('TransactionConflict')
}

/** Each application is an attribute, so that the list can be added to and taken from at once, without being read. */
function nextVersion(table: Table, since: number, writeId: string, { added, removed }: Names): TransactWriteItem {
  const names = [...added, ...removed]
  const name = (application: string) => `#a${names.indexOf(application)}`
  return {
    Update: {
      TableName: table.name,
      Key: marshall(registryKey),
      UpdateExpression:
        [
          'SET #version = :next, #writeId = :writeId',
          ...added.map((application) => `${name(application)} = :listed`),
        ].join(', ') + (removed.length > 0 ? ` REMOVE ${removed.map(name).join(', ')}` : ''),
      ConditionExpression: since === 0 ? 'attribute_not_exists(#version)' : '#version = :since',
      ExpressionAttributeNames: {
        '#version': 'version',
        '#writeId': 'writeId',
        ...Object.fromEntries(names.map((application) => [name(application), `${listed}${application}`])),
      },
      ExpressionAttributeValues: marshall({
        ':next': since + 1,
        ':writeId': writeId,
        ...(since > 0 && { ':since': since }),
        ...(added.length > 0 && { ':listed': true }),
      }),
    },
  }
}

async function readVersion(table: Table): Promise<Version> {
  const item = await readRegistryItem(table)
  return {
    version: Number(item.version ?? 0),
    applications: namesIn(item),
    ...(typeof item.writeId === 'string' && { writeId: item.writeId }),
  }
}

function keyOf(record: RegistryRecord): { pk: string; sk: string } {
  return isClient(record)
    ? { pk: applicationKey(record.application), sk: clientKey(record.clientId) }
    : { pk: applicationKey(record.name), sk: 'application' }
}

function withoutKey({ pk: _, sk: __, ...record }: Item): Item {
  return record
}
