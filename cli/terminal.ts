/**
 * The terminal: words in colour, lines on stdout and stderr, a question, a spinner.
 *
 * Owns what depends on whether there is a terminal at all. Results go to stdout, everything that is for the person who
 * waits to stderr. Colours are off in a pipe and with NO_COLOR. Must not know what is said.
 */

import { createInterface } from 'node:readline/promises'
import { stripVTControlCharacters, styleText } from 'node:util'

export type Format = Parameters<typeof styleText>[0]

/** In colour where stdout is a terminal. */
export const paint = (format: Format, text: string) => styleText(format, text, { stream: process.stdout })
export const bold = (text: string) => paint('bold', text)
export const dim = (text: string) => paint('dim', text)
/** In colour where stderr is a terminal. */
const paintStderr = (format: Format, text: string) => styleText(format, text, { stream: process.stderr })

export function print(text: string): void {
  process.stdout.write(`${text}\n`)
}

export function printJson(value: unknown): void {
  print(JSON.stringify(value, null, 2))
}

/** For the person who waits. */
export function say(text: string, format: Format = 'reset'): void {
  endSpinner()
  process.stderr.write(`${format === 'reset' ? text : paintStderr(format, text)}\n`)
}

export function complain(message: string, hint?: string): void {
  process.stderr.write(`${paintStderr('red', plain(message, true))}\n`)
  if (hint !== undefined) process.stderr.write(`${paintStderr('dim', plain(hint, true))}\n`)
}

/**
 * Text of others as it may be shown: a name must not move the cursor, change colours or turn the line around.
 *
 * @param lines whether line breaks may stay
 */
export function plain(text: string, lines = false): string {
  return stripVTControlCharacters(text).replace(/[\p{Cc}\p{Bidi_Control}\u2028\u2029]/gu, (character) =>
    lines && character === '\n' ? character : '\ufffd',
  )
}

/** Whether there is a person to ask. */
export function hasPerson(): boolean {
  return process.stdin.isTTY === true && process.stderr.isTTY === true
}

/** @returns whether the answer was yes; anything else is a no */
export async function confirm(question: string): Promise<boolean> {
  endSpinner()
  const lines = createInterface({ input: process.stdin, output: process.stderr })
  // Ctrl-D answers nothing, which is a no.
  const closed = new Promise<string>((resolve) => lines.once('close', () => resolve('')))
  lines.once('SIGINT', () => process.emit('SIGINT'))
  try {
    const answer = await Promise.race([lines.question(`${paintStderr('bold', question)} [y/N] `), closed])
    return /^y(es)?$/i.test(answer.trim())
  } finally {
    lines.close()
  }
}

/** As wide as the terminal; in a pipe nothing is cut. */
export function terminalWidth(): number {
  return process.stdout.isTTY ? process.stdout.columns || 80 : Number.POSITIVE_INFINITY
}

// --- the spinner ------------------------------------------------------------------------------------------------------

const frames = [...'⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏']
const frameMs = 90
const hideCursor = '\u001b[?25l'
const showCursor = '\u001b[?25h'
const clearLine = '\r\u001b[2K'

let spinning: { timer: NodeJS.Timeout; text: () => string } | undefined

/**
 * Shows that something is under way, on stderr: a line that moves on a terminal, in a pipe one line that stays.
 *
 * @param text asked for again at every frame
 */
export function spin(text: () => string): void {
  if (!process.stderr.isTTY) {
    if (spinning === undefined) process.stderr.write(`${text()}\n`)
    return
  }
  endSpinner()
  let frame = 0
  const draw = () => {
    const line = plain(`${frames[frame++ % frames.length]} ${text()}`)
    process.stderr.write(
      clearLine + paintStderr('cyan', line.slice(0, Math.max(10, (process.stderr.columns || 80) - 1))),
    )
  }
  process.stderr.write(hideCursor)
  spinning = { timer: setInterval(draw, frameMs), text }
  draw()
}

export function endSpinner(): void {
  if (spinning === undefined) return
  clearInterval(spinning.timer)
  spinning = undefined
  process.stderr.write(clearLine + showCursor)
}
