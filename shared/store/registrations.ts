/**
 * Applications and clients in the table, as every Lambda reads and caches them. registry.ts writes them.
 */

import type { Application, Client } from '../domain/registration.ts'
import { itemAt } from './items.ts'
import type { Table } from './table.ts'

/** How long a warm Lambda uses what it has read. After that a change, a revocation included, is in effect everywhere. */
export const registrationsCachedMs = 10_000
/** The limit of the registry's schema. No record has a longer name, and a longer one may exceed the table's keys. */
const maxNameLength = 128
/** Names come from the path, so anyone can invent them: only records that exist are cached, and only so many. */
const maxCached = 1_000

export type { Registry } from '../domain/registration.ts'

export type Registrations = {
  /** @throws {Unavailable} */
  application(name: string): Promise<Application | undefined>
  /** @throws {Unavailable} */
  client(application: string, clientId: string): Promise<Client | undefined>
  /** Drops an application, or one of its clients, from the cache after a change of it. */
  forget(application: string, clientId?: string): void
}

/** @param now the clock, ms; tests hand in their own */
export function createRegistrations(table: Table, now: () => number = Date.now): Registrations {
  const cached = new Map<string, { record: Application | Client; until: number }>()
  const get = async (name: string, pk: string, sk: string) => {
    if (name.length > maxNameLength) return undefined
    const key = `${pk}\0${sk}`
    const known = cached.get(key)
    if (known !== undefined && known.until > now()) return known.record
    const until = now() + registrationsCachedMs
    const record = await itemAt<Application | Client>(table, { pk, sk })
    cached.delete(key)
    if (record === undefined) return undefined
    if (cached.size >= maxCached) cached.clear()
    cached.set(key, { record, until })
    return record
  }
  return {
    application: async (name) => (await get(name, applicationKey(name), 'application')) as Application | undefined,
    client: async (application, clientId) =>
      (await get(clientId, applicationKey(application), clientKey(clientId))) as Client | undefined,
    forget: (application, clientId) => {
      const sk = clientId === undefined ? 'application' : clientKey(clientId)
      cached.delete(`${applicationKey(application)}\0${sk}`)
    },
  }
}

export function applicationKey(name: string): string {
  return `application#${name}`
}

export function clientKey(clientId: string): string {
  return `client#${clientId}`
}
