/**
 * Which sessions a record that is added revokes, so that it does not revive those of a removed record of its name. Pure.
 */

import { type Change, type RegistryRecord, type Removed, recordName } from '../domain/registry-changes.ts'
import { registrationsCachedMs } from './registrations.ts'

/** Records that earlier versions removed have no entry. An added record revokes the sessions that began this long before it. */
const addedEarlierMs = 60_000
/** An entry this old is no longer needed: `addedEarlierMs` revokes the same sessions, even if clocks differ by minutes. */
const keptMs = 3_600_000

/** The `revokedBefore` of a record that is added. @param addedAtMs 0 for a table that is only being filled */
export function revokedBeforeOf(record: RegistryRecord, removed: Removed, addedAtMs: number): number {
  return Math.max(0, addedAtMs - addedEarlierMs, removed[recordName(record)] ?? 0)
}

/** Warm functions use a record, and begin sessions of it, until `registrationsCachedMs` after its removal. */
export function revokedByRemoval({ revokedBefore }: RegistryRecord, nowMs: number): number {
  return Math.max(revokedBefore, nowMs + registrationsCachedMs)
}

export function removedAfter(removed: Removed, changes: readonly Change[], nowMs: number): Removed {
  const known = Object.entries(removed).filter(([, revokedBefore]) => revokedBefore > nowMs - keptMs)
  const added = changes
    .filter(({ kind }) => kind === 'removed')
    .map(({ record }) => [recordName(record), revokedByRemoval(record, nowMs)] as const)
  return Object.fromEntries([...known, ...added])
}
