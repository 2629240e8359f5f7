/**
 * Rows of text as a table that fits the terminal.
 *
 * Owns widths: what is cut, and what is left out when there is no room. Must not know what the rows are about, nor ask
 * how wide the terminal is.
 */

import { type Format, paint, plain } from './terminal.ts'

export type Cell = string | { readonly text: string; readonly as: Format }
export type Column = {
  readonly title: string
  /** Where there is no room it is cut down to so many characters. @default it is not cut */
  readonly least?: number
  /** Where there is still no room, columns are left out, those with the highest number first. @default it stays */
  readonly dispensable?: number
}

const gap = 2
const segments = new Intl.Segmenter()
const wide =
  /\p{Emoji_Presentation}|[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]/u

/**
 * A printer of rows, a page at a time. The widths are those of the first page, so that columns stay where they are.
 *
 * @param width of the terminal
 */
export function createTable(
  columns: readonly Column[],
  width: number,
): (rows: readonly (readonly Cell[])[]) => string[] {
  let widths: number[] | undefined
  return (rows) => {
    const head: string[] = []
    if (widths === undefined) {
      widths = fit(columns, naturalWidths(columns, rows), width)
      head.push(
        line(
          columns.map(({ title }) => ({ text: title, as: 'dim' })),
          widths,
        ),
      )
    }
    const fixed = widths
    return [...head, ...rows.map((row) => line(row, fixed))]
  }
}

function naturalWidths(columns: readonly Column[], rows: readonly (readonly Cell[])[]): number[] {
  return columns.map(({ title }, at) => Math.max(title.length, ...rows.map((row) => widthOf(textOf(row[at] ?? '')))))
}

/** @returns the width of each column; 0 is left out */
function fit(columns: readonly Column[], natural: readonly number[], width: number): number[] {
  const widths = [...natural]
  const total = () => widths.reduce((sum, each) => sum + (each > 0 ? each + gap : 0), -gap)
  const shrink = () => {
    for (const [at, { least = Number.POSITIVE_INFINITY }] of columns.entries()) {
      const over = total() - width
      if (over > 0 && widths[at]! > least) widths[at] = Math.max(least, widths[at]! - over)
    }
  }
  shrink()
  const order = columns
    .map(({ dispensable = 0 }, at) => ({ dispensable, at }))
    .filter(({ dispensable }) => dispensable > 0)
  for (const { at } of order.sort((a, b) => b.dispensable - a.dispensable)) {
    if (total() <= width) break
    for (const [other, whole] of natural.entries()) if (widths[other]! > 0) widths[other] = whole
    widths[at] = 0
    shrink()
  }
  return widths
}

function line(cells: readonly Cell[], widths: readonly number[]): string {
  const shown = cells.flatMap((cell, at) => {
    const width = widths[at] ?? 0
    if (width === 0) return []
    const text = cut(textOf(cell), width)
    const padding = ' '.repeat(Math.max(0, width - widthOf(text)))
    return [(typeof cell === 'string' ? text : paint(cell.as, text)) + padding]
  })
  return shown.join(' '.repeat(gap)).trimEnd()
}

function textOf(cell: Cell): string {
  return plain(typeof cell === 'string' ? cell : cell.text)
}

/** How many columns of a terminal a text takes. */
export function widthOf(text: string): number {
  let width = 0
  for (const { segment } of segments.segment(text)) width += wide.test(segment) ? 2 : 1
  return width
}

export function cut(text: string, width: number): string {
  if (widthOf(text) <= width) return text
  let kept = ''
  let taken = 0
  for (const { segment } of segments.segment(text)) {
    taken += widthOf(segment)
    if (taken > width - 1) break
    kept += segment
  }
  return `${kept}…`
}
