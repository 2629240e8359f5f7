/**
 * Prints the demo's story: headings, sentences and abbreviated answers. In colour and at reading speed on a terminal; plain
 * and at once in a pipe.
 */

import { setTimeout as pause } from 'node:timers/promises'
import { styleText } from 'node:util'
import type { Reply } from './program.ts'

export type Narrator = {
  title(text: string): void
  step(heading: string, sentences: readonly string[]): Promise<void>
  /** @param shown members of the answer */
  wire(request: string, reply: Reply, shown: readonly string[]): void
  quote(who: string, words: string): void
  aside(text: string): void
}

const pauseMs = 450
const maxShownLength = 44

export function createNarrator(out: NodeJS.WriteStream): Narrator {
  const style = (format: Parameters<typeof styleText>[0], text: string) => styleText(format, text, { stream: out })
  const line = (text = '') => out.write(`${text}\n`)
  let steps = 0
  return {
    title: (text) => line(`\n${style('bold', text)}`),
    step: async (heading, sentences) => {
      if (out.isTTY && steps > 0) await pause(pauseMs)
      steps += 1
      line(`\n${style(['bold', 'cyan'], `${steps}. ${heading}`)}`)
      for (const sentence of sentences) line(`   ${sentence}`)
    },
    wire: (request, { status, body }, shown) => {
      const colour =
        status < 300 ? 'green' : status === 400 && body.error === 'authorization_pending' ? 'yellow' : 'red'
      line(`   ${style('dim', request)} ${style([colour, 'bold'], `→ ${status}`)}`)
      for (const member of shown) {
        if (body[member] !== undefined)
          line(`       ${style('dim', `${member}:`)} ${style(colour, short(body[member]))}`)
      }
    },
    quote: (who, words) => line(`   ${style('dim', `${who} reads:`)} ${style('green', `“${words}”`)}`),
    aside: (text) => line(style('dim', `   ${text}`)),
  }
}

function short(value: unknown): string {
  const text = String(value)
  return text.length <= maxShownLength ? text : `${text.slice(0, 14)}…${text.slice(-6)}`
}
