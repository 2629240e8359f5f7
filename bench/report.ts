/**
 * The findings of the bench, for people.
 */

import { styleText } from 'node:util'
import { judgeCost, judgeCrowd, judgeImport, judgeIssuer, judgeTiming, type Verdict } from './budgets.ts'
import type { ImportTimings } from './cold-import.ts'
import type { Cost, Counting } from './counting.ts'
import type { Crowd } from './crowd.ts'
import type { Spread } from './statistics.ts'
import { type Column, left, right, tableLines } from './table.ts'
import type { LoadTiming } from './timing.ts'

export type Findings = {
  readonly takenAt: string
  readonly isQuick: boolean
  readonly machine: { readonly node: string; readonly cores: number; readonly loadAverage: number }
  readonly timings: readonly LoadTiming[]
  readonly counting: Counting
  readonly crowd: Crowd
  readonly imports: ImportTimings
  readonly verdicts: readonly Verdict[]
}

/** @returns the verdicts on all parts, in the order of the tables */
export function judge({ timings, counting, crowd, imports }: Omit<Findings, 'verdicts'>): Verdict[] {
  const latency = timings.filter(({ load }) => load.concurrency === 1)
  return [
    ...latency.flatMap(({ operations }) => operations.flatMap(judgeTiming)),
    ...counting.operations.flatMap(judgeCost),
    ...judgeIssuer(counting),
    ...judgeCrowd(crowd),
    ...imports.bundles.flatMap(judgeImport),
  ]
}

/** @param stream the destination; the report has colours only on a terminal */
export function reportOf(findings: Findings, stream: NodeJS.WriteStream): string {
  const { node, cores, loadAverage } = findings.machine
  const style = (format: Parameters<typeof styleText>[0], text: string) => styleText(format, text, { stream })
  const section = (title: string, columns: readonly Column[], rows: readonly (readonly string[])[]) => {
    const [titles = '', ...lines] = tableLines([left(title), ...columns], rows)
    return [style('bold', titles), ...lines.map((line) => coloured(line, style)), '']
  }
  return [
    '',
    ...introduction,
    style('dim', `Node ${node}, ${cores} cores, load average ${loadAverage.toFixed(1)}.`),
    ...(findings.isQuick ? [style('yellow', 'A quick run: the times are only a hint.')] : []),
    '',
    ...findings.timings.toSorted(byConcurrency).flatMap((timing) => timeSection(timing, section)),
    ...section('Requests to DynamoDB', costColumns, costRows(findings.counting)),
    ...section('Many at once', crowdColumns, [crowdRow(findings.crowd)]),
    ...section('Cold import', importColumns, importRows(findings.imports)),
    ...conclusion(findings.verdicts).map((line) => coloured(line, style)),
    '',
  ].join('\n')
}

const introduction = [
  'The cost of the broker compared with a floor: a bare server, built only on the SDK and jose, that makes one conditional\n' +
    'UpdateItem and one ES256 signature per request.',
  'Each ratio is a median. It compares pairs of batches that ran directly after each other. The span holds half of the pairs.',
]

type Style = (format: 'green' | 'red', text: string) => string

function coloured(line: string, style: Style): string {
  return line.replace(/✔.*/, (text) => style('green', text)).replace(/✖.*/, (text) => style('red', text))
}

type Section = (title: string, columns: readonly Column[], rows: readonly (readonly string[])[]) => string[]

// --- time -----------------------------------------------------------------------------------------------------------

/** The latency of a single caller comes first, because it has a budget. */
const byConcurrency = (one: LoadTiming, other: LoadTiming) => one.load.concurrency - other.load.concurrency

function timeSection({ load, operations }: LoadTiming, section: Section): string[] {
  if (load.concurrency > 1) {
    return section(
      `${load.concurrency} at a time`,
      [right('per second'), right('floor'), right('share of floor')],
      operations.map(({ name, perSecond, floorPerSecond }) => [
        ...[name, perSecond.toFixed(0), floorPerSecond.toFixed(0)],
        `${((100 * perSecond) / floorPerSecond).toFixed(0)} %`,
      ]),
    )
  }
  return section(
    'One at a time',
    [right('ms'), right('floor'), right('ratio'), left('span'), left('budget')],
    operations.map((timing) => [
      ...[timing.name, timing.ms.median.toFixed(2), timing.floorMs.median.toFixed(2)],
      ...ratioCells(timing.ratio),
      budgetCell(judgeTiming(timing)),
    ]),
  )
}

function ratioCells({ low, median, high }: Spread): string[] {
  return [median.toFixed(2), `${low.toFixed(2)} – ${high.toFixed(2)}`]
}

// --- requests and units ---------------------------------------------------------------------------------------------

const costColumns = [
  ...[left('requests'), right('write units'), right('read units'), right('item bytes')],
  left('budget'),
]

function costRows(counting: Counting): string[][] {
  const { operations, registrations, issuerRequests } = counting
  return [
    ...operations.map((cost) => [cost.name, ...costCells(cost), budgetCell(judgeCost(cost))]),
    [
      ...["at the platform's issuer", `${issuerRequests} per workload token`, '', '', ''],
      budgetCell(judgeIssuer(counting)),
    ],
    // A broker caches registrations for ten seconds.
    ['and every 10 s', ...costCells(registrations), 'no budget: each warm broker reads the registrations again'],
  ]
}

function costCells({ requests, writeUnits, readUnits, itemBytes }: Cost): string[] {
  const listed = Object.entries(requests).map(([operation, count]) => `${count} ${operation}`)
  return [listed.join(', '), String(writeUnits), String(readUnits), String(itemBytes)]
}

// --- many at once ---------------------------------------------------------------------------------------------------

const crowdColumns = [right('callers'), right('brokers'), right('provider requests'), right('ms'), left('budget')]

function crowdRow(crowd: Crowd): string[] {
  const { workers, brokers, providerRequests, ms } = crowd
  const counts = [workers, brokers, providerRequests].map(String)
  return ["one session, the provider's token expired", ...counts, ms.toFixed(0), budgetCell(judgeCrowd(crowd))]
}

// --- cold import ----------------------------------------------------------------------------------------------------

const importColumns = [
  ...[right('KB'), right('on demand'), right('ms'), right('client'), right('ratio'), left('span')],
  left('budget'),
]

function importRows({ clientBytes, bundles }: ImportTimings): string[][] {
  return [
    ...bundles.map((bundle) => [
      ...[bundle.name, kilobytes(bundle.bytes), kilobytes(bundle.bytesAtNeed)],
      ...[bundle.ms.median.toFixed(1), bundle.clientMs.median.toFixed(1)],
      ...ratioCells(bundle.ratio),
      budgetCell(judgeImport(bundle)),
    ]),
    ['the DynamoDB client alone', kilobytes(clientBytes)],
  ]
}

function kilobytes(bytes: number): string {
  return (bytes / 1024).toFixed(0)
}

// --- budgets --------------------------------------------------------------------------------------------------------

function budgetCell(verdicts: readonly Verdict[]): string {
  if (verdicts.length === 0) return ''
  const limits = verdicts.map(({ what, atMost }) => `${what.includes(': ') ? unitOf(what) : ''}≤ ${atMost}`)
  return `${limits.join(', ')}  ${verdicts.every(({ holds }) => holds) ? '✔ holds' : '✖ broken'}`
}

/** The unit in a text such as `refresh: write units`, if it distinguishes several limits; else empty. */
function unitOf(what: string): string {
  const [, unit = ''] = what.split(': ')
  return /requests|units/.test(unit) ? `${unit} ` : ''
}

function conclusion(verdicts: readonly Verdict[]): string[] {
  const broken = verdicts.filter(({ holds }) => !holds)
  if (broken.length === 0) return [`✔ All ${verdicts.length} budgets hold.`]
  return [
    `✖ ${broken.length} of ${verdicts.length} budgets ${broken.length === 1 ? 'is' : 'are'} broken:`,
    ...broken.map(
      ({ what, figure, atMost }) => `✖ ${what}: ${Number(figure.toFixed(3))}, but at most ${atMost} allowed`,
    ),
  ]
}
