/** What a job of each platform finds in its environment, as the start page of a local stack says. */

import assert from 'node:assert/strict'
import type { Variables } from './command-line.ts'

export type Job = {
  readonly platform: string
  readonly clientId: string
  readonly variables: Variables
  /** As a person pastes it. */
  readonly command: string
}

export async function jobsOf(url: string): Promise<readonly Job[]> {
  const page = await (await fetch(`${url}/`)).text()
  const commands = [...page.matchAll(/<code>([^<]*--workload[^<]*)<\/code>/g)].map(([, text = '']) => unescaped(text))
  assert.equal(commands.length, 3)
  return commands.map((command) => {
    const [before = '', after = ''] = command.split('npx @token-broker/token-broker')
    const found = [...before.matchAll(/(\w+)=('[^']*'|\S*)/g)].map(([, name, value = '']) => [name, unquoted(value)])
    const [, platform = '', clientId = ''] = /--workload (\S+) --client-id (\S+)/.exec(after) ?? []
    return { platform, clientId, command, variables: Object.fromEntries(found) as Variables }
  })
}

const unquoted = (text: string) => text.replace(/^'|'$/g, '')
const unescaped = (text: string) =>
  text
    .replace(/&#(\d+);/g, (_, digits) => String.fromCodePoint(Number(digits)))
    .replaceAll('&quot;', '"')
    .replaceAll('&amp;', '&')
