/** Sessions as the sessions endpoints describe them, and how people see them. */

import type { Json, OpsBroker } from './broker.ts'
import { relative } from './relative-time.ts'
import type { Cell, Column } from './table.ts'
import type { Format } from './terminal.ts'

/** Members as on the wire (docs/contract.md); a newer broker may send more. */
export type Session = {
  readonly sid: string
  readonly application: string
  readonly client_id: string
  readonly sub?: string
  readonly name?: string
  readonly email?: string
  readonly flow: string
  readonly state: string
  readonly scopes?: readonly string[]
  readonly audiences?: readonly string[]
  readonly created_at: string
  readonly started_from?: string
  readonly refreshes?: number
  readonly last_refreshed_at?: string
  readonly expires_at?: string
  readonly absolute_expires_at?: string
  readonly revoked_at?: string
  readonly revoked_reason?: string
}

/** Whether it can still be used or completed. */
export function isLive({ state }: Session): boolean {
  return state === 'active' || state === 'approved'
}

export const states = ['pending', 'approved', 'denied', 'active', 'expired', 'revoked'] as const

const colours: Readonly<Record<string, Format>> = {
  active: 'green',
  pending: 'yellow',
  approved: 'cyan',
  denied: 'magenta',
  expired: 'dim',
  revoked: 'red',
}

export const columns: readonly Column[] = [
  { title: 'SESSION' },
  { title: 'PERSON', minWidth: 12 },
  { title: 'CLIENT', minWidth: 10 },
  { title: 'STATE' },
  { title: 'BEGAN' },
  { title: 'REFRESHED', dropOrder: 1 },
  { title: 'TIMES', dropOrder: 3 },
  { title: 'ENDS', dropOrder: 2 },
  { title: 'FROM', dropOrder: 4 },
]

export function rowOf(session: Session, nowMs: number): Cell[] {
  const { sid, sub = '–', client_id, state, created_at, last_refreshed_at, refreshes = 0, started_from = '' } = session
  return [
    sid,
    sub,
    client_id,
    stateOf(state),
    { text: relative(created_at, nowMs), as: 'dim' },
    last_refreshed_at === undefined ? { text: '–', as: 'dim' } : relative(last_refreshed_at, nowMs),
    String(refreshes),
    endOf(session, nowMs),
    { text: started_from, as: 'dim' },
  ]
}

export function stateOf(state: string): Cell {
  return { text: state, as: colours[state] ?? 'reset' }
}

/** The subject, with the name and address that the application keeps. */
export function personOf({ sub, name, email }: Pick<Session, 'sub' | 'name' | 'email'>): string {
  const known = [name, email].filter((each) => each !== undefined && each !== sub).join(', ')
  return known === '' ? (sub ?? 'nobody yet') : `${sub} (${known})`
}

/** How a session ended, or when it will end. */
function endOf({ state, expires_at, revoked_at, revoked_reason }: Session, nowMs: number): Cell {
  if (state === 'revoked') {
    const when = revoked_at === undefined ? '' : relative(revoked_at, nowMs)
    return { text: [when, revoked_reason].filter(Boolean).join(', '), as: 'dim' }
  }
  if (expires_at === undefined) return { text: '–', as: 'dim' }
  return relative(expires_at, nowMs)
}

/** All pages of a list, from `cursor` on. */
export async function* pagesOf(broker: OpsBroker, query: Readonly<Record<string, string>>): AsyncGenerator<Json> {
  let { cursor } = query
  do {
    const page = await broker.call('GET', 'sessions', { ...query, ...(cursor !== undefined && { cursor }) })
    yield page
    cursor = typeof page.cursor === 'string' ? page.cursor : undefined
  } while (cursor !== undefined)
}

export function sessionsIn({ sessions }: Json): readonly Session[] {
  return Array.isArray(sessions) ? (sessions as Session[]) : []
}
