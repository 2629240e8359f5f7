/**
 * The charts of docs/scale.md.
 */

import { type Cost, type Growth, refreshEverySeconds } from './growth.ts'
import { maxUnitsPerSecond, type Shares } from './heat.ts'
import { assumed, coldMs, type Latency, warmMs, withKeyringMs, withRegistrationsMs } from './latency.ts'
import { limits } from './limits.ts'
import { type Axis, type Colour, type Line, lineChartOf, type Note, type Tick, type Words } from './line-chart.ts'

/** @returns SVGs by the names of their files */
export function chartsOf({ costs, costsByRate, latencies, shares, hot }: Growth): Readonly<Record<string, string>> {
  return {
    'scale-cost-by-sessions.svg': costBySessions(costs),
    'scale-cost-by-rate.svg': costByRate(costsByRate),
    'scale-latency.svg': latencyByRate(latencies),
    'scale-shares.svg': sharesBySessions(shares),
    'scale-heat.svg': heatByRate(hot),
  }
}

const sessionAxis: Axis = {
  from: 1,
  to: 1e6,
  ticks: [
    { at: 1, text: { wide: '1 session', narrow: '1' } },
    { at: 10, text: '10' },
    { at: 100, text: '100' },
    { at: 1e3, text: { wide: '1 thousand', narrow: '1,000' } },
    { at: 1e4, text: { wide: '10 thousand', narrow: '' } },
    { at: 1e5, text: { wide: '100 thousand', narrow: '' } },
    { at: 1e6, text: '1 million' },
  ],
}

const rateAxis: Axis = {
  from: 1,
  to: 1e4,
  ticks: [
    { at: 1, text: '1 a second' },
    { at: 10, text: '10' },
    { at: 100, text: '100' },
    { at: 1e3, text: { wide: '1 thousand', narrow: '1,000' } },
    { at: 1e4, text: { wide: '10 thousand', narrow: '10,000' } },
  ],
}

// --- cost -----------------------------------------------------------------------------------------------------------

function costBySessions(costs: readonly Cost[]): string {
  const last = costs.at(-1)!
  const line = (colour: Colour, of: (cost: Cost) => number, words: string, narrow = words): Line => ({
    colour,
    points: costs.map((cost) => [cost.sessions, of(cost)] as const),
    label: [{ wide: `${words} ${dollars(of(last))}`, narrow: `${narrow} ${dollars(of(last))}` }],
  })
  const { gateway, table, functions, logs } = last.parts
  const parts = `API Gateway and WAF ${dollars(gateway)}, DynamoDB ${dollars(table)}, logs and transfer ${dollars(logs)}, Lambda ${dollars(functions)}, and ${dollars(last.stack)} for a stack that nobody calls`
  return lineChartOf({
    title: 'Dollars a month, by the number of sessions',
    hint: {
      wide: 'Each session refreshes once an hour. Calculated with AWS’s list prices',
      narrow: 'Each session refreshes once an hour. Calculated',
    },
    description: `A million sessions cost ${dollars(last.total)} a month: ${parts}. A thousand cost ${dollars(totalAt(costs, ({ sessions }) => sessions, 1e3))}.`,
    x: sessionAxis,
    y: { from: 1, to: 1e4, ticks: dollarTicks(1, 1e4) },
    lines: [
      line('dim', ({ stack }) => stack, 'unused stack', 'unused'),
      line('green', ({ parts: { functions } }) => functions, 'Lambda'),
      line('violet', ({ parts: { logs } }) => logs, 'logs, transfer', 'logs'),
      line('blue', ({ parts: { table } }) => table, 'DynamoDB'),
      line('orange', ({ parts: { gateway } }) => gateway, 'gateway, WAF', 'gateway'),
      { ...line('text', ({ total }) => total, 'together', 'all'), isBold: true },
    ],
    room: { wide: 186, narrow: 110 },
  })
}

function costByRate(costs: readonly Cost[]): string {
  const costOf = (perSecond: number) => totalAt(costs, (cost) => cost.perSecond, perSecond)
  const limit = (perSecond: number, what: string, why: string, side: Note['side']): Note => ({
    at: [perSecond, costOf(perSecond)],
    colour: 'red',
    side,
    words: [`${thousands(perSecond)}: ${what}`, { wide: why, narrow: '' }],
    below: side === 'left' ? { wide: -15, narrow: -8 } : { wide: 17, narrow: 9 },
  })
  const limitWords = `10 a second for one address; ${limits.newAccount} if Lambda may run 10 functions at once; ${limits.route} for a route; ${thousands(limits.newTable)} for a new table; ${thousands(limits.gateway)} for API Gateway and for 1,000 functions at once`
  return lineChartOf({
    title: {
      wide: 'Dollars a month, by refreshes a second, and what binds first',
      narrow: 'Dollars a month, by refreshes a second',
    },
    hint: {
      wide: 'Red: the limits of a stack and an account as they are at first; all can be raised. Calculated',
      narrow: 'Red: the first limits; all can be raised. Calculated',
    },
    description: `${[1, 10, 100, 1_000, 10_000].map((rate) => `${thousands(rate)} a second: ${dollars(costOf(rate))}`).join('; ')}. Limits: ${limitWords}.`,
    x: rateAxis,
    y: { from: 10, to: 2e5, ticks: dollarTicks(10, 1e5) },
    lines: [{ points: costs.map(({ perSecond, total }) => [perSecond, total]), colour: 'text', isBold: true }],
    notes: [
      limit(limits.address, 'one address', 'WAF; clients behind one NAT share it', 'right'),
      limit(limits.newAccount, 'a new account', 'Lambda, if only 10 functions may run at once', 'right'),
      limit(limits.route, 'a route', 'the stack’s own throttling', 'right'),
      limit(limits.newTable, 'a new table', 'DynamoDB, until it splits', 'left'),
      limit(limits.gateway, 'the account', 'API Gateway, and Lambda with 1,000 at once', 'left'),
    ],
    room: { wide: 56, narrow: 26 },
  })
}

/** Interpolates the total between two points of the line. */
function totalAt(costs: readonly Cost[], of: (cost: Cost) => number, value: number): number {
  const after = Math.max(
    1,
    costs.findIndex((cost) => of(cost) >= value * 0.999),
  )
  const [one, other] = [costs[after - 1]!, costs[after]!]
  const share = Math.log(value / of(one)) / Math.log(of(other) / of(one))
  return one.total * (other.total / one.total) ** share
}

// --- latency --------------------------------------------------------------------------------------------------------

function latencyByRate(latencies: readonly Latency[]): string {
  const points = (of: (latency: Latency) => number) =>
    latencies.map((latency) => [latency.perSecond, of(latency)] as const)
  const plain = (at: readonly [number, number], words: Note['words'], below = { wide: 0, narrow: 0 }): Note => ({
    at,
    words,
    below,
    colour: 'dim',
    side: 'right',
    hasDot: false,
  })
  const tick = (at: number, words: Words, below: Words): Tick => ({ at, text: words, below })
  return lineChartOf({
    title: { wide: 'Milliseconds that a function takes for a refresh', narrow: 'Milliseconds for a refresh' },
    hint: {
      wide: `CPU time by the bench, DynamoDB ${assumed.dynamodbMs} ms away, in a model of Lambda. API Gateway and the network are left out`,
      narrow: 'In the function alone. Bench and model of Lambda',
    },
    description: `With one refresh an hour most meet no warm function and take ${coldMs.toFixed(0)} ms. From one a minute on, half take at most ${withRegistrationsMs.toFixed(0)} ms, from one a second on ${warmMs.toFixed(0)} ms, and from a hundred a second on also 99 of 100.`,
    x: {
      from: 1 / refreshEverySeconds,
      to: 1e4,
      ticks: [
        tick(1 / 3600, { wide: 'one an hour', narrow: '1 an hour' }, '1 session'),
        tick(1 / 60, { wide: 'one a minute', narrow: '' }, { wide: '60', narrow: '' }),
        tick(1, '1 a second', '3,600'),
        tick(100, '100', { wide: '360 thousand', narrow: '' }),
        tick(1e4, { wide: '10 thousand', narrow: '10,000' }, { wide: '36 million sessions', narrow: '36 million' }),
      ],
    },
    y: { from: 8, to: 600, ticks: [10, 20, 50, 100, 200, 500].map((at) => ({ at, text: `${at} ms` })) },
    lines: [
      { points: points(({ slow }) => slow), colour: 'orange' },
      { points: points(({ half }) => half), colour: 'text', isBold: true },
    ],
    notes: [
      { ...plain([0.012, withKeyringMs], ['99 of 100'], { wide: -13, narrow: -8 }), colour: 'orange' },
      {
        ...plain([0.0045, withRegistrationsMs], [{ wide: 'half of them', narrow: 'half' }], { wide: 15, narrow: 9 }),
        colour: 'text',
      },
      plain([0.01, coldMs], ['', { wide: 'no function is warm', narrow: 'none is warm' }]),
      plain(
        [0.25, withKeyringMs],
        ['', { wide: 'it reads keyring and registrations again', narrow: 'reads the keyring again' }],
      ),
      plain([50, withRegistrationsMs], ['', { wide: 'it reads the registrations again', narrow: '' }]),
      plain([50, warmMs], ['', { wide: 'it has all that it needs: one write', narrow: 'one write' }], {
        wide: 15,
        narrow: 9,
      }),
    ],
    room: { wide: 90, narrow: 34 },
  })
}

// --- heat -----------------------------------------------------------------------------------------------------------

function sharesBySessions(shares: readonly Shares[]): string {
  const last = shares.at(-1)!
  const line = (colour: Colour, of: (share: Shares) => number, where: string, what: string): Line => ({
    colour,
    points: shares.map((share) => [share.sessions, of(share)] as const),
    label: [{ wide: `${where}: ${what}`, narrow: where }],
  })
  return lineChartOf({
    title: { wide: 'Share of the writes that the hottest key or partition takes', narrow: 'Share of the hottest key' },
    hint: {
      wide: 'Of all writes to the table, or to one of its indexes. Simulated',
      narrow: 'Of the writes to the table or an index. Simulated',
    },
    description: `With a million sessions: all writes to revocations-due, ${percent(last.client)} of those to by-client, ${percent(last.partition)} of those to a table of four partitions, ${percent(last.subject)} of those to by-subject, ${percent(last.email)} of those to by-email, and one in a million at a session's own item.`,
    x: sessionAxis,
    y: { from: 1e-6, to: 1, ticks: [1, 0.1, 0.01, 1e-3, 1e-4, 1e-5, 1e-6].map((at) => ({ at, text: percent(at) })) },
    lines: [
      line('green', ({ sessions }) => 1 / sessions, 'table', 'one session'),
      line('blue', ({ email }) => email, 'by-email', 'one person'),
      line('violet', ({ subject }) => subject, 'by-subject', 'one service'),
      line('text', ({ partition }) => partition, 'table', '1 of 4 partitions'),
      line('orange', ({ client }) => client, 'by-client', 'the largest'),
      line('red', () => 1, 'revocations-due', 'all'),
    ],
    room: { wide: 192, narrow: 112 },
  })
}

function heatByRate({ refreshes, begun, ended }: Growth['hot']): string {
  const line = (meetsAt: number, colour: Colour, label: Line['label']): Line => ({
    colour,
    label: label!,
    points: [
      [1, maxUnitsPerSecond / meetsAt],
      [1e4, (maxUnitsPerSecond / meetsAt) * 1e4],
    ],
  })
  const rough = (rate: number) => thousands(Number(rate.toPrecision(2)))
  const dot = (rate: number, colour: Colour, side: Note['side']): Note => ({
    at: [rate, maxUnitsPerSecond],
    colour,
    words: [{ wide: rough(rate), narrow: '' }],
    side,
    below: side === 'left' ? { wide: -13, narrow: 0 } : { wide: 13, narrow: 0 },
  })
  return lineChartOf({
    title: {
      wide: 'Write units a second at the hottest key or partition',
      narrow: 'Units a second at the hottest key',
    },
    hint: {
      wide: 'By refreshes, sessions begun or sessions ended a second, with a million sessions. Calculated from the shares',
      narrow: 'By what happens a second. Calculated',
    },
    description: `DynamoDB writes 1,000 units a second to a key or partition. ${thousands(ended)} sessions ended a second reach it in revocations-due, ${thousands(begun.onlyClient)} begun in by-client if all are of one client, ${thousands(begun.client)} if the largest client has half of them, ${thousands(refreshes)} refreshes in a new table of four partitions, and ${thousands(begun.subject)} begun in by-subject.`,
    x: rateAxis,
    y: { from: 1, to: 3e4, ticks: [1, 10, 100, 1000, 1e4].map((at) => ({ at, text: thousands(at) })) },
    lines: [
      {
        points: [
          [1, maxUnitsPerSecond],
          [1e4, maxUnitsPerSecond],
        ],
        colour: 'dim',
        isDashed: true,
      },
      line(begun.subject, 'violet', [
        { wide: 'begun', narrow: 'begun, one service' },
        { wide: 'by-subject, one service', narrow: '' },
      ]),
      line(refreshes, 'text', [
        { wide: 'refreshes', narrow: `refreshes: ${rough(refreshes)}` },
        { wide: 'table, 1 of 4 partitions', narrow: '' },
      ]),
      line(begun.client, 'orange', [
        { wide: 'begun', narrow: `begun: ${rough(begun.client)}` },
        { wide: 'by-client, the largest', narrow: '' },
      ]),
      line(ended, 'red', [
        { wide: 'ended', narrow: `ended: ${rough(ended)}` },
        { wide: 'revocations-due', narrow: '' },
      ]),
    ],
    notes: [
      dot(refreshes, 'text', 'right'),
      dot(begun.client, 'orange', 'left'),
      dot(ended, 'red', 'left'),
      {
        ...{
          at: [1, maxUnitsPerSecond],
          hasDot: false,
          colour: 'dim',
          side: 'right',
          below: { wide: -12, narrow: -8 },
        },
        words: ['DynamoDB’s limit'],
      },
    ],
    room: { wide: 192, narrow: 124 },
  })
}

// --- words ----------------------------------------------------------------------------------------------------------

function dollarTicks(from: number, to: number): Tick[] {
  return [1, 10, 100, 1e3, 1e4, 1e5].filter((at) => at >= from && at <= to).map((at) => ({ at, text: dollars(at) }))
}

/** Rounds to dollars and three significant digits. */
function dollars(amount: number): string {
  return `$${thousands(Math.round(amount))}`
}

function thousands(number: number): string {
  return Number(number.toPrecision(3)).toLocaleString('en')
}

function percent(share: number): string {
  return `${Number((100 * share).toPrecision(2))} %`
}
