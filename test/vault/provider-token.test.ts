import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { rotate } from '../../shared/domain/transitions.ts'
import { prepareProviderToken } from '../../shared/grants/provider-token.ts'
import { policyOf } from '../../shared/grants/session-grant.ts'
import { type ClientCall, momentOf } from '../../shared/http/call.ts'
import { clock } from '../../shared/parts.ts'
import { Unavailable } from '../../shared/unavailable.ts'
import { aCall } from '../support/calls.ts'
import { active, credential } from '../support/families.ts'
import { aClient } from '../support/registry.ts'
import { putItem } from '../support/table.ts'
import { startVaultRig, type VaultRig } from '../support/vault-rig.ts'

let rig: VaultRig
before(async () => {
  rig = await startVaultRig()
})
after(() => rig.stop())

test('a client that has lost one of two audiences gets the token by naming the other one', async () => {
  const { vault, tokens } = await rig.kept()
  const now = clock.now()
  const [one, lost] = ['https://one.example', 'https://lost.example']
  const times = { createdAt: now, rotatedAt: now, absoluteExpiresAt: now + 900_000 }
  const family = active(1, { sid: vault.sid, vault: vault.id, audiences: [one, lost], ...times })
  await putItem(rig.table, { pk: `family#${vault.sid}`, sk: 'family', ...family })
  const client = aClient({ accessToken: 'provider', audiences: [one] })
  const call = { ...aCall({ application: rig.application, now }), client } as ClientCall
  const [presented, request] = [credential(1, { sid: vault.sid }), { audiences: [one] }]
  const transition = rotate(presented, policyOf(call), request, momentOf(call))
  const { accessToken } = await prepareProviderToken(call, presented, transition, request)
  assert.equal(accessToken, tokens.accessToken)
})

test('a call without the time for its write is a 503 that spends nothing, and the next call gets the stored token', async () => {
  const { vault, tokens } = await rig.kept()
  const now = clock.now()
  const times = { createdAt: now, rotatedAt: now, absoluteExpiresAt: now + 900_000 }
  const family = active(1, { sid: vault.sid, vault: vault.id, ...times })
  await putItem(rig.table, { pk: `family#${vault.sid}`, sk: 'family', ...family })
  const presented = credential(1, { sid: vault.sid })
  const client = aClient({ accessToken: 'provider' })
  const prepare = (remainingMs: number) => {
    const call = {
      ...aCall({ application: rig.application, now, remainingMs: () => remainingMs }),
      client,
    } as ClientCall
    return prepareProviderToken(call, presented, rotate(presented, policyOf(call), {}, momentOf(call)), {})
  }
  await assert.rejects(prepare(9_000), Unavailable)
  assert.equal((await prepare(11_000)).accessToken, tokens.accessToken)
})
