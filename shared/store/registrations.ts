/**
 * Applications and clients in the table, as every Lambda reads them.
 *
 * Owns their keys and a warm Lambda's memory of them. Must not know what they mean; who checks them is
 * shared/registry-file.ts, and who writes them shared/store/registry.ts, which no Lambda needs.
 */

import type { Application, Client } from '../domain/registration.ts'
import { itemAt } from './item.ts'
import type { Table } from './table.ts'

/** How long a warm Lambda goes by what it has read. A change, a revocation included, is in effect everywhere after it. */
export const registrationsCachedMs = 10_000
/** As the registry's schema has it; a longer name is nobody's, and may be longer than the table's keys. */
const maxNameLength = 128
/** Names come from the path, so anyone can invent them: only what exists is remembered, and not without bound. */
const maxCached = 1_000

export type { Registry } from '../domain/registration.ts'

export type Registrations = {
  /** @throws {Unavailable} */
  application(name: string): Promise<Application | undefined>
  /** @throws {Unavailable} */
  client(application: string, clientId: string): Promise<Client | undefined>
  /** For whoever has just changed an application, or one of its clients, past this memory. */
  forget(application: string, clientId?: string): void
}

/** @param now the clock, ms; tests hand in their own */
export function createRegistrations(table: Table, now: () => number = Date.now): Registrations {
  const remembered = new Map<string, { record: Application | Client; until: number }>()
  const get = async (name: string, pk: string, sk: string) => {
    if (name.length > maxNameLength) return undefined
    const key = `${pk}\0${sk}`
    const known = remembered.get(key)
    if (known !== undefined && known.until > now()) return known.record
    const until = now() + registrationsCachedMs
    const record = await itemAt<Application | Client>(table, { pk, sk })
    remembered.delete(key)
    if (record === undefined) return undefined
    if (remembered.size >= maxCached) remembered.clear()
    remembered.set(key, { record, until })
    return record
  }
  return {
    application: async (name) => (await get(name, applicationKey(name), 'application')) as Application | undefined,
    client: async (application, clientId) =>
      (await get(clientId, applicationKey(application), clientKey(clientId))) as Client | undefined,
    forget: (application, clientId) => {
      const sk = clientId === undefined ? 'application' : clientKey(clientId)
      remembered.delete(`${applicationKey(application)}\0${sk}`)
    },
  }
}

export function applicationKey(name: string): string {
  return `application#${name}`
}

export function clientKey(clientId: string): string {
  return `client#${clientId}`
}
