/**
 * `token-broker clients delete`: takes a client out of the registry, and says what becomes of its sessions.
 */

import type { Client } from '../../shared/domain/registration.ts'
import { changesBetween } from '../../shared/domain/registry-changes.ts'
import { readRegistry, writeChanges } from '../../shared/store/registry.ts'
import type { Table } from '../../shared/store/table.ts'
import { authorOf } from '../author.ts'
import type { Command } from '../command.ts'
import { clientIn } from '../one-client.ts'
import { OutOfReach, Problem, UsageProblem } from '../problem.ts'
import { inEffectWithinSeconds, withTable } from '../registry.ts'
import { byTheClock } from '../relative-time.ts'
import { tableOptions } from '../settings.ts'
import { confirm, hasPerson, print, printJson, say } from '../terminal.ts'

/** Others may be writing the registry too; each try looks at it anew. */
const mostTries = 8

export const command: Command = {
  says: 'Takes a client out of the registry. All of its sessions end.',
  words: ['<application>', '<client_id>'],
  options: { ...tableOptions, yes: { says: 'do not ask' } },
  notes: [
    'Its sessions refresh no more, also if a client of that name is registered again.',
    'If it stands in your registry file, take it out there too: the next `apply` would register it again.',
  ],
  run: async (input) => {
    const [application = '', clientId = ''] = input.words
    await withTable(input, async (table) => {
      clientIn(await readRegistry(table, [application]), application, clientId)
      if (!input.flag('yes')) await ask(application, clientId)
      const deleted = await deleteClient(table, application, clientId)
      const effectiveAt = Date.now() + inEffectWithinSeconds * 1000
      const until = new Date(effectiveAt + deleted.accessTokenSeconds * 1000).toISOString()
      if (input.flag('json')) {
        const effective = new Date(effectiveAt).toISOString()
        return printJson({ application, client_id: clientId, effective_at: effective, access_tokens_until: until })
      }
      print(
        `The client ${clientId} of ${application} is deleted. It is shut out within ${inEffectWithinSeconds} s, and none of its sessions refreshes.`,
      )
      print(`Access tokens that are out end by ${byTheClock(until, Date.now())}.`)
    })
  },
}

async function ask(application: string, clientId: string): Promise<void> {
  if (!hasPerson()) throw new UsageProblem('There is no terminal to ask on. Pass --yes to go ahead.')
  say('It is shut out within seconds, and none of its sessions refreshes.', 'yellow')
  if (!(await confirm(`Delete the client ${clientId} of ${application}?`))) throw new Problem('Nothing was changed.')
}

async function deleteClient(table: Table, name: string, clientId: string): Promise<Client> {
  const by = await authorOf('clients delete')
  for (let tries = 0; tries < mostTries; tries += 1) {
    const stored = await readRegistry(table, [name])
    const client = clientIn(stored, name, clientId)
    const application = stored.applications.find((each) => each.name === name)!
    const clients = stored.clients.filter((each) => each.application === name)
    const others = clients.filter((each) => each !== client)
    const worker = others.find(({ exchangesFor }) => exchangesFor.includes(clientId))
    if (worker !== undefined) {
      throw new Problem(
        `The client ${worker.clientId} exchanges tokens of ${clientId} (exchangesFor); nothing was changed.`,
      )
    }
    const asked = others.filter(({ grants }) => grants.length > 0).flatMap(({ scopes }) => scopes)
    const scopes = application.scopes.filter((scope) => asked.includes(scope))
    const before = { applications: [application], clients, version: stored.version }
    const changes = changesBetween(before, { applications: [{ ...application, scopes }], clients: others }, true)
    if (await writeChanges(table, stored.version, changes, { nowMs: Date.now(), by })) return client
  }
  throw new OutOfReach('Other commands kept changing the registry at the same time; nothing was changed. Try again.')
}
