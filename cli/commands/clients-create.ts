/**
 * `token-broker clients create`: registers a client, and shows its secret once.
 *
 * Owns the options and what is told. The rules are the registry file's (shared/registry-file.ts).
 */

import type { Application, Client, DeclaredClient } from '../../shared/domain/registration.ts'
import { changesBetween } from '../../shared/domain/registry-changes.ts'
import { parseClient } from '../../shared/registry-file.ts'
import { readRegistry, writeChanges } from '../../shared/store/registry.ts'
import type { Table } from '../../shared/store/table.ts'
import type { Input } from '../arguments.ts'
import { authorOf } from '../author.ts'
import type { Command } from '../command.ts'
import { noApplication } from '../one-client.ts'
import { OutOfReach, Problem, UsageProblem } from '../problem.ts'
import { graceWarning } from '../refresh-plan.ts'
import { drawSecret, withTable } from '../registry.ts'
import { tableOptions } from '../settings.ts'
import { print, printJson, say } from '../terminal.ts'

/** Others may be writing the registry too; each try looks at it anew. */
const mostTries = 8

const grants: Readonly<Record<string, string>> = {
  device_code: 'urn:ietf:params:oauth:grant-type:device_code',
  token_exchange: 'urn:ietf:params:oauth:grant-type:token-exchange',
}

const seconds = ['access-token-seconds', 'idle-seconds', 'absolute-seconds', 'grace-seconds'] as const

export const command: Command = {
  says: 'Registers a client with an application that is there. Its secret is shown once.',
  words: ['<application>', '<client_id>'],
  options: {
    ...tableOptions,
    auth: { takes: 'METHOD', says: 'none, client_secret_basic (unless told) or client_secret_post' },
    grant: { takes: 'GRANT', many: true, says: 'device_code, authorization_code, refresh_token …' },
    'redirect-uri': { takes: 'URI', many: true, says: 'for authorization_code' },
    scope: { takes: 'SCOPE', many: true, says: 'what it may ask for; openid profile email offline_access unless told' },
    audience: {
      takes: 'URI',
      many: true,
      says: 'the first is the default; that of the application’s other clients unless told',
    },
    'display-name': { takes: 'NAME', says: 'what people read when they are asked to confirm' },
    'may-introspect': { says: 'it may ask about the application’s tokens' },
    ...Object.fromEntries(seconds.map((name) => [name, { takes: 'N', says: 'as in the registry file' }])),
    set: { takes: 'member=JSON', many: true, says: 'any other member of the registry file' },
  },
  notes: [
    'It is in the table then and not in your registry file: `apply` shows it, and --prune removes it. Put it there too.',
    'token-broker clients create billing nightly --auth none --grant device_code --grant refresh_token --grace-seconds 60',
  ],
  run: async (input) => {
    const [application = '', clientId = ''] = input.words
    const members = { clientId, ...membersFrom(input) }
    await withTable(input, async (table) => {
      const secret = members.auth.startsWith('client_secret_') ? drawSecret() : undefined
      const client = await create(table, application, members, secret)
      const warning = graceWarning(client)
      const declared = { ...members, ...(secret !== undefined && { secrets: 'table' }) }
      if (input.flag('json')) {
        return printJson({
          application,
          client: declared,
          ...(secret !== undefined && { client_secret: secret }),
          ...(warning !== undefined && { warnings: [warning] }),
        })
      }
      say(`The client ${clientId} of ${application} is registered.`, 'green')
      if (secret !== undefined) {
        print(secret)
        say('This secret is shown once: the table keeps only a hash of it.', 'yellow')
      }
      if (warning !== undefined) say(warning, 'yellow')
      say(`For the registry file: ${JSON.stringify(declared)}`, 'dim')
    })
  },
}

type Members = Readonly<Record<string, unknown>> & { readonly auth: string }

function membersFrom(input: Input): Members {
  const some = (name: string) => (input.list(name).length > 0 ? input.list(name) : undefined)
  const members = {
    auth: input.text('auth') ?? 'client_secret_basic',
    displayName: input.text('display-name'),
    grants: some('grant')?.map((grant) => grants[grant] ?? grant),
    redirectUris: some('redirect-uri'),
    scopes: some('scope')?.flatMap((scope) => scope.split(' ')),
    audiences: some('audience'),
    mayIntrospect: input.flag('may-introspect') || undefined,
    ...Object.fromEntries(seconds.map((name) => [camelCase(name), input.number(name, 0, Number.MAX_SAFE_INTEGER)])),
    ...Object.fromEntries(input.list('set').map(assignment)),
  }
  return JSON.parse(JSON.stringify(members)) as Members
}

/** `--set accessToken=provider`, `--set exchangesFor=["cli"]` */
function assignment(text: string): [string, unknown] {
  const [, name, value = ''] = /^(\w+)=(.*)$/s.exec(text) ?? []
  if (name === undefined || name === 'secrets') throw new UsageProblem('--set takes member=JSON; secrets are drawn.')
  try {
    return [name, JSON.parse(value)]
  } catch {
    return [name, value]
  }
}

function camelCase(option: string): string {
  return option.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase())
}

async function create(table: Table, name: string, members: Members, secret?: string): Promise<DeclaredClient> {
  const by = await authorOf('clients create')
  for (let tries = 0; tries < mostTries; tries += 1) {
    const { version, ...all } = await readRegistry(table, [name])
    const application = all.applications.find((each) => each.name === name)
    if (application === undefined) throw noApplication(name)
    const clients = all.clients.filter((each) => each.application === name)
    const clientId = String(members.clientId)
    if (clients.some((each) => each.clientId === clientId)) {
      throw new Problem(`There is a client ${clientId} already; nothing was changed.`)
    }
    const registry = declaring(application, clients, members, secret)
    const changes = changesBetween({ applications: [application], clients, version }, registry, false)
    if (await writeChanges(table, version, changes, { nowMs: Date.now(), by })) {
      return registry.clients.find((each) => each.clientId === clientId)!
    }
  }
  throw new OutOfReach('Other commands kept changing the registry at the same time; nothing was changed. Try again.')
}

/** The application and all of its clients, with the new one. @throws {Problem} with every mistake */
function declaring(application: Application, clients: readonly Client[], members: Members, secret: string | undefined) {
  const parsed = parseClient(application, clients, {
    ...members,
    audiences: members.audiences ?? usualAudiences(clients),
    ...(secret !== undefined && { secrets: [secret] }),
  })
  if (parsed.ok) return parsed.registry
  const lines = parsed.mistakes.map(({ where, why }) => `  ${where === 'the file' ? 'the client' : where}: ${why}`)
  throw new Problem(['This cannot be registered:', ...lines].join('\n'))
}

/** The application's own are known to its registry file alone; where all of its clients have the same, that is them. */
function usualAudiences(clients: readonly Client[]): readonly string[] {
  const [first, ...others] = clients.map(({ audiences }) => audiences)
  if (first !== undefined && others.every((each) => each.join('\n') === first.join('\n'))) return first
  throw new UsageProblem('Which audience? The clients of this application differ, or there are none: --audience URI.')
}
