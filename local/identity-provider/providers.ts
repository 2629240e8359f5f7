/** The three providers at the identity provider's port. This file loads the package `oidc-provider`. */

import type { IncomingMessage, ServerResponse } from 'node:http'
import { directory } from './directory.ts'
import { createProvider, type Surroundings } from './provider.ts'
import { tenant } from './tenant.ts'

export type Answer = (incoming: IncomingMessage, outgoing: ServerResponse) => Promise<void>

/** @param tenantAccessTokenSeconds lifetime of the tenant's access tokens */
export function createProviders(surroundings: Surroundings, tenantAccessTokenSeconds: number): Answer {
  const openid = createProvider({ name: 'openid', mount: '', issuer: surroundings.url }, surroundings)
  const mounted = [tenant(surroundings, tenantAccessTokenSeconds), directory(surroundings)].map((setup) => ({
    path: `${setup.mount}/`,
    answer: createProvider(setup, surroundings),
  }))
  return (incoming, outgoing) => {
    const { answer = openid } = mounted.find(({ path }) => incoming.url?.startsWith(path)) ?? {}
    return answer(incoming, outgoing)
  }
}
