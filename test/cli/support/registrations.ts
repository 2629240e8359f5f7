/** Applications and clients for tests of the registry's commands. Each test has an application of its own. */

import type { TestContext } from 'node:test'
import { registryFile } from './command-line.ts'

let count = 0
export const newName = () => `app-${++count}`

export const client = (clientId: string, changes = {}) => ({
  clientId,
  auth: 'none',
  grants: ['refresh_token'],
  ...changes,
})
export const provider = (changes = {}) => ({
  kind: 'oidc',
  issuer: 'https://idp.example',
  clientId: 'broker',
  ...changes,
})
export const application = (name: string, ...clients: object[]) => ({
  name,
  displayName: 'App',
  provider: provider(),
  audiences: ['https://api.example.test'],
  clients,
})
export const file = (t: TestContext, ...applications: object[]) => registryFile(t, { applications })
