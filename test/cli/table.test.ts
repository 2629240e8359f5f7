/** Tables: what is cut and what is left out, and that no text of others takes over the terminal. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { stripVTControlCharacters } from 'node:util'
import stringWidth from 'string-width'
import { relative } from '../../cli/relative-time.ts'
import { createTable, cut } from '../../cli/table.ts'
import { plain } from '../../cli/terminal.ts'

const columns = [
  { title: 'ID' },
  { title: 'NAME', minWidth: 5 },
  { title: 'MORE', dropOrder: 1 },
  { title: 'MOST', dropOrder: 2 },
]
const rows = [
  ['1', 'Anne', 'x', 'yyyyyyyy'],
  ['22', 'Maximiliana', 'xx', 'y'],
]
const lines = (width: number) => createTable(columns, width)(rows).map(stripVTControlCharacters)

describe('a table', () => {
  test('a table is as wide as its content', () => {
    assert.deepEqual(lines(80), [
      'ID  NAME         MORE  MOST',
      '1   Anne         x     yyyyyyyy',
      '22  Maximiliana  xx    y',
    ])
  })
  test('a table cuts columns with a minimum width if the terminal is too narrow', () => {
    assert.deepEqual(lines(28), ['ID  NAME      MORE  MOST', '1   Anne      x     yyyyyyyy', '22  Maximil…  xx    y'])
  })
  test('a table then drops columns in their order, and gives their space to the others', () => {
    assert.deepEqual(lines(21), ['ID  NAME         MORE', '1   Anne         x', '22  Maximiliana  xx'])
    assert.deepEqual(lines(11), ['ID  NAME', '1   Anne', '22  Maximi…'])
  })
  test('a table is never wider than the terminal if it can be cut to fit', () => {
    for (let width = 9; width < 60; width += 1)
      assert.ok(
        lines(width).every((line) => stringWidth(line) <= width),
        `${width}`,
      )
  })
  test('a table keeps the widths of its first page, and prints its head once', () => {
    const table = createTable(columns, 80)
    table(rows)
    assert.deepEqual(table([['3', 'An even longer name', '', '']]), ['3   An even lo…'])
  })
})

describe('text of others', () => {
  test('text from outside moves no cursor, changes no colour and reverses no line', () => {
    assert.equal(plain('\u001b[31mred\u001b[0m \u0007\r\nnext\u202eback'), 'red \ufffd\ufffd\ufffdnext\ufffdback')
    assert.equal(plain('two\nlines', true), 'two\nlines')
  })
  test('text is cut between letters, and wide letters count twice', () => {
    assert.equal(stringWidth('日本語'), 6)
    assert.equal(cut('日本語', 5), '日本…')
    assert.equal(cut('👩‍👩‍👧‍👦 family', 4), '👩‍👩‍👧‍👦 …')
  })
})

test('times are shown in the largest unit that counts at least two', () => {
  const now = Date.parse('2026-11-22T12:00:00Z')
  const told = (offsetSeconds: number) => relative(new Date(now + offsetSeconds * 1000).toISOString(), now)
  assert.deepEqual([0, -1, -90, -150, -3_600, -7_200, -86_400, -172_800, 30, 2_592_000].map(told), [
    'now',
    '1 s ago',
    '90 s ago',
    '2 min ago',
    '60 min ago',
    '2 h ago',
    '24 h ago',
    '2 d ago',
    'in 30 s',
    'in 30 d',
  ])
  assert.equal(relative('never', now), 'never')
})
