/** `token-broker clients create`: registers a client by the rules of the registry file, and shows its secret once. */

import type { Command } from 'commander'
import type { Application, Client, DeclaredClient } from '../../shared/domain/registration.ts'
import { changesBetween } from '../../shared/domain/registry-changes.ts'
import { parseClient } from '../../shared/registry-file.ts'
import { readRegistry, writeChanges } from '../../shared/store/registry.ts'
import type { Table } from '../../shared/store/table.ts'
import { authorOf } from '../author.ts'
import { noApplication } from '../one-client.ts'
import { Problem, UsageProblem } from '../problem.ts'
import { programName } from '../program-name.ts'
import { graceWarning } from '../refresh-plan.ts'
import { drawSecret, keptChanging, useTable, writeSecret } from '../registry.ts'
import { integer, type JsonFlag, repeatable, type TableSettings, withTable } from '../settings.ts'
import { print, printJson, say } from '../terminal.ts'
import { trustWarnings } from '../trust-warnings.ts'

/** Other commands may write the registry at the same time; each try reads it again. */
const maxTries = 8

const grants: Readonly<Record<string, string>> = {
  device_code: 'urn:ietf:params:oauth:grant-type:device_code',
  token_exchange: 'urn:ietf:params:oauth:grant-type:token-exchange',
}

/** Each option is a member of the registry file of the same name, in camelCase. */
type Settings = TableSettings &
  JsonFlag & {
    readonly auth: string
    readonly grant?: readonly string[]
    readonly redirectUri?: readonly string[]
    readonly scope?: readonly string[]
    readonly audience?: readonly string[]
    readonly set?: readonly string[]
  }

export function define(command: Command): void {
  withTable(command)
    .argument('<application>')
    .argument('<client_id>')
    .option(
      '--auth <method>',
      'none, client_secret_basic, client_secret_post, private_key_jwt (with --set jwks=…) or workload_identity (with --set identities=…)',
      'client_secret_basic',
    )
    .addOption(repeatable('--grant <grant>', 'device_code, authorization_code, refresh_token, …'))
    .addOption(repeatable('--redirect-uri <uri>', 'redirect URI for authorization_code'))
    .addOption(repeatable('--scope <scopes>', 'allowed scopes; openid profile email offline_access if not set'))
    .addOption(
      repeatable(
        '--audience <uri>',
        'allowed audience, the first is the default; the audiences of the other clients if not set',
      ),
    )
    .option('--display-name <name>', 'name that people see when they confirm')
    .option('--may-introspect', 'may introspect tokens of the application')
    .option('--consent', 'people confirm before they are sent to the provider')
    .option('--no-consent', 'people do not confirm')
    .option('--id-token-on-refresh', 'refreshes return an ID token')
    .option('--no-id-token-on-refresh', 'refreshes return no ID token')
    .option('--claims-in-id-token', 'the ID token has the claims of userinfo')
    .option('--no-claims-in-id-token', 'the ID token has no claims of userinfo')
  for (const name of ['access-token', 'idle', 'absolute', 'grace']) {
    command.addOption(integer(`--${name}-seconds <n>`, 'as in the registry file', 0, Number.MAX_SAFE_INTEGER))
  }
  command
    .addOption(repeatable('--set <member=json>', 'any other member of the registry file'))
    .addHelpText(
      'after',
      `
The client is in the table but not in your registry file. apply shows that, and apply --prune removes the client. Add it
to the file too.

Examples:
  ${programName} clients create billing nightly --auth none --grant device_code --grant refresh_token --grace-seconds 60
  ${programName} clients create billing deploy --auth workload_identity --grant client_credentials --scope deploy \\
    --set 'identities=[{"issuer":"https://token.actions.githubusercontent.com","subject":"repo:octo@12/app@34:ref:refs/heads/main"}]'`,
    )
    .action(run)
}

async function run(application: string, clientId: string, settings: Settings): Promise<void> {
  const members = { clientId, ...membersFrom(settings) }
  await useTable(settings, async (table, now) => {
    const secret = members.auth.startsWith('client_secret_') ? drawSecret() : undefined
    const declared = { ...members, ...(secret !== undefined && { secrets: 'table' }) }
    const result = { application, client: declared, ...(secret !== undefined && { client_secret: secret }) }
    const show = () => (settings.json ? printJson({ ...result, in_effect: 'unknown' }) : print(secret ?? ''))
    const client = await create(table, now, application, members, secret === undefined ? undefined : { secret, show })
    const warnings = [graceWarning(client) ?? [], trustWarnings(client)].flat()
    if (settings.json) return printJson({ ...result, ...(warnings.length > 0 && { warnings }) })
    say(`The client ${clientId} of ${application} is registered.`, 'green')
    if (secret !== undefined) {
      print(secret)
      say('This secret is shown once: the table keeps only a hash of it.', 'yellow')
    }
    for (const warning of warnings) say(warning, 'yellow')
    say(`For the registry file: ${JSON.stringify(declared)}`, 'dim')
  })
}

type Members = Readonly<Record<string, unknown>> & { readonly auth: string }

function membersFrom({
  table: _,
  json: __,
  grant,
  redirectUri,
  scope,
  audience,
  set = [],
  ...same
}: Settings): Members {
  const members = {
    ...same,
    grants: grant?.map((each) => grants[each] ?? each),
    redirectUris: redirectUri,
    scopes: scope?.flatMap((each) => each.split(' ')),
    audiences: audience,
    ...Object.fromEntries(set.map(assignment)),
  }
  return JSON.parse(JSON.stringify(members)) as Members
}

/** `--set accessToken=provider`, `--set exchangesFor=["cli"]` */
function assignment(text: string): [string, unknown] {
  const [, name, value = ''] = /^(\w+)=(.*)$/s.exec(text) ?? []
  if (name === undefined || ['clientId', 'auth', 'secrets'].includes(name))
    throw new UsageProblem(
      '--set takes MEMBER=JSON, but not `clientId` (the argument), `auth` (--auth) or `secrets` (this command generates it).',
    )
  try {
    return [name, JSON.parse(value)]
  } catch {
    return [name, value]
  }
}

async function create(
  table: Table,
  now: () => number,
  name: string,
  members: Members,
  drawn: { readonly secret: string; readonly show: () => void } | undefined,
): Promise<DeclaredClient> {
  const by = await authorOf('clients create')
  for (let tries = 0; tries < maxTries; tries += 1) {
    const stored = await readRegistry(table, [name])
    const application = stored.applications.find((each) => each.name === name)
    if (application === undefined) throw noApplication(name)
    const clients = stored.clients.filter((each) => each.application === name)
    const clientId = String(members.clientId)
    if (clients.some((each) => each.clientId === clientId)) {
      throw new Problem(`The client ${clientId} exists already; nothing was changed.`)
    }
    const registry = declaring(application, clients, members, drawn?.secret)
    const changes = changesBetween({ ...stored, applications: [application], clients }, registry, false)
    const write = () => writeChanges(table, stored, changes, { nowMs: now(), by })
    const check = `It is if there is such a client: ${programName} clients show ${name} ${clientId}\nIf not, run the command again.`
    if (drawn === undefined ? await write() : await writeSecret(table, write, drawn.show, check)) {
      return registry.clients.find((each) => each.clientId === clientId)!
    }
  }
  throw keptChanging()
}

/** The application with its clients and the new one. @throws {Problem} with all mistakes */
function declaring(application: Application, clients: readonly Client[], members: Members, secret: string | undefined) {
  const parsed = parseClient(application, clients, {
    ...members,
    audiences: members.audiences ?? usualAudiences(clients),
    ...(secret !== undefined && { secrets: [secret] }),
  })
  if (parsed.ok) return parsed.registry
  const lines = parsed.mistakes.map(({ where, why }) => `  ${where === 'the file' ? 'the client' : where}: ${why}`)
  throw new Problem(['The client cannot be registered:', ...lines].join('\n'))
}

/** The application's own `audiences` are only in its registry file. If all of its clients have the same ones, use them. */
function usualAudiences(clients: readonly Client[]): readonly string[] {
  const [first, ...others] = clients.map(({ audiences }) => audiences)
  if (first !== undefined && others.every((each) => each.join('\n') === first.join('\n'))) return first
  throw new UsageProblem(
    'Pass --audience URI: the audiences of the other clients differ, or there are no other clients.',
  )
}
