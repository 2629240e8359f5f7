/**
 * The findings about the peers, for people.
 */

import { left, right, tableLines } from '../table.ts'
import type { PeerFigures, Range } from './measure.ts'

export type PeerFindings = {
  readonly takenAt: string
  readonly machine: { readonly node: string; readonly cores: number; readonly loadAverage: number }
  readonly peers: readonly PeerFigures[]
}

export function peerReportOf({ machine, peers }: PeerFindings): string {
  const { node, cores, loadAverage } = machine
  return [
    '',
    'Refreshes at the broker and at its peers, which take turns on one DynamoDB of this machine.',
    `Node ${node}, ${cores} cores, load average ${loadAverage.toFixed(1)}.`,
    '',
    ...tableLines(speedColumns, peers.map(speedRow)),
    '',
    ...tableLines(crowdColumns, peers.map(crowdRow)),
    '',
    ...peers.map(({ name, settings }) => `${name}: ${settings}.`),
    '',
  ].join('\n')
}

const speedColumns = [
  left('A refresh'),
  ...[right('per second'), right('CPU ms'), right('requests'), right('write units'), right('read units')],
  right('ms, DynamoDB 5 ms away'),
]

function speedRow({ name, perSecond, cpuMs, requests, writeUnits, readUnits, latencyMs }: PeerFigures): string[] {
  return [
    ...[name, perSecond.toFixed(0), cpuMs.toFixed(2), String(requests), String(writeUnits), String(readUnits)],
    latencyMs.toFixed(1),
  ]
}

const crowdColumns = [
  left('Fifty refreshes of one token at once'),
  ...[right('succeed'), right('different successors'), right('live afterwards')],
]

function crowdRow({ name, crowd }: PeerFigures): string[] {
  return [name, ...[crowd.succeeded, crowd.successors, crowd.live].map(rangeText)]
}

export function rangeText({ least, most }: Range): string {
  return least === most ? String(least) : `${least} – ${most}`
}
