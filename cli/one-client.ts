/** Finds one client in the registry, or explains why there is none. */

import type { Client } from '../shared/domain/registration.ts'
import type { StoredRegistry } from '../shared/domain/registry-changes.ts'
import { registrationsCachedMs } from '../shared/store/registrations.ts'
import { Problem } from './problem.ts'
import { programName } from './program-name.ts'

/** @throws {Problem} with a suggestion */
export function clientIn({ applications, clients }: StoredRegistry, application: string, clientId: string): Client {
  if (!applications.some(({ name }) => name === application)) {
    const near = applications.find(({ name }) => name.toLowerCase() === application.toLowerCase())
    throw noApplication(application, near && `There is an application ${near.name}.`)
  }
  const own = clients.filter((client) => client.application === application)
  const found = own.find((client) => client.clientId === clientId)
  if (found !== undefined) return found
  const near = own.find((client) => client.clientId.toLowerCase() === clientId.toLowerCase())
  const hint = near
    ? `There is a client ${near.clientId}; client ids are case-sensitive.`
    : `To list the clients: ${programName} clients list ${application}`
  throw new Problem(`There is no client ${clientId} of ${application}.`, undefined, hint)
}

/**
 * When operators ended all sessions, if they did. Registration also sets `revokedBefore`, so that sessions of a former
 * record of that name stay ended: to ten seconds after its removal, which may have been a moment ago.
 */
export function endedAt({ revokedBefore, addedAt = 0 }: Pick<Client, 'revokedBefore' | 'addedAt'>): string | undefined {
  return revokedBefore > addedAt + registrationsCachedMs ? new Date(revokedBefore).toISOString() : undefined
}

export function noApplication(
  name: string,
  hint = `To list the applications: ${programName} applications list`,
): Problem {
  return new Problem(`There is no application ${name}.`, undefined, hint)
}
