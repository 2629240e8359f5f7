/**
 * The options of `npm run bench`, and the two sizes of a run.
 */

import type { ImportPlan } from './cold-import.ts'
import type { PeerPlan } from './peers/measure.ts'
import type { TimingPlan } from './timing.ts'

export type Options = {
  /** Compares with other servers, instead of the floor. */
  readonly isPeers: boolean
  /** Where the chart of the peers goes. */
  readonly chart: string | undefined
  readonly isQuick: boolean
  /** A broken budget makes the exit code 1. */
  readonly isCheck: boolean
  /** Where the figures go as JSON: a file, or stdout, and then what people read goes to stderr. */
  readonly json: { readonly file: string } | 'stdout' | undefined
}

export const usage = `npm run bench -- [--peers [--chart FILE]] [--quick] [--json [FILE]] [--check]

  --peers        beside node-oidc-provider and openauth, which npm installs, instead of the floor
  --chart FILE   with --peers, the result as a picture (SVG)
  --quick        a run of seconds; times are then no more than a hint
  --json [FILE]  the figures as JSON, into the file or to stdout
  --check        exit code 1 if a budget is broken
`

/** @returns what is wrong with the arguments, or the options */
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
    else return { mistake: `There is no option ${word}.` }
  }
  if (chart !== undefined && !isPeers) return { mistake: '--chart belongs to --peers.' }
  return { isPeers, chart, isQuick, isCheck, json }
}

export type Plan = {
  readonly timing: TimingPlan
  /** Sessions that are counted. */
  readonly counted: number
  readonly imports: ImportPlan
}

/** @returns about two minutes of work for two busy cores, or some seconds of it */
export function planOf({ isQuick }: Pick<Options, 'isQuick'>): Plan {
  // Eight at a time comes first, since it warms up the quickest.
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
        imports: { rounds: 7, refreshesInRound: 6 },
      }
}

/** @returns about two minutes of work, or half a minute */
export function peerPlanOf({ isQuick }: Pick<Options, 'isQuick'>): PeerPlan {
  return isQuick
    ? { rounds: 3, batch: 160, concurrency: 8, crowds: 5 }
    : { rounds: 15, batch: 400, concurrency: 8, crowds: 20 }
}
