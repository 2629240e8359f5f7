/**
 * How the provider's tokens are kept: sealed (JWE, A256GCM) and bound to application, provider, session and sign-in. A
 * ciphertext that is moved to another item opens for nobody, and none is sent to another provider.
 *
 * Owns what is sealed. Must not know when tokens are fetched anew (fresh.ts) nor who is given them.
 */

import type { Application, Client } from '../domain/registration.ts'
import { createVault, type Vault, vaultExpires } from '../domain/vault.ts'
import type { Parts } from '../parts.ts'
import { sealFor, type Unsealed, unsealFrom } from '../provider-seal.ts'
import type { ProviderTokens } from '../providers/provider.ts'
import { randomId } from '../random.ts'
import type { ProviderPurpose } from '../tokens/seal.ts'

/** What is sealed. How long it lasts stands beside it, in the clear. */
export type StoredTokens = Pick<ProviderTokens, 'accessToken' | 'refreshToken' | 'scope'>

/** 66 random bits: unlike any other sign-in of one family, and short, for the family's item has to stay small. */
const idLength = 11

/**
 * Keeps the tokens of a sign-in, before the family that will name them is written: so none ever names a vault that is not
 * there. A vault that no family comes to name is cleaned up by its expiry.
 *
 * @param codeLifetimeSeconds until the session begins at the latest
 * @returns the id that the family names it by; undefined: nobody is entitled to the tokens, so they are not kept
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
  if (!keepsProviderTokens) return undefined
  const now = parts.now()
  const id = randomId().slice(0, idLength)
  const expires = vaultExpires(codeLifetimeSeconds, absoluteSeconds, now)
  const opening = { sid, id, application: application.name, writeId: randomId(), expires }
  // RFC 6749 §5.1: a provider that does not say has given what was asked for.
  const scope = tokens.scope ?? application.provider.scopes.join(' ')
  const sealed = await sealTokens(parts, application, opening, { ...tokens, scope }, now)
  await parts.vaults.put(createVault(opening, sealed, lifetimeOf(tokens), now))
  return id
}

export function lifetimeOf({ expiresInSeconds, refreshToken }: ProviderTokens) {
  return { expiresInSeconds, isRefreshable: refreshToken !== undefined }
}

type VaultKey = Pick<Vault, 'sid' | 'id' | 'expires'>

/** @param application whose provider gave the tokens */
export async function sealTokens(
  parts: Parts,
  application: Application,
  place: VaultKey,
  { accessToken, refreshToken, scope }: StoredTokens,
  now: number,
): Promise<string> {
  const kept: StoredTokens = { accessToken, refreshToken, scope }
  return sealFor(parts, application, purposeOf(place), kept, place.expires - Math.floor(now / 1000), now)
}

/** @returns undefined for a vault whose tokens the provider has refused, or whose key is gone. @throws {Unavailable} */
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
