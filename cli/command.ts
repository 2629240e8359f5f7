/**
 * What a command is: its words and options, its help, and what it does.
 *
 * Owns the shape and the help text. Must not know any command.
 */

import { always, type Input, type Options } from './arguments.ts'
import { bold, dim } from './terminal.ts'

export type Command = {
  /** One line. */
  readonly says: string
  /** `<must be there>`, `[may be there]` */
  readonly words?: readonly string[]
  readonly options: Options
  /** Paragraphs below the options. */
  readonly notes?: readonly string[]
  readonly run: (input: Input) => Promise<void>
}

export function helpFor(name: string, { says, words = [], options, notes = [] }: Command): string {
  const rows = Object.entries({ ...options, ...always }).map(
    ([option, { takes, many, says }]) =>
      [`--${option}${takes === undefined ? '' : ` ${takes}`}${many ? ' …' : ''}`, says] as const,
  )
  const width = Math.max(...rows.map(([left]) => left.length))
  return [
    `${bold(`token-broker ${[name, ...words].join(' ')}`)} ${dim('[options]')}`,
    '',
    says,
    '',
    ...rows.map(([left, right]) => `  ${left.padEnd(width)}  ${dim(right)}`),
    ...notes.flatMap((note) => ['', note]),
    '',
  ].join('\n')
}
