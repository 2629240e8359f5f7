/** A change of the registry, member by member. Secrets are never shown, long values are cut. */

import { isDeepStrictEqual } from 'node:util'
import { identityOf } from './domain/provider-identity.ts'
import type { ProviderSettings } from './domain/registration.ts'
import { type Change, isClient } from './domain/registry-changes.ts'

export type Difference = {
  /** Dotted path in the file: `provider.issuer`. */
  readonly member: string
  /** Absent if there is none, or if it is hidden. */
  readonly before?: unknown
  readonly after?: unknown
  /** Its values are not shown. */
  readonly isHidden?: true
}

/** Members whose values are secret, or too long to compare by eye. */
const hidden: Readonly<Record<string, string>> = {
  secretHashes: 'secrets',
  'provider.certificateAuthority': 'provider.certificateAuthority',
}

export function differencesOf({ record, before, members }: Change): Difference[] {
  if (before === undefined) return []
  const [old, young] = [before as object, record as object] as Readonly<Record<string, unknown>>[]
  return members.flatMap((member) => differencesAt(member, old?.[member], young?.[member]))
}

function differencesAt(member: string, before: unknown, after: unknown): Difference[] {
  if (isDeepStrictEqual(before, after)) return []
  const name = hidden[member]
  if (name !== undefined) return [{ member: name, isHidden: true }]
  if (!isMap(before) || !isMap(after)) return [{ member, before, after }]
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])]
  return names.flatMap((name) => differencesAt(`${member}.${name}`, before[name], after[name]))
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

const maxShownLength = 160

/** @returns `graceSeconds: 10 → 60` */
export function inWords({ member, before, after, isHidden }: Difference): string {
  return isHidden ? `${member}: changed` : `${member}: ${shown(before)} → ${shown(after)}`
}

function shown(value: unknown): string {
  if (value === undefined) return 'none'
  const text = JSON.stringify(value)
  return text.length > maxShownLength ? `${text.slice(0, maxShownLength)}…` : text
}

export type ProviderChange = {
  readonly application: string
  readonly from: ProviderSettings
  readonly to: ProviderSettings
  readonly sessions: 'end' | 'keep'
}

/** The application that gets another provider by this change. */
export function providerChangeOf({ record, before, sessions }: Change): ProviderChange | undefined {
  if (sessions === undefined || before === undefined || isClient(record) || isClient(before)) return undefined
  return { application: record.name, from: before.provider, to: record.provider, sessions }
}

export function providerInWords(settings: ProviderSettings): string {
  const { kind, address, clientId } = identityOf(settings)
  return `${kind} ${address}, client ${clientId}`
}
