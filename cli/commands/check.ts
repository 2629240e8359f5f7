/**
 * `token-broker check registry.json`: whether a registry file is right, without a table, a network or a right to anything.
 *
 * Owns what is told of a file that is.
 */

import type { Command } from '../command.ts'
import { needsSecret, secretNameOf, secretsOptions, secretsPrefix } from '../provider-secrets.ts'
import { graceWarning } from '../refresh-plan.ts'
import { providerInWords } from '../registry-difference.ts'
import { registryFrom, variableOptions } from '../registry-file.ts'
import { bold, dim, plain, print, printJson, say } from '../terminal.ts'

export const command: Command = {
  says: 'Checks a registry file, and writes nothing.',
  words: ['<file>'],
  options: {
    ...variableOptions,
    local: { says: 'for the local stack, where client secrets may be short' },
    ...secretsOptions,
  },
  notes: [
    'All mistakes are told at once, each with its place; exit code 1.',
    'It asks no table and no network, so it can run wherever the file is reviewed.',
  ],
  run: async (input) => {
    const registry = await registryFrom(input, !input.flag('local'))
    const warnings = registry.clients.flatMap((client) => graceWarning(client) ?? [])
    // The local stack has them in DATA_DIR.
    const prefix = input.flag('local') ? 'secrets/' : secretsPrefix(input, '')
    const applications = registry.applications.map((application) => ({
      name: application.name,
      clients: registry.clients.filter((client) => client.application === application.name).length,
      provider: providerInWords(application.provider),
      ...(needsSecret(application) && { provider_secret: secretNameOf(application, prefix) }),
    }))
    if (input.flag('json')) return printJson({ applications, warnings })
    for (const { name, clients, provider, provider_secret: secret } of applications) {
      print(`${bold(name)}  ${clients} ${clients === 1 ? 'client' : 'clients'}`)
      print(`  ${dim('provider')}  ${plain(provider)}`)
      if (secret !== undefined) print(`  ${dim('secret')}    ${secret}`)
    }
    for (const warning of warnings) say(warning, 'yellow')
    print('The file is right.')
  },
}
