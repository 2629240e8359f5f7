/**
 * The item that names every application of the registry and counts its versions: its key, and its attributes for names.
 *
 * Who writes it is shared/store/registry.ts.
 */

import { itemAt } from './item.ts'
import type { Table } from './table.ts'

export const registryKey = { pk: 'registry', sk: 'registry' }

/** What the name of an application has before it, as an attribute of that item. */
export const listed = 'application#'

export type RegistryItem = Readonly<Record<string, unknown>>

/** @throws {Unavailable} */
export async function readRegistryItem(table: Table): Promise<RegistryItem> {
  return (await itemAt<RegistryItem>(table, registryKey)) ?? {}
}

export function applicationsIn(item: RegistryItem): string[] {
  const names = Object.keys(item).filter((attribute) => attribute.startsWith(listed))
  return names.map((attribute) => attribute.slice(listed.length))
}
