/**
 * Virtual time and repeatable randomness for everything in this thread. Import it before anything else, and only in a worker
 * thread: it replaces timers, `Date.now`, random numbers and `fetch` of the whole thread.
 *
 * One event happens at a time. The next one begins when all that follows from the one before has run, so the order of events is
 * the order of their times, and the same seed gives the same run.
 */

import nodeCrypto from 'node:crypto'
import { syncBuiltinESMExports } from 'node:module'
import timers from 'node:timers'
import timersPromises from 'node:timers/promises'
import { type Chance, chanceFrom } from '../../bench/simulation/random.ts'
import { replaceWebCrypto } from './web-crypto.ts'

/** A running program with a clock of its own, such as one instance of a Lambda function. */
export type Program = {
  /** By how much its clock is ahead. */
  readonly skewMs: number
  /** A program that was killed never goes on: what it waited for does not reach it. */
  isAlive: boolean
  /** Until then nothing reaches it, and its timers do not fire. */
  frozenUntilMs: number
}

type Event = {
  readonly atMs: number
  readonly order: number
  readonly owner: Program | undefined
  readonly run: () => void
  isCancelled: boolean
}

const startMs = Date.UTC(2026, 0, 15, 12)

class VirtualTime {
  #events: Event[] = []
  #count = 0
  nowMs = startMs
  /** The program whose code runs now; undefined: none of the broker. */
  owner: Program | undefined
  fetch: typeof globalThis.fetch = () => Promise.reject(new Error('there is no network'))
  chance: Chance = chanceFrom(0)

  /** Begins anew. */
  reset(seed: number): void {
    this.#events = []
    this.#count = 0
    this.nowMs = startMs
    this.owner = undefined
    this.chance = chanceFrom(seed)
  }

  after(delayMs: number, run: () => void, owner: Program | undefined = undefined): Event {
    const atMs = this.nowMs + Math.max(0, delayMs)
    const event = { atMs, order: this.#count++, owner, run, isCancelled: false }
    this.#push(event)
    return event
  }

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => this.after(ms, resolve))
  }

  /** Runs events until there is none, or until the time is over. @returns how many ran */
  async run(untilMs = Number.POSITIVE_INFINITY, maxEvents = Number.POSITIVE_INFINITY): Promise<number> {
    let count = 0
    await drain()
    for (let event = this.#pop(); event !== undefined; event = this.#pop()) {
      if (event.isCancelled || event.owner?.isAlive === false) continue
      if (event.atMs > untilMs || count >= maxEvents) {
        this.#push(event)
        break
      }
      const frozenUntilMs = event.owner?.frozenUntilMs ?? 0
      if (frozenUntilMs > event.atMs) {
        this.#push({ ...event, atMs: frozenUntilMs, order: this.#count++ })
        continue
      }
      this.nowMs = Math.max(this.nowMs, event.atMs)
      this.owner = event.owner
      event.run()
      await drain()
      this.owner = undefined
      count += 1
    }
    return count
  }

  // A heap: the earliest event first, and of two at the same time the one that was planned first.

  #push(event: Event): void {
    const heap = this.#events
    let at = heap.push(event) - 1
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (!isBefore(event, heap[parent]!)) break
      heap[at] = heap[parent]!
      at = parent
    }
    heap[at] = event
  }

  #pop(): Event | undefined {
    const heap = this.#events
    const first = heap[0]
    const last = heap.pop()
    if (last === undefined || heap.length === 0) return first
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child += 1
      if (!isBefore(heap[child]!, last)) break
      heap[at] = heap[child]!
      at = child
    }
    heap[at] = last
    return first
  }
}

function isBefore(one: Event, other: Event): boolean {
  return one.atMs < other.atMs || (one.atMs === other.atMs && one.order < other.order)
}

export const virtual = new VirtualTime()

// --- everything that follows from an event --------------------------------------------------------------------------

/** Node runs the next tick when there is no microtask left. A turn of the event loop would take longer than most events. */
function drain(): Promise<void> {
  return new Promise((resolve) => process.nextTick(resolve))
}

// --- time -----------------------------------------------------------------------------------------------------------

function replaceTime(): void {
  const after = (run: (...args: unknown[]) => void, ms = 0, ...args: unknown[]) =>
    virtual.after(ms, () => run(...args), virtual.owner)
  const cancel = (event: Event | undefined) => {
    if (event !== undefined) event.isCancelled = true
  }
  const pause = <Value>(ms?: number, value?: Value) =>
    new Promise<Value>((resolve) => after(() => resolve(value as Value), ms))
  Object.assign(globalThis, {
    setTimeout: after,
    clearTimeout: cancel,
    fetch: (...args: Parameters<typeof fetch>) => virtual.fetch(...args),
  })
  Object.assign(timers, { setTimeout: after, clearTimeout: cancel })
  Object.assign(timersPromises, { setTimeout: pause })
  const now = () => Math.floor(virtual.nowMs + (virtual.owner?.skewMs ?? 0))
  globalThis.Date = class extends Date {
    static override now = now
    constructor(...given: [] | ConstructorParameters<typeof Date>) {
      super(...((given.length === 0 ? [now()] : given) as ConstructorParameters<typeof Date>))
    }
  } as typeof Date
  AbortSignal.timeout = (ms) => {
    const controller = new AbortController()
    after(() => controller.abort(new DOMException('The operation was aborted due to timeout', 'TimeoutError')), ms)
    return controller.signal
  }
}

// --- randomness -----------------------------------------------------------------------------------------------------

function fill(bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; at += 1) bytes[at] = Math.floor(virtual.chance.next() * 256)
}

function replaceRandomness(): void {
  const randomBytes = (size: number) => {
    const bytes = Buffer.alloc(size)
    fill(bytes)
    return bytes
  }
  const randomInt = (least: number, end?: number) =>
    end === undefined ? virtual.chance.between(0, least - 1) : virtual.chance.between(least, end - 1)
  const randomUUID = () => {
    const hex = randomBytes(16).toString('hex')
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20)}`
  }
  const getRandomValues = <Bytes extends ArrayBufferView>(into: Bytes): Bytes => {
    fill(new Uint8Array(into.buffer, into.byteOffset, into.byteLength))
    return into
  }
  Object.assign(nodeCrypto, { randomBytes, randomInt, randomUUID })
  for (const [name, value] of Object.entries({ randomUUID, getRandomValues })) {
    Object.defineProperty(globalThis.crypto, name, { value })
  }
  Math.random = () => virtual.chance.next()
}

replaceWebCrypto()
replaceTime()
replaceRandomness()
syncBuiltinESMExports()
