/**
 * Defines the commands of `token-broker`, runs one, and reports its failure.
 *
 * A command's file is loaded only when that command is run or completed: `token` must not wait for the AWS SDK.
 */

import { Command, CommanderError } from 'commander'
import { version } from '../shared/version.ts'
import { exitCodes, Problem, reasonOf, UsageProblem } from './problem.ts'
import { programName } from './program-name.ts'
import { complain, endSpinner, output, paintStderr } from './terminal.ts'

type Entry = readonly [description: string, load: () => Promise<{ define(command: Command): void }>]

const groups: Readonly<Record<string, Readonly<Record<string, Entry>>>> = {
  'Sign in from a terminal:': {
    login: ['sign in with a browser and store the session', () => import('./commands/login.ts')],
    token: ['print a valid access token; refresh it if needed', () => import('./commands/token.ts')],
    use: ['list the sessions of this machine or choose the default one', () => import('./commands/use.ts')],
    logout: ['end the session and forget it', () => import('./commands/logout.ts')],
  },
  'Sessions of all users:': {
    'sessions list': ['list sessions, newest first', () => import('./commands/sessions-list.ts')],
    'sessions show': ['show one session and how to find its history', () => import('./commands/sessions-show.ts')],
    'sessions history': ['show what happened to a session', () => import('./commands/sessions-history.ts')],
    'sessions revoke': ['end sessions; they cannot refresh any more', () => import('./commands/sessions-revoke.ts')],
  },
  'Applications and clients:': {
    check: ['check a registry file without a table', () => import('./commands/check.ts')],
    apply: ['write a registry file to the table', () => import('./commands/apply.ts')],
    'registry history': ['list who changed applications and clients', () => import('./commands/registry-history.ts')],
    'applications list': ['list the registered applications', () => import('./commands/applications-list.ts')],
    'clients list': ['list the registered clients', () => import('./commands/clients-list.ts')],
    'clients show': ['show one client', () => import('./commands/clients-show.ts')],
    'clients create': ['register a client; its secret is shown once', () => import('./commands/clients-create.ts')],
    'clients delete': ['remove a client and end its sessions', () => import('./commands/clients-delete.ts')],
    'clients rotate-secret': ['add a second secret to a client', () => import('./commands/clients-rotate-secret.ts')],
    'clients retire-secret': ['remove the older of two secrets', () => import('./commands/clients-retire-secret.ts')],
  },
  'Keys of the broker:': {
    'keys list': ['list the keys, never their material', () => import('./commands/keys-list.ts')],
    'keys rotate': ['rotate the keys, or end one that has leaked', () => import('./commands/keys-rotate.ts')],
  },
  'This program:': {
    version: ['print the versions of this program and of a broker', () => import('./commands/version.ts')],
  },
}

/** As they are typed: `login`, `sessions list`. */
export const commandNames: readonly string[] = Object.values(groups).flatMap((entries) => Object.keys(entries))

/** The command that shows the help for the typed command. */
let help: string

/** Runs the command of these arguments, and prints why if it fails. @returns its exit code */
export async function runCommand(args: readonly string[]): Promise<number> {
  const [first, ...rest] = args
  help = `${programName} --help`
  try {
    await main(first === 'help' ? [...rest, '--help'] : args)
    return exitCodes.done
  } catch (error) {
    endSpinner()
    if (error instanceof Problem)
      complain(error.message, error.hint ?? (error instanceof UsageProblem ? help : undefined))
    else if (!(error instanceof CommanderError))
      complain(`A fault in token-broker; please report it: ${error instanceof Error ? error.stack : reasonOf(error)}`)
    return exitCodeOf(error)
  } finally {
    // Its timer would keep the process alive.
    endSpinner()
  }
}

/** The parser has printed its own errors already. */
function exitCodeOf(error: unknown): number {
  if (error instanceof Problem) return error.exitCode
  if (!(error instanceof CommanderError)) return exitCodes.failed
  return error.exitCode === 0 ? exitCodes.done : exitCodes.usage
}

async function main(args: readonly string[]): Promise<void> {
  const isCompletion = args[0] === 'complete' || args[0] === 'completion'
  const words = args.slice(args[0] === 'complete' ? 2 : 0)
  const program = createProgram(isCompletion ? 'token-broker' : programName)
  for (const [title, entries] of Object.entries(groups)) {
    for (const [name, [description, load]] of Object.entries(entries)) {
      const command = addCommand(program, name, title).description(description)
      if (name === words.slice(0, name.split(' ').length).join(' ')) await define(command, name, load)
    }
  }
  if (isCompletion) {
    const { default: addCompletion } = await import('@bomb.sh/tab/commander')
    addCompletion(program, { completionCommandName: 'completion' })
  } else {
    program.command('completion <shell>').description('print a completion script for bash, zsh, fish or powershell')
  }
  if (args.length === 0) program.outputHelp()
  else await program.parseAsync(isCompletion ? [...args] : sessionIdsLast(args, program), { from: 'user' })
}

function createProgram(name: string): Command {
  return new Command(name)
    .description('Sign in, get tokens, and operate a Token Broker.')
    .version(version, '--version', 'print the version of this program')
    .showHelpAfterError(help)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => output.stdout.write(text),
      writeErr: (text) => output.stderr.write(text),
      outputError: (text, write) => write(paintStderr('red', sentence(text))),
    })
    .configureHelp({ showGlobalOptions: false })
}

/** The parser writes `error: unknown option …`; the other messages of the command line begin like a sentence. */
function sentence(text: string): string {
  const message = text.replace(/^error: /, '')
  return message.charAt(0).toUpperCase() + message.slice(1)
}

/** @param name `login`, or `sessions list` for a command within a group */
function addCommand(program: Command, name: string, title: string): Command {
  const [first = '', second] = name.split(' ')
  if (second === undefined) return program.command(first).helpGroup(title)
  const own = Object.keys(groups[title]!).flatMap((each) => (each.startsWith(`${first} `) ? [each.split(' ')[1]] : []))
  const group =
    program.commands.find((each) => each.name() === first) ??
    program
      .command(first)
      .helpCommand(false)
      .helpGroup(title)
      .description(own.join(', '))
      .showHelpAfterError(`${program.name()} ${first} --help`)
  return group.command(second)
}

async function define(command: Command, name: string, load: Entry[1]): Promise<void> {
  help = `${programName} ${name} --help`
  const { define } = await load()
  define(command.showHelpAfterError(help))
  command.option('--json', 'print JSON')
}

/**
 * Moves session ids that begin with a dash behind `--`, so that the parser does not mistake them for options. An id has 22
 * characters of base64url, so one in 64 begins with a dash.
 */
function sessionIdsLast(args: readonly string[], program: Command): string[] {
  const group = program.commands.find((each) => each.name() === args[0])
  const options = group?.commands.find((each) => each.name() === args[1])?.options ?? []
  const isSessionId = (arg: string, at: number) =>
    /^-[\w-]{21}$/.test(arg) &&
    !options.some(({ required, long }) => long === arg || (required && long === args[at - 1]))
  const ids = args.filter(isSessionId)
  if (ids.length === 0 || args.includes('--')) return [...args]
  return [...args.filter((arg, at) => !isSessionId(arg, at)), '--', ...ids]
}
