/** `token-broker clients delete` */

import type { Command } from 'commander'
import { accessTokensUntil } from '../../shared/domain/access-token-end.ts'
import { keepingProviderTokens } from '../../shared/domain/derived-members.ts'
import type { Client } from '../../shared/domain/registration.ts'
import { changesBetween } from '../../shared/domain/registry-changes.ts'
import { readRegistry, writeChanges } from '../../shared/store/registry.ts'
import type { Table } from '../../shared/store/table.ts'
import { authorOf } from '../author.ts'
import { clientIn } from '../one-client.ts'
import { Problem } from '../problem.ts'
import { inEffectWithinSeconds, keptChanging, useTable } from '../registry.ts'
import { byTheClock } from '../relative-time.ts'
import { type JsonFlag, type TableSettings, withTable } from '../settings.ts'
import { askUnlessYes, print, printJson } from '../terminal.ts'

/** Other commands may write the registry at the same time; each try reads it again. */
const maxTries = 8

type Settings = TableSettings & JsonFlag & { readonly yes?: true }

export function define(command: Command): void {
  withTable(command)
    .argument('<application>')
    .argument('<client_id>')
    .option('--yes', 'do not ask')
    .addHelpText(
      'after',
      `
Its sessions never refresh again, even if a client with the same id is registered later.
Remove the client from your registry file too: otherwise the next apply registers it again.`,
    )
    .action(run)
}

async function run(application: string, clientId: string, settings: Settings): Promise<void> {
  await useTable(settings, async (table, now) => {
    clientIn(await readRegistry(table, [application]), application, clientId)
    const preview = () => 'The client is refused within seconds, and its sessions can no longer refresh.'
    await askUnlessYes(settings, `Delete the client ${clientId} of ${application}?`, preview)
    const deleted = await deleteClient(table, now, application, clientId)
    const effectiveAt = now() + inEffectWithinSeconds * 1000
    const until = new Date(accessTokensUntil(deleted, effectiveAt)).toISOString()
    if (settings.json) {
      const effective = new Date(effectiveAt).toISOString()
      return printJson({ application, client_id: clientId, effective_at: effective, access_tokens_until: until })
    }
    print(
      `The client ${clientId} of ${application} is deleted. It is refused within ${inEffectWithinSeconds} s, and its sessions can no longer refresh.`,
    )
    print(`Its last access tokens expire by ${byTheClock(until, Date.now())}.`)
  })
}

async function deleteClient(table: Table, now: () => number, name: string, clientId: string): Promise<Client> {
  const by = await authorOf('clients delete')
  for (let tries = 0; tries < maxTries; tries += 1) {
    const stored = await readRegistry(table, [name])
    const client = clientIn(stored, name, clientId)
    const application = stored.applications.find((each) => each.name === name)!
    const clients = stored.clients.filter((each) => each.application === name)
    const others = clients.filter((each) => each !== client)
    const worker = others.find(({ exchangesFor }) => exchangesFor.includes(clientId))
    if (worker !== undefined) {
      throw new Problem(
        `The client ${worker.clientId} exchanges tokens of ${clientId} (exchangesFor); nothing was changed.`,
        undefined,
        `Remove ${clientId} from "exchangesFor" of ${worker.clientId} first.`,
      )
    }
    const before = { ...stored, applications: [application], clients }
    const left = keepingProviderTokens(application.provider.revokeTokens, others)
    const changes = changesBetween(before, { applications: [application], clients: left }, true)
    if (await writeChanges(table, stored, changes, { nowMs: now(), by })) return client
  }
  throw keptChanging()
}
