/**
 * User codes that nobody was given.
 *
 * Owns the guess: the alphabet and the shape of contract.md §3.
 */
import { randomInt } from 'node:crypto'

const letters = 'BCDFGHJKLMNPQRSTVWXZ'

export function randomUserCode(): string {
  const drawn = Array.from({ length: 8 }, () => letters[randomInt(letters.length)]).join('')
  return `${drawn.slice(0, 4)}-${drawn.slice(4)}`
}
