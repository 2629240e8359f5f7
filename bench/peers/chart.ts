/**
 * The findings about the peers as a picture for the README, in the reader's light or dark colours.
 */

import { pictureOf } from '../drawing.ts'
import type { PeerFigures } from './measure.ts'
import { rangeText } from './report.ts'

type Panel = {
  readonly title: string
  readonly hint: string
  readonly value: (figures: PeerFigures) => number
  readonly text: (figures: PeerFigures) => string
}

const panels: readonly Panel[] = [
  {
    title: 'Refreshes per second',
    hint: 'more is better',
    value: ({ perSecond }) => perSecond,
    text: ({ perSecond }) => perSecond.toFixed(0),
  },
  {
    title: 'Requests to DynamoDB for a refresh',
    hint: 'fewer is better',
    value: ({ requests }) => requests,
    text: ({ requests }) => String(requests),
  },
  {
    title: 'A refresh, with DynamoDB 5 ms away',
    hint: 'less is better',
    value: ({ latencyMs }) => latencyMs,
    text: ({ latencyMs }) => `${latencyMs.toFixed(0)} ms`,
  },
  {
    title: 'Live tokens after 50 refreshes of one at once',
    hint: '1: the session goes on · 0: it has ended · more: it has forked',
    value: ({ crowd }) => crowd.live.most,
    text: ({ crowd }) => rangeText(crowd.live),
  },
]

const width = 760
const panelWidth = 340
const [nameWidth, barHeight, rowHeight] = [132, 14, 24]

/** @param peers the broker first */
export function chartOf(peers: readonly PeerFigures[]): string {
  const panelHeight = 44 + rowHeight * peers.length
  const height = 2 * panelHeight + 36
  const drawn = panels.map((panel, at) => {
    const [x, y] = [16 + (at % 2) * (panelWidth + 48), 16 + Math.floor(at / 2) * (panelHeight + 12)]
    return `<g transform="translate(${x} ${y})">${panelOf(panel, peers)}</g>`
  })
  return pictureOf({
    width,
    height,
    style,
    title: 'A refresh at the broker and at its peers',
    description: descriptionOf(peers),
    body: drawn.join('\n'),
  })
}

function descriptionOf(peers: readonly PeerFigures[]): string {
  return panels
    .map(({ title, text }) => `${title}: ${peers.map((one) => `${one.name} ${text(one)}`).join(', ')}.`)
    .join(' ')
}

function panelOf({ title, hint, value, text }: Panel, peers: readonly PeerFigures[]): string {
  const longest = Math.max(...peers.map(value), 1)
  const room = panelWidth - nameWidth - 48
  const rows = peers.map((one, at) => {
    const y = 40 + at * rowHeight
    const length = Math.max(2, (room * value(one)) / longest)
    return [
      `<text class="name" x="${nameWidth - 8}" y="${y + 11}" text-anchor="end">${one.name}</text>`,
      `<rect class="${one.name.startsWith('Token Broker') ? 'ours' : 'theirs'}" x="${nameWidth}" y="${y}" width="${length.toFixed(1)}" height="${barHeight}" rx="3"/>`,
      `<text class="value" x="${(nameWidth + length + 6).toFixed(1)}" y="${y + 11}">${text(one)}</text>`,
    ].join('')
  })
  return `<text class="title" y="12">${title}</text><text class="hint" y="28">${hint}</text>${rows.join('\n')}`
}

const style = `
text { font-size: 12px }
.title { font-weight: 600; font-size: 13px }
.hint { font-size: 11px }
.value { font-variant-numeric: tabular-nums }
.ours { fill: var(--green) }
.theirs { fill: var(--bar) }
`
