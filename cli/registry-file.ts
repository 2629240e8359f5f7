/**
 * The registry file that a command is given: its text, its variables, and its mistakes in words.
 *
 * Owns which variables there are: those that the command line names, and no others of the environment. What a mistake is
 * shared/registry-file.ts knows.
 */

import { readFile } from 'node:fs/promises'
import type { Registry } from '../shared/domain/registration.ts'
import { parseRegistry } from '../shared/registry-file.ts'
import type { Input, Options } from './arguments.ts'
import { Problem, reasonOf, UsageProblem } from './problem.ts'
import { printJson } from './terminal.ts'

export const variableOptions: Options = {
  var: { takes: 'NAME=value', many: true, says: 'value of the variable NAME in the file' },
  'var-env': { takes: 'NAME', many: true, says: 'the same, from the environment variable NAME' },
}

/**
 * @param isDeployed whether the file is for a stack that others can reach
 * @throws {Problem} with every mistake, a line each
 */
export async function registryFrom(input: Input, isDeployed: boolean): Promise<Registry> {
  const [file = ''] = input.words
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    const reason = reasonOf(error)
    throw new Problem(reason === 'ENOENT' ? `There is no file ${file}.` : `${file} cannot be read (${reason}).`)
  })
  const parsed = parseRegistry(text, { variables: variablesFrom(input), isDeployed })
  if (parsed.ok) return parsed.registry
  const { mistakes } = parsed
  if (input.flag('json')) printJson({ mistakes })
  const lines = mistakes.map(({ where, why }) => `  ${where}: ${why}`)
  const isVariable = mistakes.some(({ where }) => where.startsWith('${'))
  throw new Problem(
    [`${file} has ${mistakes.length === 1 ? 'a mistake' : `${mistakes.length} mistakes`}:`, ...lines].join('\n'),
    undefined,
    isVariable
      ? 'A variable is named by --var NAME=value, or by --var-env NAME for one of the environment.'
      : undefined,
  )
}

/** No messages here repeat a value: it may be a secret. */
function variablesFrom(input: Input): Record<string, string> {
  const fromEnvironment = input.list('var-env').map((name): [string, string] => {
    const value = process.env[name]
    if (value === undefined) throw new UsageProblem(`--var-env: the environment has no variable ${name}.`)
    return [name, value]
  })
  const given = input.list('var').map((assignment): [string, string] => {
    const [, name, value] = /^(\w+)=(.*)$/s.exec(assignment) ?? []
    if (name === undefined || value === undefined) throw new UsageProblem('--var takes NAME=value.')
    return [name, value]
  })
  return Object.fromEntries([...fromEnvironment, ...given])
}
