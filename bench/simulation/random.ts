/**
 * Repeatable random numbers (mulberry32): the same seed gives the same numbers. Not for secrets.
 */

export type Chance = {
  /** A number from 0 up to, but not including, 1. */
  readonly next: () => number
  /** A whole number from `least` to `most`. */
  readonly between: (least: number, most: number) => number
  readonly happens: (share: number) => boolean
  /** Picks one of the items with a probability proportional to its share. */
  readonly pick: <Item extends { readonly share: number }>(items: readonly Item[]) => Item
}

export function chanceFrom(seed: number): Chance {
  let state = seed >>> 0
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  return {
    next,
    between: (least, most) => least + Math.floor(next() * (most - least + 1)),
    happens: (share) => next() < share,
    pick: (items) => {
      let left = next() * items.reduce((sum, { share }) => sum + share, 0)
      for (const item of items) {
        left -= item.share
        if (left < 0) return item
      }
      return items.at(-1)!
    },
  }
}
