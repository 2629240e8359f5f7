/**
 * Draws a line chart with logarithmic axes and two layouts: one for wide screens and one for phones. Each line has its
 * label at its end, so there is no legend.
 */

import { escaped, pictureOf } from '../drawing.ts'

/** A text for both layouts, or one text for each. */
export type Words = string | { readonly wide: string; readonly narrow: string }
export type Colour = 'text' | 'dim' | 'green' | 'blue' | 'orange' | 'violet' | 'red'
type Point = readonly [x: number, y: number]

export type Tick = {
  readonly at: number
  readonly text: Words
  /** A second line. */
  readonly below?: Words
}

export type Axis = { readonly from: number; readonly to: number; readonly ticks: readonly Tick[] }

export type Line = {
  readonly points: readonly Point[]
  readonly colour: Colour
  readonly isBold?: boolean
  readonly isDashed?: boolean
  /** The label at the right end of the line. */
  readonly label?: readonly Words[]
}

/** A dot with words beside it. */
export type Note = {
  readonly at: Point
  readonly words: readonly Words[]
  readonly colour: Colour
  readonly side: 'left' | 'right'
  /** The offset of the words from the dot, in pixels downwards. */
  readonly below: Record<Size, number>
  readonly hasDot?: boolean
}

export type LineChart = {
  readonly title: Words
  readonly hint: Words
  readonly description: string
  readonly x: Axis
  readonly y: Axis
  readonly lines: readonly Line[]
  readonly notes?: readonly Note[]
  /** The width in pixels for the labels at the right. */
  readonly room: Record<Size, number>
}

type Size = 'wide' | 'narrow'

type Layout = {
  readonly width: number
  readonly height: number
  readonly top: number
  readonly left: number
  readonly margin: number
  readonly lineHeight: number
  readonly dotRadius: number
}

const [width, height] = [830, 540]
const phoneWidth = 358
const layouts: Record<Size, Layout> = {
  wide: { width, height, top: 88, left: 88, margin: 20, lineHeight: 16, dotRadius: 5 },
  narrow: {
    width: phoneWidth,
    height: (height * phoneWidth) / width,
    top: 46,
    left: 60,
    margin: 10,
    lineHeight: 12,
    dotRadius: 3.5,
  },
}

export function lineChartOf(chart: LineChart): string {
  return pictureOf({
    width,
    height,
    style,
    title: wordsFor(chart.title, 'wide'),
    description: chart.description,
    body: [
      `<g class="wide">${draw(chart, 'wide')}</g>`,
      `<g class="narrow" transform="scale(${(width / phoneWidth).toFixed(4)})">${draw(chart, 'narrow')}</g>`,
    ].join('\n'),
  })
}

function draw({ title, hint, x, y, lines, notes = [], room }: LineChart, size: Size): string {
  const { margin, left, top, lineHeight, dotRadius, ...layout } = layouts[size]
  const right = layout.width - room[size]
  const bottom = layout.height - margin - lineHeight * (x.ticks.some(({ below }) => below !== undefined) ? 2 : 1)
  const across = scale(x, left, right)
  const up = scale(y, bottom, top)
  return [
    text(wordsFor(title, size), margin, top * 0.39, 'title'),
    text(wordsFor(hint, size), margin, top * 0.66, 'hint'),
    `<clipPath id="${size}"><rect x="${left}" y="${top - 4}" width="${right - left + 4}" height="${bottom - top + 4}"/></clipPath>`,
    ...y.ticks.map(({ at, text: words }) => {
      const height = up(at)
      const grid = `<path class="grid" d="M${left} ${px(height)}H${right}"/>`
      return grid + text(wordsFor(words, size), left - 8, height + lineHeight * 0.28, 'tick', 'end')
    }),
    ...x.ticks.map(({ at, text: words, below }) => {
      const place = across(at)
      const first = bottom + lineHeight + 3
      const mark = `<path class="grid" d="M${px(place)} ${bottom}v5"/>`
      const second = below === undefined ? '' : text(wordsFor(below, size), place, first + lineHeight, 'tick', 'middle')
      return mark + text(wordsFor(words, size), place, first, 'tick', 'middle') + second
    }),
    ...lines.map((line) => {
      const path = line.points.map(([one, other]) => `${px(across(one))} ${px(up(other))}`).join('L')
      const classes = [`line ${line.colour}`, line.isBold && 'bold', line.isDashed && 'dashed'].filter(Boolean)
      return `<path class="${classes.join(' ')}" clip-path="url(#${size})" d="M${path}"/>`
    }),
    ...endLabels(lines, up, { top, bottom, size }).map(({ words, height, colour }) =>
      block(words, right + 8, height, { size, colour, anchor: 'start' }),
    ),
    ...notes.map(({ at, words, colour, side, below, hasDot = true }) => {
      const [place, height] = [across(at[0]), up(at[1])]
      const dot = hasDot ? `<circle class="dot ${colour}" cx="${px(place)}" cy="${px(height)}" r="${dotRadius}"/>` : ''
      const anchor = side === 'left' ? 'end' : 'start'
      const shift = (side === 'left' ? -1 : 1) * (dotRadius + 5)
      return dot + block(words, place + shift, height + below[size], { size, colour, anchor })
    }),
  ].join('\n')
}

function scale({ from, to }: Axis, first: number, last: number): (value: number) => number {
  const span = Math.log(to / from)
  return (value) => first + ((last - first) * Math.log(value / from)) / span
}

type EndLabel = { readonly words: readonly Words[]; height: number; readonly colour: Colour }

/** Moves the labels of lines that end close to each other apart, within the plot. */
function endLabels(
  lines: readonly Line[],
  up: (y: number) => number,
  { top, bottom, size }: { readonly top: number; readonly bottom: number; readonly size: Size },
): EndLabel[] {
  const { lineHeight } = layouts[size]
  const halfOf = ({ words }: EndLabel) => (lineHeight * shownOf(words, size).length) / 2
  const labels = lines
    .flatMap(({ label, points, colour }) =>
      label === undefined ? [] : [{ words: label, height: up(points.at(-1)![1]), colour }],
    )
    .sort((one, other) => one.height - other.height)
  for (let round = 0; round < 50; round += 1)
    for (const [at, label] of labels.entries()) {
      label.height = Math.min(Math.max(label.height, top - 8 + halfOf(label)), bottom + 6 - halfOf(label))
      const next = labels[at + 1]
      if (next === undefined) continue
      const lack = halfOf(label) + halfOf(next) + 3 - (next.height - label.height)
      if (lack > 0) [label.height, next.height] = [label.height - lack / 2, next.height + lack / 2]
    }
  return labels
}

type Anchor = 'start' | 'middle' | 'end'

/** Draws lines of words, vertically centred at `middle`. The first line is bold, and may be empty. */
function block(
  words: readonly Words[],
  x: number,
  middle: number,
  { size, colour, anchor }: { readonly size: Size; readonly colour: Colour; readonly anchor: Anchor },
): string {
  const { lineHeight } = layouts[size]
  const shown = shownOf(words, size)
  const first = middle - ((shown.length - 1) * lineHeight) / 2 + lineHeight * 0.28
  return shown
    .map(({ line, isBold }, at) => text(line, x, first + at * lineHeight, isBold ? `label ${colour}` : colour, anchor))
    .join('')
}

function text(words: string, x: number, y: number, classes: string, anchor: Anchor = 'start'): string {
  const anchored = anchor === 'start' ? '' : ` text-anchor="${anchor}"`
  return `<text class="${classes}" x="${px(x)}" y="${px(y)}"${anchored}>${escaped(words)}</text>`
}

function wordsFor(words: Words, size: Size): string {
  return typeof words === 'string' ? words : words[size]
}

function shownOf(words: readonly Words[], size: Size) {
  return words.map((line, at) => ({ line: wordsFor(line, size), isBold: at === 0 })).filter(({ line }) => line !== '')
}

function px(number: number): string {
  return String(Number(number.toFixed(1)))
}

const colours: readonly Colour[] = ['text', 'dim', 'green', 'blue', 'orange', 'violet', 'red']
const style = `
text { paint-order: stroke; stroke: var(--back); stroke-width: 3px; stroke-linejoin: round }
.title { font-weight: 650 }
.label { font-weight: 600 }
.tick { fill: var(--dim); font-variant-numeric: tabular-nums }
.grid { stroke: var(--grid); fill: none }
.line { fill: none; stroke-width: 2; stroke-linejoin: round; stroke-linecap: round }
.line.bold { stroke-width: 3.5 }
.line.dashed { stroke-dasharray: 2 5 }
.narrow .line { stroke-width: 1.6 }
.narrow .line.bold { stroke-width: 2.4 }
.wide text { font-size: 13px }
.wide .title { font-size: 19px }
.wide .hint { font-size: 14px }
.narrow text { font-size: 10px }
.narrow .title { font-size: 13px }
.narrow .hint { font-size: 10.5px }
${colours.map((name) => `text.${name}, .dot.${name} { fill: var(--${name}) } .line.${name} { stroke: var(--${name}) }`).join('\n')}
.narrow { display: none }
@media (max-width: 560px) {
  .wide { display: none }
  .narrow { display: inline }
}
`
