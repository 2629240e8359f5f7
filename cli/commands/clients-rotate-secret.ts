/** `token-broker clients rotate-secret` */

import type { Command } from 'commander'
import { hashSecret } from '../../shared/domain/secret.ts'
import { addSecret } from '../../shared/store/client-secrets.ts'
import { authorOf } from '../author.ts'
import { Problem } from '../problem.ts'
import { programName } from '../program-name.ts'
import { drawSecret, inEffectWithinSeconds, keptChanging, useTable, writeSecret } from '../registry.ts'
import { type JsonFlag, type TableSettings, withTable } from '../settings.ts'
import { print, printJson, say } from '../terminal.ts'

type Settings = TableSettings & JsonFlag & { readonly retireOld?: true }

export function define(command: Command): void {
  withTable(command)
    .argument('<application>')
    .argument('<client_id>')
    .option('--retire-old', 'end all other secrets now')
    .addHelpText(
      'after',
      `
The new secret is shown once. The present one stays valid beside it. Move the client to the new one, then end the older one:
  ${programName} clients retire-secret <application> <client_id>
If the secrets of the client are in the registry file, the next apply restores those. Write "secrets": "table" there.`,
    )
    .action(run)
}

async function run(application: string, clientId: string, settings: Settings): Promise<void> {
  const isAlone = settings.retireOld === true
  await useTable(settings, async (table) => {
    const secret = drawSecret()
    const by = await authorOf('clients rotate-secret')
    const result = { application, client_id: clientId, client_secret: secret, alone: isAlone }
    const outcome = await writeSecret(
      table,
      () => addSecret(table, { application, clientId }, hashSecret(secret), isAlone, by),
      () => (settings.json ? printJson({ ...result, in_effect: 'unknown' }) : print(secret)),
      `It is if this lists the change: ${programName} registry history --application ${application}\nIf not, run the command again.`,
    )
    if (outcome === 'conflict') throw keptChanging()
    if (outcome === 'no client') throw new Problem(`There is no client ${clientId} of ${application}.`)
    if (outcome === 'no secrets') throw new Problem(`The client ${clientId} does not authenticate with a secret.`)
    if (outcome === 'two already') {
      throw new Problem(
        `The client ${clientId} has two secrets already; nothing was changed.`,
        undefined,
        `End the older one first: ${programName} clients retire-secret ${application} ${clientId}`,
      )
    }
    if (settings.json) return printJson(result)
    print(secret)
    say('This secret is shown once: the table keeps only a hash of it.', 'yellow')
    say(
      isAlone
        ? `In effect everywhere within ${inEffectWithinSeconds} s. No other secret is valid after that.`
        : `Valid everywhere within ${inEffectWithinSeconds} s. The former secret stays valid until retire-secret.`,
      'dim',
    )
  })
}
