import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { after, afterEach, before, test } from 'node:test'
import { providerId } from '../../shared/domain/provider-identity.ts'
import { vaultExpires } from '../../shared/domain/vault.ts'
import { clock, processParts } from '../../shared/parts.ts'
import { randomId } from '../../shared/random.ts'
import { readKeyring } from '../../shared/tokens/keyring.ts'
import { generateKeyring } from '../../shared/tokens/keyring-secret.ts'
import { seal } from '../../shared/tokens/seal.ts'
import { sealTokens, storeTokens } from '../../shared/vault/stored-tokens.ts'
import { aClient } from '../support/registry.ts'
import { codeLifetimeSeconds, keeping, startVaultRig, type VaultRig } from '../support/vault-rig.ts'

let rig: VaultRig
before(async () => {
  rig = await startVaultRig()
})
afterEach(() => rig.heal())
after(() => rig.stop())

const tokens = { accessToken: 'an access token', refreshToken: 'a refresh token', expiresInSeconds: 300 }
const keep = (sid: string, client = keeping) =>
  storeTokens(processParts(), rig.application, client, sid, tokens, codeLifetimeSeconds)

test('tokens that no client is entitled to are not stored', async () => {
  const sid = randomId()
  assert.equal(await keep(sid, aClient()), undefined)
  assert.equal(await processParts().vaults.readSession(sid), undefined)
})

test('tokens that the broker must revoke are stored, whatever the client was registered for', async () => {
  const { provider } = rig.application
  const application = { ...rig.application, provider: { ...provider, revokeTokens: true } }
  const id = await storeTokens(processParts(), application, aClient(), randomId(), tokens, codeLifetimeSeconds)
  assert.equal(id?.length, 11)
})

test('stored tokens are found by the id of their sign-in for as long as the session can last', async () => {
  const sid = randomId()
  const ids = [await keep(sid), await keep(sid)]
  assert.equal(new Set(ids).size, 2, 'two who sign in for one device')
  for (const id of ids) {
    assert.equal(id?.length, 11)
    const vault = await rig.vaultAt({ sid, id: id! })
    assert.ok(vault !== undefined)
    assert.deepEqual(await rig.unsealed(vault, clock.now()), {
      accessToken: tokens.accessToken,
      refreshToken: tokens.refreshToken,
      scope: 'openid offline_access',
    })
    assert.equal(vault.expires, vaultExpires(codeLifetimeSeconds, keeping.absoluteSeconds, false, clock.now()))
    assert.deepEqual([vault.application, vault.revision, vault.isRefreshable], ['demo', 1, true])
  }
})

test('tokens without a refresh token are stored as not refreshable', async () => {
  const sid = randomId()
  const { refreshToken: _, ...alone } = tokens
  const id = await storeTokens(processParts(), rig.application, keeping, sid, alone, codeLifetimeSeconds)
  const vault = await rig.vaultAt({ sid, id: id! })
  assert.equal(vault?.isRefreshable, false)
  assert.deepEqual(await rig.unsealed(vault!, clock.now()), {
    accessToken: tokens.accessToken,
    scope: 'openid offline_access',
  })
})

test('B12 the item holds no token in the clear', async () => {
  const { vault, tokens } = await rig.kept()
  const text = JSON.stringify(vault)
  const parts = [text, ...vault.sealed!.split('.').map((part) => Buffer.from(part, 'base64url').toString('latin1'))]
  for (const secret of [tokens.accessToken, tokens.refreshToken!]) {
    for (const part of parts) assert.ok(!part.includes(secret))
  }
})

test('B12 a ciphertext copied to another session, sign-in or application cannot be unsealed', async () => {
  const [{ vault }, { vault: other }] = [await rig.kept(), await rig.kept()]
  assert.ok((await rig.unsealed(vault, clock.now())) !== undefined)
  const moved = [
    { ...other, sealed: vault.sealed! },
    { ...vault, sid: other.sid },
    { ...vault, id: other.id },
    { ...vault, application: 'userdocs' },
  ]
  for (const one of moved) assert.equal(await rig.unsealed(one, clock.now()), undefined)
})

test('a sealed token expires with its vault', async () => {
  const { vault } = await rig.kept()
  assert.ok((await rig.unsealed(vault, vault.expires * 1_000 - 1)) !== undefined)
  assert.equal(await rig.unsealed(vault, vault.expires * 1_000), undefined)
})

test('a vault whose tokens the provider refused holds no tokens', async () => {
  const { sealed: _, ...refused } = (await rig.kept()).vault
  assert.equal(await rig.unsealed(refused, clock.now()), undefined)
})

test('tokens of a retired seal key cannot be unsealed, newer ones can', async () => {
  const { vault, tokens } = await rig.kept()
  await rig.replaceKeyring()
  assert.equal(await rig.unsealed(vault, clock.now()), undefined)
  const sealed = await sealTokens(processParts(), rig.application, vault, tokens, clock.now())
  assert.deepEqual(await rig.unsealed({ ...vault, sealed }, clock.now()), {
    accessToken: tokens.accessToken,
    refreshToken: tokens.refreshToken,
    scope: tokens.scope,
  })
})

test('tokens sealed with a key newer than the cached keyring are unsealed', async () => {
  const { vault, tokens } = await rig.kept()
  await processParts().keyring(0)
  const text = await generateKeyring(clock.now())
  await writeFile(`${process.env.SECRETS?.replace('file:', '')}/keyring`, text)
  rig.advance(1)
  const { sid, id, application } = vault
  const provider = providerId(rig.application.provider)
  const sealing = { purpose: `provider ${sid} ${id}`, application, nowMs: clock.now(), provider } as const
  const sealed = await seal(readKeyring(text), sealing, { accessToken: tokens.accessToken }, 60)
  assert.deepEqual(await rig.unsealed({ ...vault, sealed }, clock.now()), { accessToken: tokens.accessToken })
})
