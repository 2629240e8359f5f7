/** `token-broker clients retire-secret` */

import type { Command } from 'commander'
import { retireSecret } from '../../shared/store/client-secrets.ts'
import { authorOf } from '../author.ts'
import { Problem } from '../problem.ts'
import { inEffectWithinSeconds, keptChanging, useTable } from '../registry.ts'
import { type JsonFlag, type TableSettings, withTable } from '../settings.ts'
import { print, printJson } from '../terminal.ts'

export function define(command: Command): void {
  withTable(command)
    .argument('<application>')
    .argument('<client_id>')
    .addHelpText('after', '\nRun it when the client uses its new secret everywhere. Running it again changes nothing.')
    .action(run)
}

async function run(application: string, clientId: string, settings: TableSettings & JsonFlag): Promise<void> {
  await useTable(settings, async (table) => {
    const live = await retireSecret(table, application, clientId, await authorOf('clients retire-secret'))
    if (live === 'conflict') throw keptChanging()
    if (live === 'no client') throw new Problem(`There is no client ${clientId} of ${application}.`)
    const retired = live === 2
    if (settings.json) return printJson({ application, client_id: clientId, retired })
    print(
      retired
        ? `The older secret of ${clientId} stops working within ${inEffectWithinSeconds} s.`
        : `The client ${clientId} has ${live === 1 ? 'only one secret' : 'no secret'}; nothing was changed.`,
    )
  })
}
