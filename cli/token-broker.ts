/**
 * `token-broker`: the command line of ops and of people who sign in from a terminal.
 *
 * Owns the list of commands, and how an error becomes a line on stderr and an exit code. A command's file is loaded when
 * the command is run: `token` must not wait for the AWS SDK. Must not know what a command does.
 */

import { nearest, readArguments } from './arguments.ts'
import { type Command, helpFor } from './command.ts'
import { exitCodes, Problem, reasonOf, UsageProblem } from './problem.ts'
import { endOnSignals } from './signals.ts'
import { bold, complain, dim, endSpinner, print } from './terminal.ts'

type Entry = readonly [says: string, load: () => Promise<{ readonly command: Command }>]

const groups: Readonly<Record<string, Readonly<Record<string, Entry>>>> = {
  'Sign in from a terminal': {
    login: ['sign in, in the browser', () => import('./commands/login.ts')],
    token: ['print an access token that is good now', () => import('./commands/token.ts')],
    use: ['list the sessions of this machine, or choose the one that `token` takes', () => import('./commands/use.ts')],
    logout: ['end the session and forget it', () => import('./commands/logout.ts')],
  },
  'Sessions of everybody': {
    'sessions list': ['who is signed in, where and since when', () => import('./commands/sessions-list.ts')],
    'sessions show': ['all about one session', () => import('./commands/sessions-show.ts')],
    'sessions history': ['what happened to one session', () => import('./commands/sessions-history.ts')],
    'sessions revoke': ['end one, or a person’s, a client’s, or all', () => import('./commands/sessions-revoke.ts')],
  },
  'Applications and clients': {
    check: ['check a registry file, with no table at all', () => import('./commands/check.ts')],
    apply: ['put a registry file into the table', () => import('./commands/apply.ts')],
    'registry history': ['who changed them, when and what', () => import('./commands/registry-history.ts')],
    'applications list': ['the applications that are registered', () => import('./commands/applications-list.ts')],
    'clients list': ['the clients that are registered', () => import('./commands/clients-list.ts')],
    'clients show': ['all about one client', () => import('./commands/clients-show.ts')],
    'clients create': ['register a client', () => import('./commands/clients-create.ts')],
    'clients delete': ['take a client out; its sessions end', () => import('./commands/clients-delete.ts')],
    'clients rotate-secret': ['give a client a new secret', () => import('./commands/clients-rotate-secret.ts')],
    'clients retire-secret': ['end the older of its two secrets', () => import('./commands/clients-retire-secret.ts')],
  },
  'The broker’s own keys': {
    'keys list': ['which there are', () => import('./commands/keys-list.ts')],
    'keys rotate': ['the next ones take over; or end one that has leaked', () => import('./commands/keys-rotate.ts')],
  },
}

const commands: Readonly<Record<string, Entry>> = Object.assign({}, ...Object.values(groups))

// Whoever reads the output may have seen enough: `… | head`.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  process.exit(error.code === 'EPIPE' ? exitCodes.done : exitCodes.failed)
})
endOnSignals()

try {
  await main(process.argv.slice(2))
} catch (error) {
  endSpinner()
  if (error instanceof Problem) complain(error.message, error.hint)
  else complain(`token-broker itself failed: ${error instanceof Error ? error.stack : reasonOf(error)}`)
  process.exitCode = error instanceof Problem ? error.exitCode : exitCodes.failed
}

async function main(args: readonly string[]): Promise<void> {
  const [first, second] = args
  if (first === undefined || first === '--help' || first === '-h' || first === 'help') return print(overview())
  const name = [`${first} ${second}`, first].find((words) => words in commands)
  if (name === undefined) return unknown(first, second)
  const rest = args.slice(name.split(' ').length)
  const { command } = await commands[name]![1]()
  const help = `token-broker ${name} --help`
  try {
    const input = readArguments(rest, command.words ?? [], command.options)
    if (input.flag('help')) return print(helpFor(name, command))
    await command.run(input)
  } catch (error) {
    if (error instanceof UsageProblem && error.hint === undefined) throw new UsageProblem(error.message, help)
    throw error
  }
}

/** @throws {UsageProblem} unless it is help that was asked for */
function unknown(first: string, second: string | undefined): void {
  const inGroup = Object.keys(commands).filter((name) => name.startsWith(`${first} `))
  if (inGroup.length > 0 && (second === undefined || second.startsWith('-'))) {
    if (second === '--help' || second === '-h') {
      print(overview(inGroup))
      return
    }
    throw new UsageProblem(`What about ${first}?`, inGroup.map((name) => `token-broker ${name}`).join('\n'))
  }
  const asked = inGroup.length > 0 ? `${first} ${second}` : first
  const near = nearest(asked, [
    ...Object.keys(commands),
    ...(inGroup.length > 0 ? [] : ['sessions', 'applications', 'clients', 'registry', 'keys']),
  ])
  throw new UsageProblem(
    `There is no command “${asked}”.`,
    near === undefined ? 'token-broker --help' : `Did you mean token-broker ${near}?`,
  )
}

function overview(names = Object.keys(commands)): string {
  const width = Math.max(...names.map((name) => name.length))
  return [
    `${bold('token-broker')} ${dim('<command> [options]')}`,
    ...Object.entries(groups).flatMap(([title, entries]) => {
      const rows = Object.entries(entries).filter(([name]) => names.includes(name))
      return rows.length === 0
        ? []
        : ['', bold(title), ...rows.map(([name, [says]]) => `  ${name.padEnd(width)}  ${dim(says)}`)]
    }),
    '',
    'Options and examples of a command: token-broker <command> --help',
    '',
  ].join('\n')
}
