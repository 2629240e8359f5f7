/**
 * One client of the registry, or why there is none.
 */

import type { Client } from '../shared/domain/registration.ts'
import type { StoredRegistry } from '../shared/domain/registry-changes.ts'
import { Problem } from './problem.ts'

/** @throws {Problem} with what was probably meant */
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
    : `token-broker clients list ${application} shows those that there are.`
  throw new Problem(`There is no client ${clientId} of ${application}.`, undefined, hint)
}

export function noApplication(
  name: string,
  hint = 'token-broker applications list shows those that there are.',
): Problem {
  return new Problem(`There is no application ${name}.`, undefined, hint)
}
