/**
 * Loaded into a broker's process before anything else (`--import`): its clock goes as far ahead as a file says, which the
 * test writes. So several brokers are moved through days at once, and nobody sleeps.
 *
 * Owns the clock's place, and that of the test's end of it. Must not know what time does to a broker.
 */
import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { clock } from '../../../shared/parts.ts'
import { newDirectory } from './broker.ts'

const { MOVED_CLOCK } = process.env
if (MOVED_CLOCK !== undefined) clock.now = () => Date.now() + Number(readFileSync(MOVED_CLOCK, 'utf8')) * 1000

export type MovedClock = {
  /** What the brokers' environment needs. */
  readonly environment: Readonly<Record<string, string>>
  nowMs(): number
  advance(seconds: number): void
  /** How often it was moved: who sees another count afterwards has been overtaken by time. */
  moves(): number
}

export function movedClock(): MovedClock {
  const file = join(newDirectory(), 'seconds-ahead')
  let ahead = 0
  let moves = 0
  // As a whole, since brokers read it at any time.
  const write = () => {
    writeFileSync(`${file}.new`, String(ahead))
    renameSync(`${file}.new`, file)
  }
  write()
  return {
    environment: { MOVED_CLOCK: file, NODE_OPTIONS: `--import=${fileURLToPath(import.meta.url)}` },
    nowMs: () => Date.now() + ahead * 1000,
    advance: (seconds) => {
      ahead += seconds
      moves += 1
      write()
    },
    moves: () => moves,
  }
}
