/** Reads the registry file of a command. Only variables that the command line names are replaced. */

import { readFile } from 'node:fs/promises'
import type { Command } from 'commander'
import type { Registry } from '../shared/domain/registration.ts'
import { parseRegistry } from '../shared/registry-file.ts'
import { Problem, reasonOf, UsageProblem } from './problem.ts'
import { type JsonFlag, repeatable } from './settings.ts'
import { printJson } from './terminal.ts'

export type Variables = { readonly var?: readonly string[]; readonly varEnv?: readonly string[] }

export function withVariables(command: Command): Command {
  return command
    .addOption(repeatable('--var <name=value>', 'set a variable in the file'))
    .addOption(repeatable('--var-env <name>', 'set a variable in the file from the environment variable of that name'))
}

/**
 * @param isDeployed whether the file is for a stack that others can reach
 * @throws {Problem} with all mistakes, one a line
 */
export async function registryFrom(
  file: string,
  settings: Variables & JsonFlag,
  isDeployed: boolean,
): Promise<Registry> {
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    const reason = reasonOf(error)
    throw new Problem(reason === 'ENOENT' ? `There is no file ${file}.` : `${file} cannot be read (${reason}).`)
  })
  const parsed = parseRegistry(text, { variables: variablesFrom(settings), isDeployed })
  if (parsed.ok) return parsed.registry
  const { mistakes } = parsed
  if (settings.json) printJson({ mistakes })
  const lines = mistakes.map(({ where, why }) => `  ${where}: ${why}`)
  const isVariable = mistakes.some(({ where }) => where.startsWith('${'))
  throw new Problem(
    [`${file} has ${mistakes.length === 1 ? 'a mistake' : `${mistakes.length} mistakes`}:`, ...lines].join('\n'),
    undefined,
    isVariable ? 'Pass --var NAME=value, or --var-env NAME to take it from the environment.' : undefined,
  )
}

/** Its errors never repeat a value: it may be a secret. */
function variablesFrom({ var: given = [], varEnv = [] }: Variables): Record<string, string> {
  const fromEnvironment = varEnv.map((name): [string, string] => {
    const value = process.env[name]
    if (value === undefined) throw new UsageProblem(`--var-env ${name}: set this environment variable first.`)
    return [name, value]
  })
  const assigned = given.map((assignment): [string, string] => {
    const [, name, value] = /^(\w+)=(.*)$/s.exec(assignment) ?? []
    if (name === undefined || value === undefined) throw new UsageProblem('--var takes NAME=value.')
    return [name, value]
  })
  return Object.fromEntries([...fromEnvironment, ...assigned])
}
