/** Formats rows as a table that fits the terminal. */

import stringWidth from 'string-width'
import { type Format, paint, plain, print, terminalWidth } from './terminal.ts'

export type Cell = string | { readonly text: string; readonly as: Format }
export type Column = {
  readonly title: string
  /** The column may be cut to this width if the terminal is too narrow. @default it is not cut */
  readonly minWidth?: number
  /** If cutting is not enough, columns are left out, the highest number first. @default it is never left out */
  readonly dropOrder?: number
}

const gap = 2
const letters = new Intl.Segmenter()

/**
 * A printer of rows, a page at a time. All pages have the widths of the first one.
 *
 * @param terminalWidth in columns
 */
export function createTable(
  columns: readonly Column[],
  terminalWidth: number,
): (rows: readonly (readonly Cell[])[]) => string[] {
  let widths: number[] | undefined
  return (rows) => {
    if (widths !== undefined) return rows.map((row) => line(row, widths!))
    const natural = columns.map(({ title }, at) =>
      Math.max(title.length, ...rows.map((row) => stringWidth(textOf(row[at] ?? '')))),
    )
    widths = fit(columns, natural, terminalWidth)
    const head = columns.map(({ title }) => ({ text: title, as: 'dim' as const }))
    return [head, ...rows].map((row) => line(row, widths!))
  }
}

export function printTable(columns: readonly Column[], rows: readonly (readonly Cell[])[]): void {
  print(createTable(columns, terminalWidth())(rows).join('\n'))
}

/** @returns the width of each column; 0 leaves it out */
function fit(columns: readonly Column[], natural: readonly number[], terminalWidth: number): number[] {
  const dropped = columns
    .map(({ dropOrder = 0 }, at) => ({ dropOrder, at }))
    .filter(({ dropOrder }) => dropOrder > 0)
    .sort((a, b) => b.dropOrder - a.dropOrder)
  for (let count = 0; ; count += 1) {
    const widths = natural.map((width, at) => (dropped.slice(0, count).some((each) => each.at === at) ? 0 : width))
    for (const [at, { minWidth = Number.POSITIVE_INFINITY }] of columns.entries()) {
      const excess = total(widths) - terminalWidth
      if (excess > 0 && widths[at]! > minWidth) widths[at] = Math.max(minWidth, widths[at]! - excess)
    }
    if (total(widths) <= terminalWidth || count === dropped.length) return widths
  }
}

function total(widths: readonly number[]): number {
  return widths.filter((width) => width > 0).reduce((sum, width) => sum + width + gap, -gap)
}

function line(cells: readonly Cell[], widths: readonly number[]): string {
  const shown = cells.flatMap((cell, at) => {
    const width = widths[at] ?? 0
    if (width === 0) return []
    const text = cut(textOf(cell), width)
    const padding = ' '.repeat(Math.max(0, width - stringWidth(text)))
    return [(typeof cell === 'string' ? text : paint(cell.as, text)) + padding]
  })
  return shown.join(' '.repeat(gap)).trimEnd()
}

function textOf(cell: Cell): string {
  return plain(typeof cell === 'string' ? cell : cell.text)
}

/** Cuts between letters as people see them (grapheme clusters), which may have several characters each. */
export function cut(text: string, width: number): string {
  if (stringWidth(text) <= width) return text
  let kept = ''
  for (const { segment } of letters.segment(text)) {
    if (stringWidth(kept + segment) > width - 1) break
    kept += segment
  }
  return `${kept}…`
}
