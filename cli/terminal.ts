/**
 * Output to the terminal: colours, a question, a spinner.
 *
 * Results go to stdout, everything else to stderr. Colours are off in a pipe and with NO_COLOR.
 */

import { createInterface } from 'node:readline/promises'
import { stripVTControlCharacters, styleText } from 'node:util'
import { Problem, UsageProblem } from './problem.ts'

export type Format = Parameters<typeof styleText>[0]

type Output = Pick<NodeJS.WriteStream, 'write'> & Partial<Pick<NodeJS.WriteStream, 'isTTY' | 'columns' | 'hasColors'>>

/** Where a command writes. Tests that run commands in their own process put other streams here. */
export const output: { stdout: Output; stderr: Output } = { stdout: process.stdout, stderr: process.stderr }

/** In colour where stdout is a terminal. */
export const paint = (format: Format, text: string) => paintFor(output.stdout, format, text)
export const bold = (text: string) => paint('bold', text)
export const dim = (text: string) => paint('dim', text)
/** In colour where stderr is a terminal. */
export const paintStderr = (format: Format, text: string) => paintFor(output.stderr, format, text)

/** `hasColors` follows NO_COLOR. */
function paintFor(stream: Output, format: Format, text: string): string {
  return stream.isTTY && stream.hasColors?.() ? styleText(format, text, { validateStream: false }) : text
}

export function print(text: string): void {
  output.stdout.write(`${text}\n`)
}

export function printJson(value: unknown): void {
  print(JSON.stringify(value, null, 2))
}

/** A line for the person at the terminal; programs read stdout. */
export function say(text: string, format: Format = 'reset'): void {
  endSpinner()
  output.stderr.write(`${format === 'reset' ? text : paintStderr(format, text)}\n`)
}

export function complain(message: string, hint?: string): void {
  output.stderr.write(`${paintStderr('red', plain(message, true))}\n`)
  if (hint !== undefined) output.stderr.write(`${paintStderr('dim', plain(hint, true))}\n`)
}

/**
 * Text from outside, safe to print: a name must not move the cursor, change colours or reverse the line.
 *
 * @param lines whether line breaks are kept
 */
export function plain(text: string, lines = false): string {
  return stripVTControlCharacters(text).replace(/[\p{Cc}\p{Bidi_Control}\u2028\u2029]/gu, (character) =>
    lines && character === '\n' ? character : '\ufffd',
  )
}

/** Whether a person can be asked. */
function hasPerson(): boolean {
  return process.stdin.isTTY === true && output.stderr.isTTY === true
}

/**
 * Asks before something is changed, unless `--yes` was passed.
 *
 * @param preview what is about to happen, printed before the question
 * @throws {Problem} when the answer is no, or when nobody can be asked
 */
export async function askUnlessYes(
  { yes }: { readonly yes?: boolean },
  question: string,
  preview: () => string | undefined | Promise<string | undefined>,
): Promise<void> {
  if (yes) return
  if (!hasPerson()) {
    throw new UsageProblem('There is no terminal to ask on, so nothing was changed.', 'Pass --yes to go ahead.')
  }
  const text = await preview()
  if (text !== undefined) say(text)
  if (!(await confirm(question))) throw new Problem('Nothing was changed.')
}

async function confirm(question: string): Promise<boolean> {
  endSpinner()
  const lines = createInterface({ input: process.stdin, output: process.stderr })
  // Ctrl-D closes the input without an answer, which is a no.
  const closed = new Promise<string>((resolve) => lines.once('close', () => resolve('')))
  lines.once('SIGINT', () => process.emit('SIGINT'))
  try {
    const answer = await Promise.race([lines.question(`${paintStderr('bold', question)} [y/N] `), closed])
    return /^y(es)?$/i.test(answer.trim())
  } finally {
    lines.close()
  }
}

/** One line for each member that has a value: those of `order` first, then all others. */
export function printMembers(
  members: Readonly<Record<string, unknown>>,
  order: readonly string[],
  shown: (name: string, value: unknown) => string,
): void {
  const names = [...new Set([...order, ...Object.keys(members)])].filter((name) => members[name] !== undefined)
  const width = Math.max(...names.map((name) => name.length))
  for (const name of names) print(`${dim(name.padEnd(width))}  ${shown(name, members[name])}`)
}

/** Columns of the terminal; a pipe has no limit. */
export function terminalWidth(): number {
  return output.stdout.isTTY ? output.stdout.columns || 80 : Number.POSITIVE_INFINITY
}

// --- the spinner ------------------------------------------------------------------------------------------------------

const frames = [...'⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏']
const frameMs = 90
const hideCursor = '\u001b[?25l'
const showCursor = '\u001b[?25h'
const clearLine = '\r\u001b[2K'

let spinning: { timer: NodeJS.Timeout; text: () => string } | undefined

/**
 * Shows progress on stderr: an animated line on a terminal, one plain line in a pipe.
 *
 * @param text called for every frame
 */
export function spin(text: () => string): void {
  if (!output.stderr.isTTY) {
    if (spinning === undefined) output.stderr.write(`${text()}\n`)
    return
  }
  endSpinner()
  let frame = 0
  const draw = () => {
    const line = plain(`${frames[frame++ % frames.length]} ${text()}`)
    output.stderr.write(clearLine + paintStderr('cyan', line.slice(0, Math.max(10, (output.stderr.columns || 80) - 1))))
  }
  output.stderr.write(hideCursor)
  spinning = { timer: setInterval(draw, frameMs), text }
  draw()
}

export function endSpinner(): void {
  if (spinning === undefined) return
  clearInterval(spinning.timer)
  spinning = undefined
  output.stderr.write(clearLine + showCursor)
}
