/**
 * What goes wrong, and when. Each message and each action has a key. The seed and the key decide, so leaving one fault out
 * changes nothing about the others. That is how a failing run is made shorter (shrink.ts).
 */

import { type Chance, chanceOf, oneOf } from './chance.ts'

/** Faults of a message. `lost` comes before it takes effect, `answer-lost` after. */
export const messageFaults = [
  'lost',
  'answer-lost',
  'late',
  'answer-late',
  'reset',
  'refused',
  'throttled',
  'failing',
] as const
export type MessageFault = (typeof messageFaults)[number]
/** Faults of a request of a client. `twice` delivers it a second time. */
export type CallFault = 'lost' | 'answer-lost' | 'slow' | 'twice'
/** What happens to a function when a message reaches it. */
export type FunctionFault = 'killed' | 'frozen'

export type FaultPlan = {
  /** The share of the messages that meet a fault. */
  readonly share: number
  readonly kinds: readonly MessageFault[]
  readonly callKinds: readonly CallFault[]
  readonly functionKinds: readonly FunctionFault[]
}

/** Each seed has its own mixture: some runs have one kind of fault only, and some none. */
export function faultPlanOf(seed: number): FaultPlan {
  const chance = chanceOf(seed, 'fault plan')
  const some = <Kind>(kinds: readonly Kind[]) => kinds.filter(() => chance.happens(0.5))
  return {
    share: oneOf(chance, [0, 0.02, 0.05, 0.15, 0.4]),
    kinds: some(messageFaults),
    callKinds: some(['lost', 'answer-lost', 'slow', 'twice'] as const),
    functionKinds: some(['killed', 'frozen'] as const),
  }
}

export class Faults {
  readonly #seed: number
  readonly #plan: FaultPlan
  readonly #keep: ReadonlySet<string> | undefined
  /** Keys of what went wrong and what was done, in this order. */
  readonly taken: string[] = []
  /** Off for what has to succeed: the end of a run. */
  isOn = true

  /** @param keep nothing else happens; undefined: everything that the seed has */
  constructor(seed: number, plan: FaultPlan, keep?: ReadonlySet<string>) {
    this.#seed = seed
    this.#plan = plan
    this.#keep = keep
  }

  /** Whether a request may reach the table after its client has gone on with the answer to a later try. */
  get mayDelay(): boolean {
    const { share, kinds, callKinds, functionKinds } = this.#plan
    return share > 0 && kinds.length + callKinds.length + functionKinds.length > 0
  }

  /** The chance of a decision that is no fault, such as how long a message takes. */
  chance(key: string): Chance {
    return chanceOf(this.#seed, key)
  }

  /** Whether an action of an actor takes place. */
  acts(key: string): boolean {
    return this.#take(`do ${key}`)
  }

  ofMessage(key: string): MessageFault | undefined {
    return this.#draw(`message ${key}`, this.#plan.share, this.#plan.kinds)
  }

  ofCall(key: string): CallFault | undefined {
    return this.#draw(`call ${key}`, this.#plan.share, this.#plan.callKinds)
  }

  ofFunction(key: string): FunctionFault | undefined {
    return this.#draw(`function ${key}`, this.#plan.share / 3, this.#plan.functionKinds)
  }

  #draw<Kind extends string>(key: string, share: number, kinds: readonly Kind[]): Kind | undefined {
    if (!this.isOn || share === 0 || kinds.length === 0) return undefined
    const chance = this.chance(key)
    if (!chance.happens(share)) return undefined
    return this.#take(key) ? oneOf(chance, kinds) : undefined
  }

  #take(key: string): boolean {
    if (this.#keep !== undefined && !this.#keep.has(key)) return false
    this.taken.push(key)
    return true
  }
}
