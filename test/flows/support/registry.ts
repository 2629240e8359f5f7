/**
 * Registry files of a test's own: the local stack's, with applications and clients added or changed.
 *
 * Owns the copy. What the members mean, the product's documentation of the registry file says.
 */
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { newDirectory } from './broker.ts'

export type Row = Record<string, unknown>

export type RegistryCopy = {
  /** The application's row. */
  application(name: string): Row
  /** The row of one client. */
  client(application: string, clientId: string): Row
  addClient(application: string, row: Row): void
  addApplication(row: Row): void
}

const original = new URL('../../../local/registry.json', import.meta.url)

/** Writes the changed copy and answers its path. */
export function registryFile(change: (registry: RegistryCopy) => void): string {
  const file = row(JSON.parse(readFileSync(original, 'utf8')))
  const applications = rows(file.applications)
  const application = (name: string) => found(applications, 'name', name)
  change({
    application,
    client: (name, clientId) => found(rows(application(name).clients), 'clientId', clientId),
    addClient: (name, added) => rows(application(name).clients).push(added),
    addApplication: (added) => applications.push(added),
  })
  const path = join(newDirectory(), 'registry.json')
  writeFileSync(path, JSON.stringify(file, undefined, 2))
  return path
}

function found(among: readonly Row[], member: string, value: string): Row {
  const one = among.find((candidate) => candidate[member] === value)
  assert.ok(one, `${value} is in the local registry`)
  return one
}

function rows(value: unknown): Row[] {
  assert.ok(Array.isArray(value))
  return value
}

function row(value: unknown): Row {
  assert.ok(typeof value === 'object' && value !== null)
  return value as Row
}
