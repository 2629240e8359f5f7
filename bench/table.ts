/** Align texts left and figures right. */
export type Column = { readonly title: string; readonly align: 'left' | 'right' }

const gap = '   '

/** @returns the lines of the table, the titles first */
export function tableLines(columns: readonly Column[], rows: readonly (readonly string[])[]): string[] {
  const titles = columns.map(({ title }) => title)
  const widths = columns.map((_, at) => Math.max(...[titles, ...rows].map((cells) => cells[at]?.length ?? 0)))
  const line = (cells: readonly string[]) =>
    columns
      .map(({ align }, at) => {
        const cell = cells[at] ?? ''
        return align === 'left' ? cell.padEnd(widths[at]!) : cell.padStart(widths[at]!)
      })
      .join(gap)
      .trimEnd()
  return [titles, ...rows].map(line)
}

export function left(title: string): Column {
  return { title, align: 'left' }
}

export function right(title: string): Column {
  return { title, align: 'right' }
}
