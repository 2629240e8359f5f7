/**
 * From measurements to verdicts: the middle and the spread, the columns, the budgets and the options of the bench.
 */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { judgeCost, judgeCrowd, judgeImport, judgeTiming } from '../../bench/budgets.ts'
import { planOf, readOptions } from '../../bench/options.ts'
import { spreadOf } from '../../bench/statistics.ts'
import { left, right, tableLines } from '../../bench/table.ts'

describe('the spread of many measurements', () => {
  test('is their middle, and the span that half of them lie in, whatever their order', () => {
    assert.deepEqual(spreadOf([5, 1, 4, 2, 3]), { low: 2, median: 3, high: 4 })
  })
  test('lies between two of them where none is the middle', () => {
    assert.deepEqual(spreadOf([1, 2]), { low: 1.25, median: 1.5, high: 1.75 })
  })
  test('is not moved by one that is far out', () => {
    assert.equal(spreadOf([1, 1, 1, 1, 1000]).median, 1)
  })
  test('does not exist of nothing', () => {
    assert.throws(() => spreadOf([]), /no values/)
  })
})

test('a table lines texts up to the left and figures to the right', () => {
  assert.deepEqual(tableLines([left('what'), right('ms')], [['a poll', '12.5'], ['it', '3'], ['bare']]), [
    'what       ms',
    'a poll   12.5',
    'it          3',
    'bare',
  ])
})

describe('a budget', () => {
  const spread = (median: number) => ({ low: 0, median, high: 9 })
  const timing = { ms: spread(1), floorMs: spread(1), perSecond: 1, floorPerSecond: 1 }
  const cost = { writeUnits: 1, readUnits: 0, itemBytes: 600 }

  test('holds at its very limit, and not beyond', () => {
    const holds = (ratio: number) => judgeTiming({ ...timing, name: 'refresh', ratio: spread(ratio) })[0]?.holds
    assert.deepEqual([holds(1.25), holds(1.2501)], [true, false])
  })
  test('of time is set for the refresh alone', () => {
    assert.deepEqual(judgeTiming({ ...timing, name: 'code exchange', ratio: spread(9) }), [])
  })
  test('of cold imports is set for the refresh alone', () => {
    const bundle = { bytes: 1, bytesAtNeed: 0, ms: spread(1), clientMs: spread(1), ratio: spread(1.2) }
    assert.deepEqual(
      [
        judgeImport({ ...bundle, name: 'refresh' }).map(({ holds }) => holds),
        judgeImport({ ...bundle, name: 'token' }),
      ],
      [[false], []],
    )
  })
  test('counts every request to DynamoDB, of whatever kind', () => {
    const refresh = { ...cost, name: 'refresh', requests: { UpdateItem: 1, GetItem: 1 }, readUnits: 0.5 } as const
    assert.deepEqual(
      judgeCost(refresh).map(({ what, figure, holds }) => [what, figure, holds]),
      [
        ['refresh: requests', 2, false],
        ['refresh: write units', 1, true],
        ['refresh: read units', 0.5, false],
      ],
    )
  })
  test('of units is set for what happens all day', () => {
    const exchange = { ...cost, name: 'token exchange', requests: { Query: 1 }, writeUnits: 0, readUnits: 1 } as const
    assert.deepEqual(
      [judgeCost(exchange), judgeCost({ ...exchange, writeUnits: 1 }), judgeCost({ ...exchange, name: 'revoke' })].map(
        (verdicts) => verdicts.map(({ holds }) => holds),
      ),
      [[true, true, true], [true, false, true], [true]],
    )
  })
  test('lets a crowd of workers cost the provider one request', () => {
    const crowd = { workers: 50, brokers: 2, ms: 9 }
    const holds = (providerRequests: number) => judgeCrowd({ ...crowd, providerRequests })[0]?.holds
    assert.deepEqual([holds(1), holds(2)], [true, false])
  })
  test('lets an approved poll make two', () => {
    const twice = { ...cost, requests: { UpdateItem: 2 } }
    assert.deepEqual(
      [...judgeCost({ ...twice, name: 'approved poll' }), ...judgeCost({ ...twice, name: 'revoke' })].map(
        ({ holds }) => holds,
      ),
      [true, false],
    )
  })
})

describe('the options', () => {
  const plain = { isPeers: false, chart: undefined, isQuick: false, isCheck: false, json: undefined }
  const read: readonly (readonly [words: string[], options: ReturnType<typeof readOptions>])[] = [
    [[], plain],
    [['--quick', '--check'], { ...plain, isQuick: true, isCheck: true }],
    [['--json'], { ...plain, json: 'stdout' }],
    [['--json', '--quick'], { ...plain, isQuick: true, json: 'stdout' }],
    [['--json', 'figures.json'], { ...plain, json: { file: 'figures.json' } }],
    [['--peers', '--chart', 'peers.svg'], { ...plain, isPeers: true, chart: 'peers.svg' }],
    [['--peers', '--chart'], { mistake: 'Name a file after --chart.' }],
    [['--chart', 'peers.svg'], { mistake: '--chart needs --peers.' }],
    [['--fast'], { mistake: 'Unknown option: --fast' }],
    [['figures.json'], { mistake: 'Unknown option: figures.json' }],
  ]
  for (const [words, options] of read) {
    test(words.join(' ') || 'none', () => assert.deepEqual(readOptions(words), options))
  }

  test('a quick run starts the servers once', () => {
    assert.deepEqual(
      [planOf({ ...plain, isQuick: true }), planOf(plain)].map(({ timing }) => timing.starts),
      [1, 3],
    )
  })
})
