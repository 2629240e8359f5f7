/**
 * Vaults, and what becomes of them.
 *
 * Owns the sample values, and the arithmetic of a change as the store carries it out.
 */

import { createVault, type NewVault, type Vault, type VaultChange } from '../../shared/domain/vault.ts'
import { now, second, sid } from './families.ts'

/** For a session of 1000 s. */
export function openingOf(changes: Partial<NewVault> = {}): NewVault {
  const expires = now / second + 900 + 1_000 + 86_400
  return { sid, id: 'v'.repeat(11), application: 'demo', writeId: 'the first write', expires, ...changes }
}

/** Tokens that last five minutes, kept at `now`. An attribute that is undefined is not there. */
export function vaultOf(changes: { readonly [Name in keyof Vault]?: Vault[Name] | undefined } = {}): Vault {
  const vault = {
    ...createVault(openingOf(), 'sealed', { expiresInSeconds: 300, isRefreshable: true }, now),
    ...changes,
  }
  return Object.fromEntries(Object.entries(vault).filter(([, value]) => value !== undefined)) as unknown as Vault
}

/** What a change makes of a vault over whose revision it is written. */
export function changedVault(vault: Vault, { set, remove }: VaultChange): Vault {
  const next: Record<string, unknown> = { ...vault, ...set, revision: vault.revision + 1 }
  for (const attribute of remove) delete next[attribute]
  return next as Vault
}
