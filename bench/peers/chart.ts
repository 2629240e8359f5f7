/**
 * The findings about the peers as a picture for the README, in the reader's light or dark colours.
 */

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
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-label="${labelOf(peers)}">
<style>${style}</style>
<rect class="back" width="${width}" height="${height}" rx="12"/>
${drawn.join('\n')}
</svg>
`
}

/** Everything in the picture, for those who hear it. */
function labelOf(peers: readonly PeerFigures[]): string {
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
text { font: 12px system-ui, -apple-system, "Segoe UI", sans-serif; fill: #1f2933 }
.title { font-weight: 600; font-size: 13px }
.hint { fill: #52606d; font-size: 11px }
.value { font-variant-numeric: tabular-nums }
.back { fill: #f7f9fb }
.ours { fill: #0f6b54 }
.theirs { fill: #9aa5b1 }
@media (prefers-color-scheme: dark) {
  text { fill: #e4e7eb }
  .hint { fill: #9aa5b1 }
  .back { fill: #161b22 }
  .ours { fill: #4cc9a4 }
  .theirs { fill: #616e7c }
}
`
