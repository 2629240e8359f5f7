/**
 * Registry files as tests write them.
 */

import assert from 'node:assert/strict'
import { type Mistake, parseRegistry } from '../../shared/registry-file.ts'

export type Json = Record<string, unknown>

export const client = (changes: Json = {}): Json => ({ clientId: 'cli', auth: 'none', ...changes })
export const application = (changes: Json = {}, ...clients: Json[]): Json => ({
  name: 'demo',
  displayName: 'Demo',
  provider: { kind: 'oidc', issuer: 'https://idp.example', clientId: 'broker' },
  audiences: ['https://api.example.test', 'https://other.example.test'],
  clients: clients.length > 0 ? clients : [client()],
  ...changes,
})
export const file = (...applications: Json[]) => JSON.stringify({ applications })

export function registryOf(text: string, variables = {}) {
  const parsed = parseRegistry(text, { variables })
  assert.ok(parsed.ok, JSON.stringify(parsed))
  return parsed.registry
}

export function mistakesIn(text: string, variables = {}): readonly Mistake[] {
  const parsed = parseRegistry(text, { variables })
  return parsed.ok ? [] : parsed.mistakes
}

/** As the file has it, where no template may mistake it for its own. */
export const variable = (name: string) => '$'.concat('{', name, '}')
export const placesOf = (text: string) => mistakesIn(text).map(({ where }) => where)
export const inClient = (changes: Json) => mistakesIn(file(application({}, client(changes))))
export const inProvider = (changes: Json) =>
  mistakesIn(
    file(application({ provider: { kind: 'oidc', issuer: 'https://idp.example', clientId: 'b', ...changes } })),
  )
