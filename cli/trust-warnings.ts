/** Warnings about clients whose registered identities match more than their author may expect. */

import type { Client } from '../shared/domain/registration.ts'
import { wideTrust } from '../shared/domain/workload-trust.ts'

export function trustWarnings({
  application,
  clientId,
  identities = [],
}: Pick<Client, 'application' | 'clientId' | 'identities'>): string[] {
  return identities.flatMap((identity, at) =>
    wideTrust(identity).map((warning) => `${application}/${clientId}, identities[${at}]: ${warning}.`),
  )
}
