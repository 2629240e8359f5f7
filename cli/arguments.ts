/**
 * What stands on the command line after the command's name.
 *
 * Owns options and words: what a command takes, and what is said when it gets something else. Must not know any command.
 */

import { parseArgs } from 'node:util'
import { UsageProblem } from './problem.ts'

export type Option = {
  /** What its value is called in the help; without it the option is a flag. */
  readonly takes?: string
  readonly many?: true
  readonly says: string
}
export type Options = Readonly<Record<string, Option>>

/** What every command takes. */
export const always: Options = {
  json: { says: 'print JSON for programs' },
  help: { says: 'print this' },
}

export type Input = {
  /** The words in their order; those that were left out are undefined. */
  readonly words: readonly (string | undefined)[]
  flag(name: string): boolean
  text(name: string): string | undefined
  list(name: string): readonly string[]
  /** @throws {UsageProblem} when it is not an integer within these bounds */
  number(name: string, least: number, most: number): number | undefined
}

/**
 * @param words as in the usage line: `<must be there>` or `[may be there]`
 * @throws {UsageProblem}
 */
export function readArguments(args: readonly string[], words: readonly string[], options: Options): Input {
  const known: Options = { ...options, ...always }
  const { values, positionals } = parse(words.length === 0 ? args : identifiersLast(args, known), known)
  const required = words.filter((word) => word.startsWith('<'))
  if (positionals.length > words.length) throw new UsageProblem(`Unexpected argument: ${positionals[words.length]}`)
  const missing = required[positionals.length]
  if (missing !== undefined && values.help !== true) throw new UsageProblem(`${missing} is missing.`)
  const text = (name: string) => (typeof values[name] === 'string' ? values[name] : undefined)
  return {
    words: words.map((_, at) => positionals[at]),
    flag: (name) => values[name] === true,
    text,
    list: (name) => (Array.isArray(values[name]) ? values[name].map(String) : []),
    number: (name, least, most) => {
      const given = text(name)
      if (given === undefined) return undefined
      const number = Number(given)
      if (/^\d+$/.test(given) && number >= least && number <= most) return number
      throw new UsageProblem(`--${name} must be a number from ${least} to ${most}.`)
    },
  }
}

/** A session's id is 22 characters of base64url: one in 64 begins with a dash, and is no option for that. */
const dashedIdentifier = /^-[\w-]{21}$/

/** The same arguments, with such identifiers at the end, where nothing is an option any more. */
function identifiersLast(args: readonly string[], known: Options): readonly string[] {
  if (args.includes('--')) return args
  const isWord = (arg: string, at: number) =>
    dashedIdentifier.test(arg) && known[arg.slice(2)] === undefined && !takesNext(args[at - 1], known)
  return [...args.filter((arg, at) => !isWord(arg, at)), '--', ...args.filter(isWord)]
}

function takesNext(arg: string | undefined, known: Options): boolean {
  return arg?.startsWith('--') === true && known[arg.slice(2)]?.takes !== undefined
}

function parse(args: readonly string[], known: Options) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: Object.fromEntries(
        Object.entries(known).map(([name, { takes, many }]) => [
          name,
          {
            type: takes === undefined ? 'boolean' : 'string',
            ...(many && { multiple: true }),
            ...(name === 'help' && { short: 'h' }),
          },
        ]),
      ),
    })
  } catch (error) {
    throw new UsageProblem(...complaintOf(error as Error & { code?: string }, known))
  }
}

function complaintOf({ code, message }: Error & { code?: string }, known: Options): [string, string?] {
  const [, option = ''] = /'(?:-\w, )?(-[^' ]*)/.exec(message) ?? []
  if (code === 'ERR_PARSE_ARGS_UNKNOWN_OPTION') {
    const near = nearest(option.replace(/^-+/, ''), Object.keys(known))
    return [`There is no option ${option} here.`, near && `Did you mean --${near}?`]
  }
  const takes = known[option.replace(/^-+/, '')]?.takes
  return [takes === undefined ? `${option} takes no value.` : `${option} needs a value: ${option} ${takes}`]
}

/** The name that was probably meant, if one is near enough. */
export function nearest(word: string, names: readonly string[]): string | undefined {
  const distances = names.map(
    (name) => [name, name.startsWith(word) && word.length > 1 ? 1 : distance(word, name)] as const,
  )
  const [name, far] = distances.sort(([, a], [, b]) => a - b)[0] ?? ['', Number.POSITIVE_INFINITY]
  return far <= Math.max(1, Math.floor(word.length / 3)) ? name : undefined
}

/** How many letters have to be put in, taken out or changed (Levenshtein). */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, at) => at)
  for (const [at, letter] of [...a].entries()) {
    const next = [at + 1]
    for (let to = 0; to < b.length; to += 1) {
      next.push(Math.min(next[to]! + 1, row[to + 1]! + 1, row[to]! + (letter === b[to] ? 0 : 1)))
    }
    row = next
  }
  return row[b.length]!
}
