/**
 * `npm run simulate`: computes the size and cost of a million sessions, how cost, latency and heat grow, and how long it
 * takes to end all sessions of one person.
 *
 * The broker's own transitions compute the million sessions. The sweep runs on the embedded DynamoDB, with fewer sessions.
 * docs/scale.md has the conclusions.
 */

import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { startDynamodb } from '../local/dynamodb.ts'
import { setEnvironment } from '../local/environment.ts'
import { createTableIfMissing } from '../shared/store/table.ts'
import { showProgress } from './progress.ts'
import { chartsOf } from './simulation/charts.ts'
import { type Cost, type Growth, growthOf, growthParts, type SessionSize } from './simulation/growth.ts'
import { heatOf } from './simulation/heat.ts'
import type { Latency } from './simulation/latency.ts'
import { type Life, lifeOf } from './simulation/life.ts'
import { drawSession } from './simulation/population.ts'
import { type Bill, billOfRefreshes, billOfStack, billOfStorage, totalOf } from './simulation/prices.ts'
import { type Chance, chanceFrom } from './simulation/random.ts'
import { batchesOf, runSweep, type Swept } from './simulation/sweep.ts'
import { left, right, tableLines } from './table.ts'

const usage = `npm run simulate -- [--sessions N] [--sweep N] [--seed N] [--charts FOLDER]

  --sessions N      how many sessions to compute; 1000000 by default
  --sweep N         how many sessions of one person to end in a real table; 20000 by default, 0 for none
  --seed N          seed of the random sessions; 1 by default
  --charts FOLDER   draw the charts of docs/scale.md (SVG) into this folder
`

const tableName = 'token-broker-simulation'
const partitions = 1_000
const million = 1_000_000
/** DynamoDB charges storage for this many extra bytes per item and per index entry. */
const overheadBytes = 100
const progress = showProgress()

const { sessions, sweep, seed, charts, help } = readOptions()
if (help) process.stdout.write(usage)
else await simulate()

function readOptions() {
  const text = { type: 'string' } as const
  const { values } = parseArgs({
    options: { sessions: text, sweep: text, seed: text, charts: text, help: { type: 'boolean' } },
  })
  return {
    sessions: Number(values.sessions ?? 1_000_000),
    sweep: Number(values.sweep ?? 20_000),
    seed: Number(values.seed ?? 1),
    charts: values.charts,
    help: values.help ?? false,
  }
}

async function simulate(): Promise<void> {
  const chance = chanceFrom(seed)
  const lives = computeLives(chance)
  progress.part('spreading keys', 1)
  const heat = heatOf(
    Array.from({ length: sessions }, (_, index) => `family#${index}#${seed}`),
    partitions,
  )
  const size = sizeOf(lives)
  progress.part('growing', growthParts)
  const growth = growthOf(size, seed, progress.step)
  const swept = sweep > 0 ? await sweepTable(chance) : undefined
  progress.end()
  if (charts !== undefined) {
    for (const [name, svg] of Object.entries(chartsOf(growth))) await writeFile(join(charts, name), svg)
  }
  process.stdout.write(
    [
      ...sizeSection(lives),
      ...unitSection(lives),
      ...billSection(lives),
      ...growthSection(growth),
      `Keys over ${partitions} partitions: the fullest has ${heat.fullest.toFixed(2)} times the average.`,
      ...(swept === undefined ? [] : ['', ...sweepSection(swept)]),
      '',
    ].join('\n'),
  )
}

function computeLives(chance: Chance): Life[] {
  const step = Math.max(1, Math.floor(sessions / 100))
  progress.part(`computing ${sessions} sessions`, 100)
  return Array.from({ length: sessions }, (_, index) => {
    if (index % step === 0) progress.step()
    return lifeOf(drawSession(chance))
  })
}

async function sweepTable(chance: Chance): Promise<Swept> {
  const folder = await mkdtemp(join(tmpdir(), 'token-broker-simulation-'))
  const database = await startDynamodb({ removeAtEnd: folder, log: console.error })
  try {
    setEnvironment({
      AWS_ENDPOINT_URL_DYNAMODB: database.endpoint,
      AWS_REGION: 'us-east-1',
      AWS_ACCESS_KEY_ID: 'local',
      AWS_SECRET_ACCESS_KEY: 'local',
    })
    await createTableIfMissing(tableName)
    progress.part(`ending ${sweep} sessions`, batchesOf(sweep))
    return await runSweep(tableName, sweep, chance, progress.step)
  } finally {
    await database.stop()
  }
}

// --- results --------------------------------------------------------------------------------------------------------

type Measure = (life: Life) => number

function sizeSection(lives: readonly Life[]): string[] {
  const row = (what: string, of: Measure) => {
    const sorted = Float64Array.from(lives, of).sort()
    const at = (share: number) => String(sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))])
    const over = sorted.reduce((count, bytes) => count + (bytes > 1024 ? 1 : 0), 0) / sorted.length
    return [what, at(0.5), at(0.95), at(0.999), at(1), `${(100 * over).toFixed(over > 0 && over < 0.001 ? 4 : 1)} %`]
  }
  const columns = [left('Bytes'), ...['half', '95 %', '99.9 %', 'all', 'over 1 KB'].map(right)]
  return tableLines(columns, [
    row('family, between two refreshes', ({ activeBytes }) => activeBytes),
    row('family, ended by ops', ({ endedBytes }) => endedBytes),
    row('its entries in three indexes', ({ indexBytes }) => indexBytes),
    row("vault with the provider's tokens", ({ vaultBytes }) => vaultBytes),
  ]).concat('')
}

function unitSection(lives: readonly Life[]): string[] {
  const row = (what: string, of: Measure, among = lives) => [what, mean(among, of).toFixed(4)]
  const flow = (name: Life['flow']) => lives.filter((life) => life.flow === name)
  return tableLines(
    [left('Write units, on average'), right('')],
    [
      row('a session begins, by code', ({ startUnits }) => startUnits, flow('code')),
      row('a session begins, by device, with one pending poll', ({ startUnits }) => startUnits, flow('device')),
      row('a refresh', ({ refreshUnits }) => refreshUnits),
      row('ops end it', ({ endUnits }) => endUnits),
      row("the provider's token is refreshed", ({ freshUnits }) => freshUnits),
    ],
  ).concat('')
}

function billSection(lives: readonly Life[]): string[] {
  const units = mean(lives, ({ refreshUnits }) => refreshUnits)
  const vaultReads = mean(lives, ({ vaultReadUnits }) => vaultReadUnits)
  const size = sizeOf(lives)
  const storage = (count: number) => billOfStorage(count * size.table, count * size.indexes)
  const active = (perMonth: number) => totalOf(billOfRefreshes(10_000 * perMonth, units, 0)) + totalOf(storage(10_000))
  return [
    ...billLines('A million refreshes', billOfRefreshes(million, units, 0)),
    ...billLines('A million refreshes with the provider’s token, fresh', billOfRefreshes(million, units, vaultReads)),
    ...billLines('A million sessions, kept for a month', storage(million)),
    ...billLines('A stack that nobody calls, for a month', billOfStack()),
    ...tableLines(
      [left('10,000 active sessions for a month'), right('refreshes each'), right('US dollars')],
      [
        ['a job that runs every day', '30', active(30).toFixed(2)],
        ['a job that runs every hour', '720', active(720).toFixed(2)],
        ['a person at work, every 5 minutes', '2112', active(2_112).toFixed(2)],
        ['a service, every 5 minutes', '8640', active(8_640).toFixed(2)],
      ],
    ),
    '',
  ]
}

function sizeOf(lives: readonly Life[]): SessionSize {
  return {
    table: (mean(lives, ({ activeBytes }) => activeBytes) + overheadBytes) / 1e9,
    indexes: (mean(lives, ({ indexBytes }) => indexBytes) + 3 * overheadBytes) / 1e9,
  }
}

function growthSection({ costs, costsByRate, latencies, shares, hot }: Growth): string[] {
  const decades = <Row>(rows: readonly Row[]) => rows.filter((_, at) => at % 10 === 0)
  const costRow = ({ sessions: count, perSecond, parts, stack, total }: Cost) => [
    ...[count.toFixed(0), String(Number(perSecond.toPrecision(2)))],
    ...[...Object.values(parts), stack, total].map((dollars) => dollars.toFixed(dollars < 10 ? 2 : 0)),
  ]
  const isChange = ({ half, slow }: Latency, at: number, all: readonly Latency[]) =>
    half !== all[at - 1]?.half || slow !== all[at - 1]?.slow
  const percent = (share: number) => `${Number((100 * share).toPrecision(3))} %`
  return [
    ...tableLines(
      [
        ...[right('Sessions'), right('refreshes a second'), right('gateway, WAF'), right('DynamoDB'), right('Lambda')],
        ...[right('logs, transfer'), right('unused stack'), right('US dollars a month')],
      ],
      [...decades(costs), ...decades(costsByRate)].map(costRow),
    ),
    '',
    ...tableLines(
      [right('Refreshes a second, at least'), right('median, ms'), right('99th percentile, ms'), right('cold starts')],
      latencies
        .filter(isChange)
        .map(({ perSecond, half, slow, coldShare }) => [
          ...[String(Number(perSecond.toPrecision(2))), half.toFixed(1), slow.toFixed(1), percent(coldShare)],
        ]),
    ),
    '',
    ...tableLines(
      [
        ...[right('Sessions'), right('fullest of 4 partitions'), right('largest client'), right('busiest subject')],
        right('busiest address'),
      ],
      decades(shares).map(({ sessions: count, partition, client, subject, email }) => [
        ...[String(count), percent(partition), percent(client), percent(subject), percent(email)],
      ]),
    ),
    '',
    'The hottest key or partition reaches the limit of DynamoDB with, per second:',
    `${hot.refreshes.toFixed(0)} refreshes in a new table;`,
    `${hot.begun.client.toFixed(0)} new sessions in by-client, or ${hot.begun.onlyClient} if all are of one client;`,
    `${hot.begun.subject.toFixed(0)} new sessions in by-subject; ${hot.ended} ended sessions in revocations-due.`,
    '',
  ]
}

function billLines(title: string, bill: Bill): string[] {
  const rows = [...bill, ['total', totalOf(bill)] as const].map(([what, dollars]) => [what, dollars.toFixed(3)])
  return tableLines([left(title), right('US dollars')], rows).concat('')
}

function sweepSection({ sessions: count, calls, seconds, requests, ended }: Swept): string[] {
  const asked = Object.entries(requests).map(([operation, times]) => `${times} ${operation}`)
  return [
    `One person's ${count} sessions, ended one by one: ${ended} in ${seconds.toFixed(1)} s, ${calls} calls of ops,`,
    `${asked.join(', ')}.`,
  ]
}

function mean(lives: readonly Life[], of: Measure): number {
  return lives.reduce((sum, life) => sum + of(life), 0) / lives.length
}
