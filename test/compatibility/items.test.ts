/** docs/compatibility.md: a table that an earlier version has written works on. */

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { PutCommand } from '@aws-sdk/lib-dynamodb'
import type { Family } from '../../shared/domain/family.ts'
import type { Application, Client } from '../../shared/domain/registration.ts'
import {
  decide,
  markProviderNotified,
  redeem,
  revoke,
  rotate,
  type Transition,
} from '../../shared/domain/transitions.ts'
import { takeLease, type Vault } from '../../shared/domain/vault.ts'
import { policyOf } from '../../shared/grants/session-grant.ts'
import { sessionView } from '../../shared/sessions/session-view.ts'
import { createFamilies } from '../../shared/store/families.ts'
import { createRegistrations } from '../../shared/store/registrations.ts'
import { createVaults } from '../../shared/store/vaults.ts'
import { familyAt, startTable, type TestTable } from '../support/table.ts'

type State = 'pending' | 'approved' | 'active' | 'refreshed' | 'revoked'
type Items = Readonly<Record<State, Family>> & {
  readonly vault: Vault
  readonly application: object
  readonly client: object
}

/** As 0.2 wrote them. Never edit an item: add a file for a later series instead. */
const items = JSON.parse(readFileSync(new URL('items-0.2.json', import.meta.url), 'utf8')) as Items
/** While each of them lives. */
const now = 1_790_068_100_000
const moment = { now, writeId: 'w'.repeat(22) }

let table: TestTable
let registration: { readonly application: Application; readonly client: Client }

before(async () => {
  table = await startTable()
  for (const Item of Object.values(items)) await table.client.send(new PutCommand({ TableName: table.name, Item }))
  const registrations = createRegistrations(table)
  const [application, client] = [await registrations.application('demo'), await registrations.client('demo', 'cli')]
  assert.ok(application !== undefined && client !== undefined)
  registration = { application, client }
})
after(() => table.stop())

const credentialOf = ({ sid, application, clientId, saltHash, generation }: Family) => ({
  ...{ sid, application, clientId, saltHash, generation },
})

/** What a transition of this version makes of an item of 0.2. */
async function moved(transition: Transition): Promise<Family> {
  const outcome = await createFamilies(table).apply(transition)
  assert.ok(outcome.done, JSON.stringify(outcome))
  return (await familyAt(table, transition.sid)) as Family
}

test('a device flow that 0.2 started is approved', async () => {
  const decision = { approve: { sub: 'ada', claims: {} } }
  assert.equal((await moved(decide('demo', items.pending.sid, decision, moment))).state, 'approved')
})

test('a device code that 0.2 issued is exchanged, and the session gets the lifetime that was granted', async () => {
  const family = await moved(redeem(credentialOf(items.approved), policyOf(registration), undefined, moment))
  assert.equal(family.absoluteExpiresAt, now + 31_536_000_000)
})

test('sessions of 0.2 refresh, after their exchange and after a refresh, with the limits of the client of 0.2', async () => {
  for (const item of [items.active, items.refreshed]) {
    const family = await moved(rotate(credentialOf(item), policyOf(registration), {}, moment))
    assert.equal(family.generation, item.generation + 1)
    assert.deepEqual([family.person, family.absoluteExpiresAt], [item.person, item.absoluteExpiresAt])
  }
})

test('provider tokens that 0.2 stored are found beside their session, and can be leased', async () => {
  const session = await createVaults(table).readSession(items.refreshed.sid)
  const vault = session?.vault
  assert.ok(vault !== undefined)
  assert.equal(vault.sealed, items.vault.sealed)
  const swap = await createVaults(table).swap(vault, takeLease(now), moment.writeId)
  assert.equal(swap.swapped && swap.vault.revision, items.vault.revision + 1)
})

test('a session that 0.2 ended is still reported to the provider, and operators see who ended it and why', async () => {
  const { sid, revokedBy } = items.revoked
  assert.equal((await moved(markProviderNotified(sid, moment.writeId))).revocationDue, undefined)
  const family = (await familyAt(table, sid)) as Family
  const view = sessionView(family, registration, now)
  assert.deepEqual([view.state, view.revoked_by, view.revoked_reason, view.sub], ['revoked', revokedBy, 'ops', 'ada'])
})

test('a client of 0.2 ends its session', async () => {
  const { sid } = items.active
  const by = { application: 'demo', clientId: 'cli', sid, saltHash: items.active.saltHash }
  assert.equal((await moved(revoke(by, 'client', { now: now + 1, writeId: 'x'.repeat(22) }))).state, 'revoked')
})
