/**
 * Ends all sessions of a person with very many sessions, by the product's own sweep on a real table, and counts the
 * requests.
 */

import { BatchWriteCommand } from '@aws-sdk/lib-dynamodb'
import { hashSalt } from '../../shared/domain/credential.ts'
import { createCodeFamily } from '../../shared/domain/new-family.ts'
import { eraseClaims, revokeByOps } from '../../shared/domain/transitions.ts'
import { randomId } from '../../shared/random.ts'
import { createFamilies, familyKey } from '../../shared/store/families.ts'
import { createSessions } from '../../shared/store/sessions.ts'
import { begun, patience, sweep } from '../../shared/store/sweep.ts'
import { connect, type Table } from '../../shared/store/table.ts'
import { drawSession } from './population.ts'
import type { Chance } from './random.ts'

export type Swept = {
  readonly sessions: number
  /** How often operators have to call. Each call takes about 12 s at most. */
  readonly calls: number
  readonly seconds: number
  /** The number of requests by operation. */
  readonly requests: Readonly<Record<string, number>>
  readonly ended: number
}

const application = 'simulated'
const maxPuts = 25

/** @param count the number of sessions of the person @param putDone called after each batch of new sessions */
export async function runSweep(tableName: string, count: number, chance: Chance, putDone: () => void): Promise<Swept> {
  const table = connect(tableName)
  try {
    const subject = 'service-account'
    for (let at = 0; at < count; at += maxPuts) {
      await putSessions(table, subject, Math.min(maxPuts, count - at), chance)
      putDone()
    }
    return await end(table, subject, count)
  } finally {
    table.close()
  }
}

export function batchesOf(count: number): number {
  return Math.ceil(count / maxPuts)
}

async function putSessions(table: Table, sub: string, count: number, chance: Chance): Promise<void> {
  const requests = Array.from({ length: count }, () => {
    const { clientId, audience, scopes, startedFrom, person } = drawSession(chance)
    const limits = { accessTokenSeconds: 300, idleSeconds: 2_592_000, absoluteSeconds: 31_536_000, graceSeconds: 0 }
    const family = createCodeFamily({
      ...{
        sid: randomId(),
        saltHash: hashSalt(randomId()),
        writeId: randomId(),
        now: Date.now() - chance.between(1, 1e9),
      },
      application,
      clientId,
      audiences: [audience],
      scopes,
      startedFrom,
      limits,
      codeLifetimeSeconds: 60,
      person: { ...person, sub },
      redirectUri: `${audience}/callback`,
    })
    return { PutRequest: { Item: { ...familyKey(family.sid), ...family } } }
  })
  await table.client.send(new BatchWriteCommand({ RequestItems: { [table.name]: requests } }))
}

async function end(table: Table, subject: string, sessions: number): Promise<Swept> {
  const requests: Record<string, number> = {}
  table.client.middlewareStack.add(
    (next, { commandName = '' }) =>
      (args) => {
        const operation = commandName.replace('Command', '')
        requests[operation] = (requests[operation] ?? 0) + 1
        return next(args)
      },
    { step: 'initialize' },
  )
  let ended = 0
  const task = {
    application,
    subject,
    end: (sid: string) =>
      revokeByOps(application, sid, { actor: 'ada', note: 'simulated' }, { now: Date.now(), writeId: randomId() }),
    erase: (sid: string) => eraseClaims(application, sid, randomId()),
    ended: () => {
      ended += 1
    },
  }
  const parts = { sessions: createSessions(table), families: createFamilies(table) }
  const startedAt = Date.now()
  let calls = 0
  let state: Parameters<typeof sweep>[2] | undefined = begun(startedAt, startedAt)
  while (state !== undefined) {
    state = await sweep(parts, task, state, patience)
    calls += 1
  }
  return { sessions, calls, seconds: (Date.now() - startedAt) / 1000, requests, ended }
}
