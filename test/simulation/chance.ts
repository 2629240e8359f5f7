/** Repeatable chance. Each decision has a name, so that one decision does not depend on how many were made before it. */

import { createHash } from 'node:crypto'
import { type Chance, chanceFrom } from '../../bench/simulation/random.ts'

export type { Chance }

/** The chance of one decision: the same seed and the same name draw the same. */
export function chanceOf(seed: number, name: string): Chance {
  return chanceFrom(createHash('sha256').update(`${seed} ${name}`).digest().readUInt32LE(0))
}

export function oneOf<Choice>(chance: Chance, choices: readonly Choice[]): Choice {
  return choices[chance.between(0, choices.length - 1)]!
}
