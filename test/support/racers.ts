/**
 * Several processes that race for one family.
 *
 * Owns their start and end, and the words between them and this one.
 */

import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { SessionPolicy, VerifiedCredential } from '../../shared/domain/single-use.ts'
import type { Outcome } from '../../shared/store/families.ts'

export type Order = {
  readonly credential: VerifiedCredential
  readonly policy: SessionPolicy
  readonly now: number
  readonly times: number
}

export type Report = { readonly kind: 'ready' } | { readonly kind: 'done'; readonly outcomes: readonly Outcome[] }

export type Racers = {
  /** Each of them carries the order out, at the same moment. @returns all outcomes */
  race(order: Order): Promise<Outcome[]>
  stop(): Promise<void>
}

const file = fileURLToPath(new URL('racer.ts', import.meta.url))

export async function startRacers(count: number, tableName: string): Promise<Racers> {
  const children = Array.from({ length: count }, () => fork(file, [tableName]))
  await Promise.all(children.map(reportOf))
  return {
    race: async (order) => {
      const reports = children.map(reportOf)
      for (const child of children) child.send(order)
      return (await Promise.all(reports)).flatMap((report) => (report.kind === 'done' ? report.outcomes : []))
    },
    stop: async () => {
      const gone = children.map((child) => once(child, 'exit'))
      for (const child of children) child.disconnect()
      await Promise.all(gone)
    },
  }
}

async function reportOf(child: ChildProcess): Promise<Report> {
  const ended = new AbortController()
  const died = once(child, 'exit', { signal: ended.signal }).then(([code]) => {
    throw new Error(`a racer ended with exit code ${code}`)
  })
  const [report] = (await Promise.race([once(child, 'message', { signal: ended.signal }), died])) as [Report]
  died.catch(() => {})
  ended.abort()
  return report
}
