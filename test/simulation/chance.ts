/** Repeatable chance. Each decision has a name, so that one decision does not depend on how many were made before it. */

import { type Chance, chanceFrom } from '../../bench/simulation/random.ts'

export type { Chance }

/** The chance of one decision: the same seed and the same name draw the same. */
export function chanceOf(seed: number, name: string): Chance {
  return chanceFrom(hashOf(name, seed))
}

/** FNV-1a, and MurmurHash3's last steps, without which similar names would draw alike. */
function hashOf(text: string, seed: number): number {
  let hash = (0x811c9dc5 ^ seed) >>> 0
  for (let at = 0; at < text.length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}

export function oneOf<Choice>(chance: Chance, choices: readonly Choice[]): Choice {
  return choices[chance.between(0, choices.length - 1)]!
}
