/**
 * What the vault's own tests stand on: a table, a keyring, a provider that fails when told to, and a clock that they move.
 *
 * Owns the sign-in at the provider and the way of its tokens into the table. Must not judge what becomes of them.
 */

import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import type { Application } from '../../shared/domain/registration.ts'
import type { Vault } from '../../shared/domain/vault.ts'
import { clock, processParts, setProcessParts } from '../../shared/parts.ts'
import { providerOf } from '../../shared/providers/index.ts'
import type { ProviderTokens } from '../../shared/providers/provider.ts'
import { randomId } from '../../shared/random.ts'
import { generateKeyring } from '../../shared/tokens/keyring-secret.ts'
import type { ReportEvent } from '../../shared/vault/fresh-token.ts'
import { type StoredTokens, storeTokens, unsealTokens } from '../../shared/vault/stored-tokens.ts'
import { startBroker } from './calls.ts'
import { type FallibleProvider, fallibleClientId, startFallibleProvider } from './fallible-provider.ts'
import { aClient, anApplication, providerDefaults } from './registry.ts'
import { putItem, type TestTable } from './table.ts'

export type VaultRig = {
  readonly table: TestTable
  readonly provider: FallibleProvider
  readonly application: Application
  /** Moves the broker's clock, which stands still otherwise. */
  advance(seconds: number): void
  /** Tokens of a person's sign-in. */
  signIn(): Promise<ProviderTokens>
  /** Those of a sign-in, kept for a family of their own. */
  kept(): Promise<{ readonly vault: Vault; readonly tokens: ProviderTokens }>
  /** In the place of the one that there is. */
  place(vault: Vault): Promise<void>
  vaultAt(place: Pick<Vault, 'sid' | 'id'>): Promise<Vault | undefined>
  /** What a vault holds for the provider; undefined: nothing that can be read. */
  unsealed(vault: Vault, nowMs?: number): Promise<StoredTokens | undefined>
  /** Another keyring altogether, and a Lambda that has read no other. */
  replaceKeyring(): Promise<void>
  readonly report: ReportEvent
  /** What was told to the operator, with its reason, since the last time. */
  told(): string[]
  heal(): void
  stop(): Promise<void>
}

export const keeping = aClient({ keepsProviderTokens: true, absoluteSeconds: 1_000 })
export const codeLifetimeSeconds = 900

export async function startVaultRig(): Promise<VaultRig> {
  const started = await startBroker({ applications: [], clients: [] })
  const provider = await startFallibleProvider()
  const ownNow = clock.now
  let nowMs = Date.now()
  clock.now = () => nowMs
  const application = anApplication({
    provider: {
      ...{ ...providerDefaults, kind: 'oidc', issuer: provider.issuer, clientId: fallibleClientId, auth: 'none' },
      scopes: ['openid', 'offline_access'],
    },
  })
  const lines: string[] = []
  const signIn = () => tokensOf(application, provider)
  const vaultAt = ({ sid, id }: Pick<Vault, 'sid' | 'id'>) => processParts().vaults.read(sid, id)
  return {
    ...{ table: started.table, provider, application, signIn, vaultAt },
    unsealed: async (vault, nowMs = clock.now()) => {
      const found = await unsealTokens(processParts(), application, vault, nowMs)
      return typeof found === 'object' ? found.value : undefined
    },
    place: (vault) => putItem(started.table, { pk: `family#${vault.sid}`, sk: `provider#${vault.id}`, ...vault }),
    advance: (seconds) => {
      nowMs += seconds * 1_000
    },
    kept: async () => {
      const [sid, tokens] = [randomId(), await signIn()]
      const id = await storeTokens(processParts(), application, keeping, sid, tokens, codeLifetimeSeconds)
      const vault = await vaultAt({ sid, id: id ?? '' })
      return { vault: vault ?? assert.fail('it is not there'), tokens }
    },
    replaceKeyring: async () => {
      await writeFile(`${process.env.SECRETS?.replace('file:', '')}/keyring`, await generateKeyring(nowMs))
      setProcessParts(undefined)
    },
    report: (event, { reason }) => void lines.push(reason === undefined ? event : `${event}: ${reason}`),
    told: () => lines.splice(0),
    heal: () => {
      lines.length = 0
      provider.heal()
      provider.forget()
    },
    stop: async () => {
      clock.now = ownNow
      await provider.stop()
      await started.stop()
    },
  }
}

async function tokensOf(application: Application, provider: FallibleProvider): Promise<ProviderTokens> {
  const login = await providerOf(processParts(), application).startDeviceLogin()
  if ('why' in login) return assert.fail(login.why)
  provider.decide(login.userCode, 'approve')
  const result = await providerOf(processParts(), application).pollDeviceLogin(login.deviceCode, [])
  return result.kind === 'signed-in' ? result.tokens : assert.fail(result.kind)
}
