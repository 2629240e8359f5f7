/** `token-broker check`: checks a registry file without a table, a network or any rights. */

import type { Command } from 'commander'
import { providerInWords } from '../../shared/registry-difference.ts'
import { needsSecret, type SecretsSettings, secretNameOf, secretsPrefix, withSecrets } from '../provider-secrets.ts'
import { graceWarning } from '../refresh-plan.ts'
import { registryFrom, type Variables, withVariables } from '../registry-file.ts'
import type { JsonFlag } from '../settings.ts'
import { bold, dim, plain, print, printJson, say } from '../terminal.ts'
import { trustWarnings } from '../trust-warnings.ts'

type Settings = JsonFlag & Variables & SecretsSettings & { readonly local?: true }

export function define(command: Command): void {
  withSecrets(withVariables(command.argument('<file>')))
    .option('--local', 'the file is for the local stack, where client secrets may be short')
    .addHelpText('after', '\nLists all mistakes with their places; exit code 1. Needs no table and no network.')
    .action(check)
}

async function check(file: string, settings: Settings): Promise<void> {
  const registry = await registryFrom(file, settings, !settings.local)
  const warnings = registry.clients.flatMap((client) => [graceWarning(client) ?? [], trustWarnings(client)].flat())
  // The local stack keeps the providers' secrets in DATA_DIR.
  const prefix = settings.local ? 'secrets/' : secretsPrefix(settings, '')
  const applications = registry.applications.map((application) => ({
    name: application.name,
    clients: registry.clients.filter((client) => client.application === application.name).length,
    provider: providerInWords(application.provider),
    ...(needsSecret(application) && { provider_secret: secretNameOf(application, prefix) }),
  }))
  if (settings.json) return printJson({ applications, warnings })
  for (const { name, clients, provider, provider_secret: secret } of applications) {
    print(`${bold(name)}  ${clients} ${clients === 1 ? 'client' : 'clients'}`)
    print(`  ${dim('provider')}  ${plain(provider)}`)
    if (secret !== undefined) print(`  ${dim('secret')}    ${secret}`)
  }
  for (const warning of warnings) say(warning, 'yellow')
  print('The file has no mistakes.')
}
