/**
 * Vaults in the table: items of their own beside their family, so that a refresh stays one write unit.
 *
 * A change is written only if the vault still has the revision that the change was computed from.
 */

import { DeleteCommand } from '@aws-sdk/lib-dynamodb'
import type { Family } from '../domain/family.ts'
import type { Vault, VaultChange } from '../domain/vault.ts'
import { putItem, updateItem } from './conditional-write.ts'
import { familyKey } from './families.ts'
import { itemAt, itemsUnder, type Key } from './items.ts'
import { ask, type Table } from './table.ts'

/** A family and the vault that it names. */
export type Session = { readonly family: Family; readonly vault: Vault | undefined }

/** `swapped`: the change was made. Otherwise `vault` is what another call has made of it; undefined: it was removed. */
export type Swap =
  | { readonly swapped: true; readonly vault: Vault }
  | { readonly swapped: false; readonly vault: Vault | undefined }

export type Vaults = {
  /** Puts a new vault under its own random id. @throws {Unavailable} */
  put(vault: Vault): Promise<void>
  /** Strongly consistent. @throws {Unavailable} */
  read(sid: string, id: string): Promise<Vault | undefined>
  /**
   * Family and vault in one request, strongly consistent. Use it for answers, never to decide a write of the family.
   *
   * @throws {Unavailable}
   */
  readSession(sid: string): Promise<Session | undefined>
  /** @param writeId fresh for each call. @throws {Unavailable} */
  swap(seen: Vault, change: VaultChange, writeId: string): Promise<Swap>
  /** @throws {Unavailable} */
  remove(sid: string, id: string): Promise<void>
}

export function createVaults(table: Table): Vaults {
  return {
    put: (vault) => put(table, vault),
    read: (sid, id) => itemAt<Vault>(table, vaultKey(sid, id)),
    readSession: (sid) => readSession(table, sid),
    swap: (seen, change, writeId) => swap(table, seen, change, writeId),
    remove: (sid, id) => remove(table, sid, id),
  }
}

async function put(table: Table, vault: Vault): Promise<void> {
  // The id is random. If it is taken, an earlier try of this call wrote it, and a late try must not undo later changes.
  await putItem(table, {
    key: vaultKey(vault.sid, vault.id),
    conditions: [{ attribute: 'pk', is: 'absent' }],
    writeId: vault.writeId,
    item: vault,
  })
}

async function readSession(table: Table, sid: string): Promise<Session | undefined> {
  const { pk, sk: familySortKey } = familyKey(sid)
  const items = await itemsUnder(table, pk)
  const family = items.find(({ sk }) => sk === familySortKey) as Family | undefined
  if (family === undefined) return undefined
  // There may be other vaults: of a second person who signed in for the same device code.
  const vault = items.find(({ sk }) => sk === vaultKey(sid, family.vault ?? '').sk) as Vault | undefined
  return { family, vault }
}

async function swap(table: Table, seen: Vault, { set, remove }: VaultChange, writeId: string): Promise<Swap> {
  const { written, item: vault } = await updateItem<Vault>(table, {
    key: vaultKey(seen.sid, seen.id),
    conditions: [{ attribute: 'revision', is: '=', value: seen.revision }],
    writeId,
    change: { set: { ...set, revision: seen.revision + 1 }, remove },
  })
  return written ? { swapped: true, vault } : { swapped: false, vault }
}

async function remove(table: Table, sid: string, id: string): Promise<void> {
  await ask(() => table.client.send(new DeleteCommand({ TableName: table.name, Key: vaultKey(sid, id) })))
}

function vaultKey(sid: string, id: string): Key {
  return { pk: familyKey(sid).pk, sk: `provider#${id}` }
}
