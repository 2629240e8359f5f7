import assert from 'node:assert/strict'
import { after, afterEach, before, test } from 'node:test'
import type { Family } from '../../shared/domain/family.ts'
import { providerId } from '../../shared/domain/provider-identity.ts'
import { dropTokens, leaseMs, takeLease } from '../../shared/domain/vault.ts'
import { clock, processParts } from '../../shared/parts.ts'
import { randomId } from '../../shared/random.ts'
import { endAtProvider } from '../../shared/vault/end-at-provider.ts'
import { serverError } from '../support/fallible-provider.ts'
import { revoked } from '../support/families.ts'
import { familyAt, putFamily } from '../support/table.ts'
import { startVaultRig, type VaultRig } from '../support/vault-rig.ts'

let rig: VaultRig
before(async () => {
  rig = await startVaultRig()
})
afterEach(() => rig.heal())
after(() => rig.stop())

const weekMs = 7 * 86_400_000

/** A session that has just ended here, with its vault. */
async function ended() {
  const { vault, tokens } = await rig.kept()
  rig.provider.forget()
  return { vault, tokens, family: await marked(vault.sid, vault.id) }
}

async function marked(sid: string, vault?: string): Promise<Family> {
  const family = revoked({ sid, revokedAt: clock.now(), revocationDue: 'provider', ...(vault && { vault }) })
  await putFamily(rig.table, family)
  return family
}

const end = (family: Family, application = rig.application) =>
  endAtProvider(processParts(), application, family, rig.report)
const hasMark = async ({ sid }: Family) => (await familyAt(rig.table, sid))?.revocationDue !== undefined

test('a revocation sends the refresh token to the provider, and removes the vault and the mark', async () => {
  const { vault, tokens, family } = await ended()
  assert.equal(await end(family), 'done')
  const { parameters } = rig.provider.requests.at(-1) ?? assert.fail()
  assert.deepEqual([parameters.token, parameters.token_type_hint], [tokens.refreshToken, 'refresh_token'])
  assert.ok(!rig.provider.liveRefreshTokens().includes(tokens.refreshToken!))
  assert.equal(await rig.vaultAt(vault), undefined)
  const after = await familyAt(rig.table, family.sid)
  assert.deepEqual([after?.revocationDue, after?.vault, after?.state], [undefined, undefined, 'revoked'])
  assert.deepEqual(rig.told(), ['provider.revoked'])
})

test('a revocation without a refresh token revokes the access token', async () => {
  rig.provider.behaviour.givesRefreshTokens = false
  const { tokens, family } = await ended()
  assert.equal(await end(family), 'done')
  const { parameters } = rig.provider.requests.at(-1) ?? assert.fail()
  assert.deepEqual([parameters.token, parameters.token_type_hint], [tokens.accessToken, 'access_token'])
})

test('a revocation is done at once without a vault or tokens', async () => {
  const { vault } = await rig.kept()
  const { vault: empty } = await processParts().vaults.swap(vault, dropTokens(), randomId())
  rig.provider.forget()
  const families = [await marked(randomId()), await marked(randomId(), 'gone'), await marked(vault.sid, vault.id)]
  for (const family of families) {
    assert.equal(await end(family), 'done')
    assert.ok(!(await hasMark(family)))
  }
  assert.equal(await rig.vaultAt(empty!), undefined)
  assert.deepEqual([rig.provider.requests.length, rig.told()], [0, []])
})

test('a revocation waits for a lease, and is done afterwards', async () => {
  const { vault, family } = await ended()
  await processParts().vaults.swap(vault, takeLease(clock.now()), randomId())
  assert.equal(await end(family), 'busy')
  assert.equal(rig.provider.requests.length, 0)
  assert.ok(await hasMark(family))
  rig.advance(leaseMs / 1_000)
  assert.equal(await end(family), 'done')
})

test('of two concurrent revocations, one asks the provider', async () => {
  const { family } = await ended()
  const ends = await Promise.all([end(family), end(family)])
  assert.ok(ends.includes('done'))
  assert.equal(rig.provider.count('revoke'), 1)
})

test('B17 a revocation is retried until the provider can be reached', async () => {
  const { vault, family } = await ended()
  rig.provider.fail('revoke', serverError, 1)
  assert.equal(await end(family), 'out of reach')
  assert.deepEqual(rig.told(), ['provider.revocation_failed: out of reach'])
  assert.ok((await hasMark(family)) && (await rig.vaultAt(vault))?.sealed !== undefined)
  assert.equal(await end(family), 'busy', 'not again at once')
  rig.advance(leaseMs / 1_000)
  assert.equal(await end(family), 'done')
})

test("B17 a failed revocation logs the provider's reason and is retried", async () => {
  const { vault, family } = await ended()
  rig.provider.fail('revoke', { kind: 'refuse', status: 400, error: 'unsupported_token_type' }, 1)
  assert.equal(await end(family), 'failed')
  assert.deepEqual(rig.told(), ['provider.revocation_failed: unsupported_token_type'])
  assert.ok((await hasMark(family)) && (await rig.vaultAt(vault))?.sealed !== undefined)
})

test('B17 a revocation is abandoned after a week', async () => {
  const { vault, family } = await ended()
  const formerProviders = [providerId(rig.application.provider)]
  const plain = { ...rig.application, provider: withoutRevocation(), formerProviders }
  const longAgo = (ms: number) => ({ ...family, revokedAt: clock.now() - ms })
  assert.equal(await end(longAgo(weekMs - 1), plain), 'failed')
  assert.ok(await hasMark(family))
  rig.advance(leaseMs / 1_000)
  assert.equal(await end(longAgo(weekMs), plain), 'done')
  assert.deepEqual([await hasMark(family), await rig.vaultAt(vault)], [false, undefined])
  assert.deepEqual(rig.told(), [
    'provider.revocation_failed: it has no revocation endpoint',
    'provider.revocation_abandoned: it has no revocation endpoint',
  ])
})

test('B17 revocation is abandoned at once if the application is no longer registered', async () => {
  const { vault, family } = await ended()
  assert.equal(await endAtProvider(processParts(), undefined, family, rig.report), 'done')
  assert.equal(rig.provider.requests.length, 0)
  assert.deepEqual([await hasMark(family), await rig.vaultAt(vault)], [false, undefined])
  assert.deepEqual(rig.told(), ['provider.revocation_abandoned: its application is registered no more'])
})

test('B26 tokens of a former provider are abandoned, and not sent to the new one', async () => {
  const { vault, family } = await ended()
  const { provider } = rig.application
  assert.equal(await end(family, { ...rig.application, provider: { ...provider, clientId: 'another' } }), 'done')
  assert.equal(rig.provider.requests.length, 0)
  assert.deepEqual([await hasMark(family), await rig.vaultAt(vault)], [false, undefined])
  assert.deepEqual(rig.told(), ['provider.revocation_abandoned: its application has another provider by now'])
})

function withoutRevocation() {
  const { issuer } = rig.provider
  const endpoints = { authorizationEndpoint: `${issuer}/authorize`, tokenEndpoint: `${issuer}/token` }
  const { parameters, clientId } = rig.application.provider
  return {
    ...({
      kind: 'oauth2',
      auth: 'none',
      scopes: [],
      body: 'form',
      pkce: true,
      claims: {},
      parameters,
      clientId,
    } as const),
    ...({ ...endpoints, userinfoEndpoint: `${issuer}/userinfo`, deviceLogin: 'broker', revokeTokens: true } as const),
  }
}

test('tokens whose seal key was retired cannot be revoked, and operators are told', async () => {
  const { family } = await ended()
  await rig.replaceKeyring()
  assert.equal(await end(family), 'done')
  assert.equal(rig.provider.count('revoke'), 0)
  assert.deepEqual(rig.told(), [
    'provider.revocation_abandoned: its tokens cannot be unsealed, because their key was retired or the item is damaged',
  ])
  assert.equal(await hasMark(family), false)
})
