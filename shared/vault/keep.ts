/**
 * How the provider's tokens are kept: sealed (JWE, A256GCM) and bound to application, session and sign-in, so that a
 * ciphertext moved to another item opens for nobody.
 *
 * Owns what is sealed. Must not know when tokens are fetched anew (fresh.ts) nor who is given them.
 */

import { broker, clock, drawId } from '../broker.ts'
import type { Application, Client } from '../domain/registration.ts'
import { openVault, type Vault, vaultExpires } from '../domain/vault.ts'
import type { ProviderTokens } from '../providers/provider.ts'
import type { Keyring } from '../tokens/keyring.ts'
import { seal, unseal } from '../tokens/seal.ts'

/** What is sealed. How long it lasts stands beside it, in the clear. */
export type Kept = Pick<ProviderTokens, 'accessToken' | 'refreshToken'>

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
export async function keepTokens(
  { name: application }: Application,
  { keepsProviderTokens, absoluteSeconds }: Client,
  sid: string,
  tokens: ProviderTokens,
  codeLifetimeSeconds: number,
): Promise<string | undefined> {
  if (!keepsProviderTokens) return undefined
  const now = clock.now()
  const id = drawId().slice(0, idLength)
  const expires = vaultExpires(codeLifetimeSeconds, absoluteSeconds, now)
  const opening = { sid, id, application, attempt: drawId(), expires }
  const sealed = await sealTokens(opening, tokens, now)
  await broker().vaults.put(openVault(opening, sealed, lifetimeOf(tokens), now))
  return id
}

export function lifetimeOf({ expiresInSeconds, refreshToken }: ProviderTokens) {
  return { expiresInSeconds, isRefreshable: refreshToken !== undefined }
}

type Place = Pick<Vault, 'sid' | 'id' | 'application' | 'expires'>

export async function sealTokens(place: Place, { accessToken, refreshToken }: Kept, now: number): Promise<string> {
  const kept: Kept = { accessToken, refreshToken }
  return seal(await broker().keyring(), sealingOf(place, now), kept, place.expires - Math.floor(now / 1000))
}

/** @returns undefined for a vault whose tokens the provider has refused, or whose key is gone. @throws {Unavailable} */
export async function unsealTokens(vault: Vault, now: number): Promise<Kept | undefined> {
  const { sealed } = vault
  if (sealed === undefined) return undefined
  const openWith = async (keyring: Keyring) => unseal<Kept>(keyring, sealingOf(vault, now), sealed)
  const opened = await openWith(await broker().keyring())
  if (opened !== undefined) return opened
  // Where a key was retired at once, others may seal with one that came after our last look, however short ago that was;
  // and to take it for lost would end a session. A vault that is lost indeed is asked about no more.
  return openWith(await broker().keyring(0))
}

function sealingOf({ sid, id, application }: Place, nowMs: number) {
  return { purpose: `provider ${sid} ${id}`, application, nowMs }
}
