/**
 * The options of `npm run bench`, and the two sizes of a run.
 */

import type { ImportPlan } from './cold-import.ts'
import type { PeerPlan } from './peers/measure.ts'
import type { TimingPlan } from './timing.ts'

export type Options = {
  /** Compares with other servers, instead of the floor. */
  readonly isPeers: boolean
  /** The file for the chart of the peers. */
  readonly chart: string | undefined
  readonly isQuick: boolean
  /** Whether a broken budget makes the exit code 1. */
  readonly isCheck: boolean
  /** Where the figures go as JSON. With stdout, the report for people goes to stderr. */
  readonly json: { readonly file: string } | 'stdout' | undefined
}

export const usage = `npm run bench -- [--peers [--chart FILE]] [--quick] [--json [FILE]] [--check]

  --peers        compare with node-oidc-provider and openauth, which npm installs, instead of with the floor
  --chart FILE   with --peers, draw the result as a picture (SVG)
  --quick        run for seconds only; the times are then only a hint
  --json [FILE]  write the figures as JSON into the file, or to stdout
  --check        exit code 1 if a budget is broken
`

/** @returns the options, or the mistake in the arguments */
export function readOptions(words: readonly string[]): Options | { readonly mistake: string } {
  let [isPeers, isQuick, isCheck] = [false, false, false]
  let json: Options['json']
  let chart: Options['chart']
  const rest = words.values()
  for (let word = rest.next().value; word !== undefined; word = rest.next().value) {
    if (word === '--peers') isPeers = true
    else if (word === '--chart') {
      chart = rest.next().value
      if (chart === undefined) return { mistake: 'Name a file after --chart.' }
    } else if (word === '--quick') isQuick = true
    else if (word === '--check') isCheck = true
    else if (word === '--json') json = 'stdout'
    else if (json === 'stdout' && !word.startsWith('-')) json = { file: word }
    else return { mistake: `Unknown option: ${word}` }
  }
  if (chart !== undefined && !isPeers) return { mistake: '--chart needs --peers.' }
  return { isPeers, chart, isQuick, isCheck, json }
}

export type Plan = {
  readonly timing: TimingPlan
  /** The number of sessions whose requests are counted. */
  readonly counted: number
  readonly imports: ImportPlan
}

/** @returns about two minutes of work for two busy cores, or some seconds of work */
export function planOf({ isQuick }: Pick<Options, 'isQuick'>): Plan {
  // The load with eight requests at a time comes first, because it warms up fastest.
  return isQuick
    ? {
        timing: {
          starts: 1,
          loads: [
            { warmUpRounds: 3, rounds: 1, batch: 24, concurrency: 8 },
            { warmUpRounds: 0, rounds: 5, batch: 12, concurrency: 1 },
          ],
        },
        counted: 3,
        imports: { rounds: 1, refreshesInRound: 5 },
      }
    : {
        timing: {
          starts: 3,
          loads: [
            { warmUpRounds: 8, rounds: 4, batch: 40, concurrency: 8 },
            { warmUpRounds: 1, rounds: 14, batch: 16, concurrency: 1 },
          ],
        },
        counted: 10,
        imports: { rounds: 7, refreshesInRound: 16 },
      }
}

/** @returns about two minutes of work, or half a minute */
export function peerPlanOf({ isQuick }: Pick<Options, 'isQuick'>): PeerPlan {
  return isQuick
    ? { rounds: 3, batch: 160, concurrency: 8, crowds: 5 }
    : { rounds: 15, batch: 400, concurrency: 8, crowds: 20 }
}
