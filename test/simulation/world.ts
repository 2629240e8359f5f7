/** One simulated world: a broker with its table, a network, a provider and a clock; and what is seen of all of it. */

import { createHash } from 'node:crypto'
import { sink } from '../../shared/log.ts'
import type { Parts } from '../../shared/parts.ts'
import { keyringCachedMs } from '../../shared/tokens/keyring.ts'
import { parseKeyring, type StoredMacKey, type StoredSigningKey } from '../../shared/tokens/keyring-secret.ts'
import { nameOf, retireKeys, rotateKeyring } from '../../shared/tokens/rotation.ts'
import { type Answer, Broker, type Call, type Instance, type Request } from './broker.ts'
import { Model } from './dynamodb/model.ts'
import type { Faults } from './faults.ts'
import type { InvariantName } from './invariant-names.ts'
import { invariants } from './invariants.ts'
import { Network, type Sender, type StoreEvent } from './network.ts'
import { Provider } from './provider.ts'
import { cheapKeys, firstKeyring, putRecords, type Settings } from './registry.ts'
import { Seen } from './seen.ts'
import { virtual } from './virtual.ts'

/** A bug that is planted to see whether it is found (planted-bugs.ts). */
export type PlantedBug = {
  /** Changes a request to DynamoDB on its way, each of the SDK's retries as well. */
  readonly rewrite?: (operation: string, input: Record<string, unknown>, sender: Sender) => Record<string, unknown>
  readonly alter?: (parts: Parts) => Partial<Parts>
  /** Changes a client's request before a function has it. */
  readonly request?: (request: Request) => Request
  /** Whether the provider's key set holds a key that is not the provider's. */
  readonly trustsStranger?: boolean
}

export type Violation = { readonly invariant: string; readonly what: string; readonly atMs: number }

export type WorldOptions = {
  readonly seed: number
  readonly settings: Settings
  readonly maxSkewMs: number
  readonly faults: Faults
  readonly keepsTrace: boolean
  readonly bug?: PlantedBug | undefined
}

export class World {
  readonly faults: Faults
  readonly settings: Settings
  readonly maxSkewMs: number
  readonly model: Model
  readonly broker: Broker
  readonly provider: Provider
  readonly seen: Seen
  readonly violations: Violation[] = []
  readonly trace: string[] = []
  readonly #keepsTrace: boolean
  readonly #hash = createHash('sha256')
  readonly startMs: number
  #keyring = ''

  static async create(options: WorldOptions): Promise<World> {
    virtual.reset(options.seed)
    const world = new World(options)
    world.#setKeyring(await firstKeyring(virtual.nowMs))
    sink.write = (line) => world.#onLog(line)
    return world
  }

  private constructor({ settings, maxSkewMs, faults, keepsTrace, bug }: WorldOptions) {
    this.faults = faults
    this.settings = settings
    this.maxSkewMs = maxSkewMs
    this.#keepsTrace = keepsTrace
    this.startMs = virtual.nowMs
    const lag = () => faults.chance(`index ${virtual.nowMs}`).between(0, 3_000)
    this.model = new Model({ indexLagMs: () => (faults.isOn ? lag() : 0) })
    putRecords(this.model, settings)
    this.seen = new Seen(settings, maxSkewMs, () => this.#keyring)
    const forges = (count: number) => {
      const chance = faults.chance(`id token ${count}`)
      return faults.isOn && chance.happens(0.2) && faults.acts(`forge id token ${count}`) ? chance : undefined
    }
    this.provider = new Provider(60, forges, bug?.trustsStranger)
    this.provider.onRefresh = ({ token, isReuse, successor }) => {
      if (successor !== undefined) this.seen.replaced.set(token, successor)
      // The provider's answer was lost, or a function died with it. Only the person can sign in again.
      if (isReuse) for (const family of this.seen.families.values()) family.isContested = true
    }
    const note = (line: string) => this.note(line)
    const network = new Network({
      ...{ faults, model: this.model, trace: note, rewrite: bug?.rewrite },
      onStore: (event) => this.#onStore(event),
      onStoreAnswer: (_, event) => this.seen.storeAnswer(event),
      onKilled: (program) => this.broker.killed(program),
    })
    this.broker = new Broker({
      ...{ network, faults, maxSkewMs, trace: note, alter: bug?.alter, rewrite: bug?.request },
      keyring: () => this.#keyring,
      onLateMessage: ({ name }) => this.report('silent-after-answer', `${name} goes on after its answer`),
      onAnswer: (call, answer) => this.#onAnswer(call, answer),
    })
    virtual.fetch = (input, options) => this.#fetch(network, String(input), options)
  }

  /** What the run came to, in one text: two runs of a seed have the same. */
  get digest(): string {
    return this.#hash.copy().digest('hex')
  }

  note(line: string): void {
    const timed = `${((virtual.nowMs - this.startMs) / 1000).toFixed(3)} ${line}`
    this.#hash.update(timed)
    if (this.#keepsTrace) this.trace.push(timed)
  }

  request(request: Request): Promise<Answer | undefined> {
    return this.broker.request(request)
  }

  report(invariant: InvariantName, what: string): void {
    this.#violate(invariant, what)
  }

  async rotateKeys(): Promise<void> {
    const change = await rotateKeyring(this.#keyring, virtual.nowMs, cheapKeys)
    if (change.ok) this.#setKeyring(change.text)
    this.note(`the keys rotate: ${change.ok}`)
  }

  /** Keys are in wrong hands: some are retired at once (docs/operations.md#when-a-key-is-in-wrong-hands). */
  async retireKeys(which: 'signing' | 'mac' | 'all'): Promise<void> {
    const { signing, mac } = parseKeyring(this.#keyring)
    const current = (which === 'mac' ? mac : signing).find(({ status }) => status === 'current')!
    const change = await retireKeys(
      this.#keyring,
      which === 'all' ? 'all' : [nameOf(current as StoredMacKey | StoredSigningKey)],
      virtual.nowMs,
      cheapKeys,
    )
    if (!change.ok) throw new Error(`no key was retired: ${change.refusal.kind}`)
    this.note(`keys are retired: ${which}`)
    const retired = which === 'signing' ? [] : which === 'mac' ? [current as StoredMacKey] : mac
    this.seen.retire(
      retired.map(({ id }) => id),
      virtual.nowMs + keyringCachedMs,
    )
    this.#setKeyring(change.text)
  }

  #setKeyring(text: string): void {
    this.#keyring = text
    const { mac, seal } = parseKeyring(text)
    for (const { key } of [...mac, ...seal]) this.seen.addSecret(key)
  }

  #violate(invariant: string, what: string): void {
    this.note(`VIOLATED ${invariant}: ${what}`)
    this.violations.push({ invariant, what, atMs: virtual.nowMs - this.startMs })
  }

  #check(of: (invariant: (typeof invariants)[number]) => string | undefined): void {
    for (const invariant of invariants) {
      const wrong = of(invariant)
      if (wrong !== undefined) this.#violate(invariant.name, wrong)
    }
  }

  #onStore(event: StoreEvent): void {
    const { sender, operation, request, served } = event
    this.#hash.update(JSON.stringify(request))
    const change = this.seen.store(event)
    this.note(`${sender.key} ${operation} took effect: ${served.status === 200 ? 'done' : served.body.slice(0, 90)}`)
    if (event.writes.length > 0) this.#check(({ onStore }) => onStore?.(this.seen, event))
    if (change !== undefined) this.#check(({ onWrite }) => onWrite?.(this.seen, change, event))
  }

  #onAnswer(call: Call, answer: Answer | undefined): void {
    this.seen.answer(call, answer)
    this.#check(({ onAnswer }) => onAnswer?.(this.seen, call, answer))
  }

  #onLog(line: string): void {
    this.#check(({ onLog }) => onLog?.(this.seen, line))
  }

  async #fetch(network: Network, url: string, options: RequestInit = {}): Promise<Response> {
    const { call } = virtual.owner as Instance
    if (call === undefined) throw new Error('a function asks the provider after its answer')
    const body =
      options.body instanceof URLSearchParams ? options.body : new URLSearchParams(String(options.body ?? ''))
    const authorization = new Headers(options.headers).get('authorization') ?? ''
    const token = body.get('grant_type') === 'refresh_token' ? body.get('refresh_token') : null
    if (token !== null) this.#check(({ onProviderRefresh }) => onProviderRefresh?.(this.seen, call, token))
    if (token !== null) this.seen.atProvider.set(token, call)
    try {
      const answer = () => this.provider.answer(url, body, authorization)
      const response = await network.fetch(
        call,
        `provider ${new URL(url).pathname}`,
        options.signal ?? undefined,
        answer,
      )
      for (const secret of this.provider.secrets) this.seen.addSecret(secret)
      return response
    } finally {
      if (token !== null && this.seen.atProvider.get(token) === call) this.seen.atProvider.delete(token)
    }
  }
}
