/**
 * The item that names every application of the registry and counts the registry's versions. registry.ts writes it.
 */

import { type Item, itemAt } from './items.ts'
import type { Table } from './table.ts'

export const registryKey = { pk: 'registry', sk: 'registry' }

/** An application is listed as an attribute of that item: this prefix and its name. */
export const listed = 'application#'

/** @throws {Unavailable} */
export async function readRegistryItem(table: Table): Promise<Item> {
  return (await itemAt(table, registryKey)) ?? {}
}

export function applicationsIn(item: Item): string[] {
  const names = Object.keys(item).filter((attribute) => attribute.startsWith(listed))
  return names.map((attribute) => attribute.slice(listed.length))
}
