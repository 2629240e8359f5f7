/**
 * Vaults in the table: items of their own beside their family, so that a refresh stays one write unit.
 *
 * Every change is written only over the revision that it was decided upon.
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

/** `swapped`: the change is made. Otherwise the vault as somebody else has left it; undefined: it is gone. */
export type Swap =
  | { readonly swapped: true; readonly vault: Vault }
  | { readonly swapped: false; readonly vault: Vault | undefined }

export type Vaults = {
  /** Puts a new one, under an id that nobody else has. @throws {Unavailable} */
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
  /** For a vault that nothing needs any more. @throws {Unavailable} */
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
  // Nobody else draws this id. If it is taken, an earlier try took it, and a try that arrives late must not undo what followed.
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
  // Other vaults may lie there: of a person who signed in for the same device code and was not the first.
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
