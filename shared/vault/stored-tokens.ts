/**
 * Stores the provider's tokens sealed (JWE, A256GCM), bound to application, provider, session and sign-in.
 *
 * A ciphertext that is copied to another item cannot be unsealed there, and no token is sent to another provider.
 */

import type { Application, Client } from '../domain/registration.ts'
import { createVault, type Vault, vaultExpires } from '../domain/vault.ts'
import type { Parts } from '../parts.ts'
import { sealFor, type Unsealed, unsealFrom } from '../provider-seal.ts'
import type { ProviderTokens } from '../providers/provider.ts'
import { randomId } from '../random.ts'
import type { ProviderPurpose } from '../tokens/seal.ts'

/** The sealed value. Its lifetime is stored beside it, in the clear. */
export type StoredTokens = Pick<ProviderTokens, 'accessToken' | 'refreshToken' | 'scope'>

/** 66 random bits: unique among the sign-ins of one family, and short because the family's item must stay small. */
const idLength = 11

/**
 * Stores the tokens of a sign-in. This happens before the family is written, so a family never names a missing vault. The TTL
 * removes a vault that no family names.
 *
 * @param codeLifetimeSeconds the session begins within this time, or never
 * @returns the vault's id; undefined: no client is entitled to the tokens, so they are not stored
 * @throws {Unavailable}
 */
export async function storeTokens(
  parts: Parts,
  application: Application,
  { keepsProviderTokens, absoluteSeconds }: Client,
  sid: string,
  tokens: ProviderTokens,
  codeLifetimeSeconds: number,
): Promise<string | undefined> {
  // Operators may have set `revokeTokens` after they registered the client.
  if (!keepsProviderTokens && !application.provider.revokeTokens) return undefined
  const now = parts.now()
  const id = randomId().slice(0, idLength)
  const expires = vaultExpires(codeLifetimeSeconds, absoluteSeconds, application.provider.revokeTokens, now)
  const opening = { sid, id, application: application.name, writeId: randomId(), expires }
  // RFC 6749 §5.1: without `scope` the provider has granted what was requested.
  const scope = tokens.scope ?? application.provider.scopes.join(' ')
  const sealed = await sealTokens(parts, application, opening, { ...tokens, scope }, now)
  await parts.vaults.put(createVault(opening, sealed, lifetimeOf(tokens), now))
  return id
}

export function lifetimeOf({ expiresInSeconds, refreshToken }: ProviderTokens) {
  return { expiresInSeconds, isRefreshable: refreshToken !== undefined }
}

type VaultKey = Pick<Vault, 'sid' | 'id' | 'expires'>

/** @param application whose provider issued the tokens */
export async function sealTokens(
  parts: Parts,
  application: Application,
  key: VaultKey,
  { accessToken, refreshToken, scope }: StoredTokens,
  now: number,
): Promise<string> {
  const tokens: StoredTokens = { accessToken, refreshToken, scope }
  return sealFor(parts, application, purposeOf(key), tokens, key.expires - Math.floor(now / 1000), now)
}

/** @returns undefined if the provider has refused the tokens, or the key of the seal is gone. @throws {Unavailable} */
export async function unsealTokens(
  parts: Parts,
  application: Application,
  vault: Vault,
  now: number,
): Promise<Unsealed<StoredTokens>> {
  const { sealed } = vault
  if (sealed === undefined || vault.application !== application.name) return undefined
  return unsealFrom<StoredTokens>(parts, application, purposeOf(vault), sealed, now)
}

function purposeOf({ sid, id }: Pick<VaultKey, 'sid' | 'id'>): ProviderPurpose {
  return `provider ${sid} ${id}`
}
