/**
 * One of several brokers on this machine serves what all of them need; the others follow it, and when it goes one of
 * them takes over at the same address.
 *
 * Owns who serves. Must not know what is served. The port is the lock: whoever gets to listen on it serves.
 */

import { setTimeout as pause } from 'node:timers/promises'

/** A part in the service: serving it, or using the one that another broker serves. */
export type Part = {
  /** Resolves when the service has ended, by itself or because of `stop`. */
  readonly ended: Promise<unknown>
  stop(): Promise<void>
}

export type Service = {
  /** Uses what another broker serves; undefined where nobody does. @throws when the port belongs to something else */
  follow(): Promise<Part | undefined>
  /** Serves it; undefined where somebody was quicker. */
  serve(): Promise<Part | undefined>
  /** Told when the role has changed. */
  changed(role: Role): void
  /** Told when the service is gone for good. */
  lost(error: unknown): void
}

export type Role = 'serving' | 'following'
export type Membership = { readonly role: Role; stop(): Promise<void> }

export class NobodyServes extends Error {}

const tries = 60
const pauseMs = 50

/** @throws {NobodyServes} */
export async function serveOrFollow(service: Service): Promise<Membership> {
  let stopped = false
  const { role, part } = await join(service, () => false)
  let current = part

  const keep = async () => {
    for (;;) {
      await current.ended
      if (stopped) return
      const next = await join(service, () => stopped)
      current = next.part
      if (stopped) return current.stop()
      service.changed(next.role)
    }
  }
  const kept = keep().catch((error: unknown) => {
    if (!stopped) service.lost(error)
  })
  const stop = async () => {
    stopped = true
    await current.stop()
    await kept
  }
  let stopping: Promise<void> | undefined
  return {
    role,
    stop: () => {
      stopping ??= stop()
      return stopping
    },
  }
}

async function join(service: Service, givenUp: () => boolean): Promise<{ role: Role; part: Part }> {
  for (let attempt = 0; attempt < tries && !givenUp(); attempt += 1) {
    const followed = await service.follow()
    if (followed !== undefined) return { role: 'following', part: followed }
    const serving = await service.serve()
    if (serving !== undefined) return { role: 'serving', part: serving }
    await pause(pauseMs)
  }
  throw new NobodyServes('nobody serves it any more, and its port is not free')
}
