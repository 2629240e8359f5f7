/**
 * `npm run pictures`: draws docs/images from real runs, the demo and `token-broker sessions list`, as terminals that follow the
 * reader's light or dark theme.
 */

import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { runCommand } from '../cli/program.ts'
import { output } from '../cli/terminal.ts'
import { approve } from '../local/demo/person.ts'
import { call, type Reply, str } from '../local/demo/program.ts'
import { startLocalStack } from '../local/stack.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const deviceGrant = 'urn:ietf:params:oauth:grant-type:device_code'

/** The part from the first tokens to the end of the session; the whole is too long for a page. */
async function demo(): Promise<string> {
  const env = { ...process.env, FORCE_COLOR: '1' }
  const { stdout } = await promisify(execFile)(process.execPath, ['local/demo.ts'], { cwd: root, env })
  const lines = stdout.trim().split('\n')
  const step = (number: number) => lines.findIndex((line) => line.includes(`m${number}. `))
  return ['…', '', ...lines.slice(step(3), step(7) - 1)].join('\n')
}

async function sessionsList(): Promise<string> {
  const stack = await startLocalStack({ functionLog: () => {} })
  const oauth = `${stack.url}/demo/oauth`
  await signedIn(oauth, 'cli', 'alice', 1)
  await signedIn(oauth, 'nightly', 'alice', 12)
  await signedIn(oauth, 'job', 'bob', 3)
  const lost = await signedIn(oauth, 'cli', 'carol', 0)
  await call(`${oauth}/revoke`, { client_id: 'cli', token: str(lost, 'refresh_token') })
  const stolen = await signedIn(oauth, 'cli', 'mallory', 1)
  await call(`${oauth}/token`, { client_id: 'cli', grant_type: 'refresh_token', refresh_token: str(stolen, 'first') })
  await call(`${oauth}/device_authorization`, { client_id: 'cli', scope: 'openid offline_access' })
  let text = ''
  const write = (chunk: string | Uint8Array) => {
    text += chunk
    return true
  }
  output.stdout = { write, isTTY: true, columns: 130, hasColors: () => true }
  await runCommand(['sessions', 'list', '--limit', '6', '--url', stack.url])
  await stack.close()
  return text.trimEnd()
}

/** The last answer with tokens, and the first refresh token as `first`. */
async function signedIn(oauth: string, clientId: string, person: string, refreshes: number): Promise<Reply> {
  const client = { client_id: clientId }
  const started = await call(`${oauth}/device_authorization`, { ...client, scope: 'openid profile offline_access' })
  await approve(str(started, 'verification_uri_complete'), person)
  const form = { ...client, grant_type: deviceGrant, device_code: str(started, 'device_code') }
  let reply = await call(`${oauth}/token`, form)
  const first = str(reply, 'refresh_token')
  for (let count = 0; count < refreshes; count += 1) {
    const refresh_token = str(reply, 'refresh_token')
    reply = await call(`${oauth}/token`, { ...client, grant_type: 'refresh_token', refresh_token })
  }
  return { ...reply, body: { ...reply.body, first } }
}

/** Colours of text on light and on dark, by ANSI code; both have a contrast of at least 4.5:1. */
const colours: Readonly<Record<string, readonly [name: string, light: string, dark: string]>> = {
  2: ['dim', '#59636e', '#9198a1'],
  31: ['red', '#c21c23', '#ff7b72'],
  32: ['green', '#116329', '#7ee787'],
  33: ['yellow', '#7d4e00', '#e3b341'],
  36: ['cyan', '#0a5e73', '#76e3ea'],
}
const background = ['#f6f8fa', '#161b22']
const foreground = ['#1f2328', '#e6edf3']
const [charWidth, lineHeight, padding, bar] = [8.43, 20, 18, 44]

async function draw(name: string, command: string, label: string, text: string): Promise<void> {
  const lines = [`\u001b[36m$\u001b[39m ${command}`, ...text.split('\n')].map(spansOf)
  const longest = Math.max(...lines.map((spans) => spans.reduce((sum, span) => sum + span.text.length, 0)))
  const width = Math.ceil(longest * charWidth) + 2 * padding
  const height = bar + lines.length * lineHeight + padding
  const theme = (at: 0 | 1) =>
    [
      `rect{fill:${background[at]}}text{fill:${foreground[at]}}`,
      ...Object.values(colours).map(([colour, ...both]) => `.${colour}{fill:${both[at]}}`),
    ].join('')
  const rows = lines.map((spans, row) => {
    let column = 0
    const tspans = spans.map(({ text: words, classes }) => {
      const x = (padding + column * charWidth).toFixed(1)
      column += words.length
      const style = classes === '' ? '' : ` class="${classes}"`
      return words.trim() === '' ? '' : `<tspan x="${x}"${style}>${escaped(words.trimEnd())}</tspan>`
    })
    return `<text y="${bar + 14 + row * lineHeight}">${tspans.join('')}</text>`
  })
  const svg = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${escaped(label)}">`,
    `<style>${theme(0)}.bold{font-weight:bold}@media(prefers-color-scheme:dark){${theme(1)}}</style>`,
    `<rect width="${width}" height="${height}" rx="10"/>`,
    '<circle cx="24" cy="22" r="6" fill="#ff5f56"/><circle cx="44" cy="22" r="6" fill="#ffbd2e"/><circle cx="64" cy="22" r="6" fill="#27c93f"/>',
    `<g font-family="ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace" font-size="14" style="white-space:pre">`,
    ...rows,
    '</g>',
    '</svg>',
  ]
  await writeFile(`${root}docs/images/${name}.svg`, `${svg.join('\n')}\n`)
}

type Span = { readonly text: string; readonly classes: string }

/** A line of a terminal, cut where its format changes or where a column begins. */
function spansOf(line: string): Span[] {
  const spans: Span[] = []
  let [colour, isBold] = ['', false]
  for (const [at, piece] of line.split('\u001b[').entries()) {
    const [, codes, text = piece] = (at > 0 && /^([\d;]*)m(.*)$/.exec(piece)) || []
    for (const code of codes?.split(';') ?? []) {
      if (code === '1') isBold = true
      else if (code === '22') [isBold, colour] = [false, colour === 'dim' ? '' : colour]
      else colour = colours[code]?.[0] ?? ''
    }
    const classes = [colour, isBold && 'bold'].filter(Boolean).join(' ')
    for (const part of text.split(/(?<= {2})(?! )/)) if (part !== '') spans.push({ text: part, classes })
  }
  return spans
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;')
}

await draw('demo', 'npm run demo', 'npm run demo: a refresh, and a thief whose copy ends the session', await demo())
await draw(
  'sessions-list',
  'npx @token-broker/token-broker sessions list --limit 6',
  'token-broker sessions list: sessions with person, client, state, when each began, was refreshed and will end',
  await sessionsList(),
)
process.exit(0)
