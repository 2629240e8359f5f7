/**
 * Applications with all of their clients, as operators see and revoke them.
 *
 * `revokedBefore` ends every session that began up to it by one conditional write: each transition's own condition holds it.
 */

import type { Application, Client } from '../domain/registration.ts'
import { updateWithoutId } from './conditional-write.ts'
import { itemAt, itemsUnder, type Key } from './items.ts'
import { applicationKey, clientKey, type Registrations } from './registrations.ts'
import { applicationsIn, readRegistryItem } from './registry-item.ts'
import type { Table } from './table.ts'

export type ApplicationWithClients = { readonly application: Application; readonly clients: readonly Client[] }

export type Registered = {
  /**
   * The names of all applications, in their order.
   *
   * @throws {Unavailable}
   */
  names(): Promise<readonly string[]>
  /** @throws {Unavailable} */
  read(application: string): Promise<ApplicationWithClients | undefined>
  /**
   * Revokes all families of a client, or without one of an application, that were created up to a moment. It is in effect
   * everywhere `registrationsCachedMs` after the answer.
   *
   * @returns the moment that holds now, which an earlier call may have put later; undefined: there is no such record
   * @throws {Unavailable}
   */
  revokeUpTo(application: string, clientId: string | undefined, upToMs: number): Promise<number | undefined>
}

/** @param registrations whose memory is to lose what is revoked */
export function createRegistered(table: Table, registrations: Registrations): Registered {
  return {
    names: async () => applicationsIn(await readRegistryItem(table)).sort(),
    read: (application) => readWhole(table, application),
    revokeUpTo: async (application, clientId, upToMs) => {
      const sk = clientId === undefined ? 'application' : clientKey(clientId)
      const revokedBefore = await revokeUpTo(table, { pk: applicationKey(application), sk }, upToMs)
      registrations.forget(application, clientId)
      return revokedBefore
    },
  }
}

async function readWhole(table: Table, name: string): Promise<ApplicationWithClients | undefined> {
  const records = await itemsUnder<Application | Client>(table, applicationKey(name))
  const application = records.find((record): record is Application => !('clientId' in record))
  const clients = records.filter((record): record is Client => 'clientId' in record)
  return application && { application, clients }
}

/**
 * A retry of a lost answer finds its own moment in the item, which is as good as having written it now.
 *
 * The function's role may write `revokedBefore` alone. DynamoDB does not say whether such a right covers the item that a
 * failed condition can bring back (infra/table.ts), so the item is read, which another right covers.
 */
async function revokeUpTo(table: Table, key: Key, upToMs: number): Promise<number | undefined> {
  const updated = await updateWithoutId(table, {
    key,
    // The moment never moves back, since what was revoked stays revoked. And a revocation registers nobody.
    conditions: [
      { attribute: 'pk', is: 'present' },
      {
        is: 'any',
        of: [
          { attribute: 'revokedBefore', is: 'absent' },
          { attribute: 'revokedBefore', is: '<', value: upToMs },
        ],
      },
    ],
    change: { set: { revokedBefore: upToMs } },
  })
  return updated === undefined ? (await itemAt<Application | Client>(table, key))?.revokedBefore : upToMs
}
