/**
 * Rotation of the keys, and retirement of keys that are compromised. Pure: the time and the source of new keys are handed in.
 *
 *     rotation at t     next ──► current, used from t + 15 min     current ──► previous, used until then
 *                       a new next key is published                previous ──► removed, once everything it made has expired
 */

import { keyringCachedMs, publishedKeysCachedSeconds } from './keyring.ts'
import {
  type KeyLife,
  type KeyringSecret,
  type KeySource,
  newLookupKey,
  newMacKey,
  newSealKey,
  newSigningKey,
  parseKeyring,
  randomKeys,
  type StoredLookupKey,
  type StoredMacKey,
  signingAlgorithms,
  writeKeyring,
} from './keyring-secret.ts'

/** A new keyring must be in place within this time, or else it is made anew, because its times would come too early. */
export const handoverSeconds = 300

/**
 * The shortest time between the publication of a key and its use. The keyring is in place within `handoverSeconds`, every Lambda
 * reads it within five more minutes, and verifiers the public keys (RFC 7517) within another five.
 */
export const leadSeconds = handoverSeconds + keyringCachedMs / 1000 + publishedKeysCachedSeconds

/** The maximum of the registry's schema. */
export const maxAccessTokenSeconds = 86_400
export const maxIdleSeconds = 31_536_000

/**
 * How long a key is kept after its last use, so that everything it made can still be verified or unsealed:
 * - signing: the longest access token. ID tokens live for an hour.
 * - MAC: the longest idle lifetime of a refresh token. Codes live for minutes. A token that was spent longer ago is then refused
 *   as unknown, and no longer as reuse.
 * - seal: the longest idle lifetime, because the provider's tokens are sealed again only when they change. Cookies live for 15
 *   minutes.
 */
const retentionSeconds = { signing: maxAccessTokenSeconds, mac: maxIdleSeconds, seal: maxIdleSeconds } as const

/** Credentials have one byte for the key id. */
const maxMacKeys = 256
/** The limit of Secrets Manager. */
const maxKeyringBytes = 65_536

export type KeyringRefusal =
  | { readonly kind: 'too-early'; readonly publishedAtSeconds: number; readonly retryAtSeconds: number }
  | { readonly kind: 'no-free-id' }
  | { readonly kind: 'too-large' }
  | { readonly kind: 'unknown-key'; readonly key: string }
  | { readonly kind: 'nothing-named' }

/** @property text the new keyring */
export type KeyringChange =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly refusal: KeyringRefusal }

/** Explains a refusal to the operator. */
export function explainRefusal(refusal: KeyringRefusal): string {
  switch (refusal.kind) {
    case 'too-early':
      return `The next keys were published at ${iso(refusal.publishedAtSeconds)}, and must have been for ${leadSeconds / 60} minutes, so that they are known everywhere before they are used. Try again at ${iso(refusal.retryAtSeconds)}.`
    case 'no-free-id':
      return `A credential names its MAC key in one byte, and too many of the ${maxMacKeys} keys are kept still. One that is a year old makes room; or retire some, which ends what they made.`
    case 'too-large':
      return `The keyring would be longer than the ${maxKeyringBytes} bytes that a secret may have. Keys that are a year old make room; or retire some, which ends what they made.`
    case 'unknown-key':
      return `The keyring holds no key ${JSON.stringify(refusal.key)}.`
    case 'nothing-named':
      return 'No key was named.'
  }
}

/** The name of a key for operators: its `kid`, or `mac-<id>`. */
export function nameOf(key: { readonly kid: string } | { readonly id: number }): string {
  return 'kid' in key ? key.kid : `mac-${key.id}`
}

/**
 * Rotates every kind of key.
 *
 * @param text of the current keyring
 */
export async function rotateKeyring(
  text: string,
  nowMs: number,
  source: KeySource = randomKeys,
): Promise<KeyringChange> {
  const secret = parseKeyring(text)
  const nowSeconds = Math.floor(nowMs / 1000)
  const publishedAtSeconds = Math.max(
    ...rotatingKeys(secret)
      .flatMap(nextOf)
      .map((key) => key.publishedAtSeconds),
    0,
  )
  const retryAtSeconds = publishedAtSeconds + leadSeconds
  if (nowSeconds < retryAtSeconds) return refuse({ kind: 'too-early', publishedAtSeconds, retryAtSeconds })
  return changeKeyring(secret, nowSeconds, source, {
    leave: (keys) => keys.filter((key) => key.status !== 'previous' || (key.keptUntilSeconds ?? Infinity) > nowSeconds),
    turn: (keys, draw, keptFor) => rotateKeys(keys, draw, keptFor, nowSeconds),
  })
}

/**
 * Removes keys at once, whatever they made. The next key replaces a retired current key immediately.
 *
 * @param names by `nameOf`; `all` removes every key, `next` ones too, for a keyring that has leaked
 */
export async function retireKeys(
  text: string,
  names: readonly string[] | 'all',
  nowMs: number,
  source: KeySource = randomKeys,
): Promise<KeyringChange> {
  const secret = parseKeyring(text)
  const known = [...secret.signing, ...secret.mac, ...secret.seal, ...lookupOf(secret)].map(nameOf)
  const unknown = names === 'all' ? undefined : names.find((name) => !known.includes(name))
  if (unknown !== undefined) return refuse({ kind: 'unknown-key', key: unknown })
  if (names.length === 0) return refuse({ kind: 'nothing-named' })
  const nowSeconds = Math.floor(nowMs / 1000)
  return changeKeyring(secret, nowSeconds, source, {
    leave: (keys) => keys.filter((key) => names !== 'all' && !names.includes(nameOf(key))),
    turn: (keys, draw, _, all) => (keys.length === all.length ? all : fillGaps(keys, draw, nowSeconds)),
  })
}

// --- the change of one kind -----------------------------------------------------------------------------------------

type MakeKey<Key> = (life: KeyLife) => Key | Promise<Key>

type Change = {
  /** The keys of one kind that stay in the keyring. */
  leave<Key extends KeyLife & ({ readonly kid: string } | { readonly id: number })>(
    keys: readonly Key[],
  ): readonly Key[]
  /** The new keys of one kind. @param keys that stay. @param all that there were */
  turn<Key extends KeyLife>(
    keys: readonly Key[],
    draw: MakeKey<Key>,
    keptFor: number,
    all: readonly Key[],
  ): readonly Key[] | Promise<readonly Key[]>
}

/** Makes the next key current after the lead time, and adds a new next key. A keyring of version 1 has no next key. */
async function rotateKeys<Key extends KeyLife>(
  keys: readonly Key[],
  draw: MakeKey<Key>,
  keptFor: number,
  nowSeconds: number,
): Promise<readonly Key[]> {
  const usedFromSeconds = nowSeconds + leadSeconds
  const next = { status: 'next', publishedAtSeconds: nowSeconds } as const
  const taking = nextOf(keys)[0] ?? (await draw(next))
  const others = keys.filter((key) => key !== taking)
  return [
    { ...taking, status: 'current', usedFromSeconds },
    await draw(next),
    ...others.map((key) => ({
      ...key,
      status: 'previous' as const,
      usedUntilSeconds: key.usedUntilSeconds ?? usedFromSeconds,
      // The margin covers a Lambda that could not read the keyring for a while and used its cached one.
      keptUntilSeconds: key.keptUntilSeconds ?? usedFromSeconds + keptFor + leadSeconds,
    })),
  ]
}

/** Fills the gaps after a retirement: a new current key is used at once, and there is a next key again. */
async function fillGaps<Key extends KeyLife>(
  keys: readonly Key[],
  draw: MakeKey<Key>,
  nowSeconds: number,
): Promise<readonly Key[]> {
  const fresh = { status: 'next', publishedAtSeconds: nowSeconds } as const
  const current = keys.find(({ status }) => status === 'current')
  const taking = current ?? nextOf(keys)[0] ?? (await draw(fresh))
  const next = nextOf(keys).find((key) => key !== taking) ?? (await draw(fresh))
  const previous = keys.filter(({ status }) => status === 'previous')
  // Minutes after a rotation, the key in use is still the predecessor. If that is retired, the current key is used at once.
  const isCovered = previous.some(({ usedUntilSeconds = 0 }) => usedUntilSeconds > nowSeconds)
  const usedFromSeconds =
    current?.usedFromSeconds !== undefined && (isCovered || current.usedFromSeconds <= nowSeconds)
      ? current.usedFromSeconds
      : nowSeconds
  return [
    { ...taking, status: 'current', usedFromSeconds },
    next,
    ...previous.map((key) => ({
      ...key,
      usedUntilSeconds: Math.min(key.usedUntilSeconds ?? usedFromSeconds, usedFromSeconds),
    })),
  ]
}

// --- the whole keyring -------------------------------------------------------------------------------------------

async function changeKeyring(
  secret: KeyringSecret,
  nowSeconds: number,
  source: KeySource,
  { leave, turn }: Change,
): Promise<KeyringChange> {
  const macLeft = leave(secret.mac)
  // Up to two new keys are needed, a current and a next one.
  if (macLeft.length + 2 > maxMacKeys) return refuse({ kind: 'no-free-id' })
  const drawId = freeIds(secret.mac, macLeft)
  const signing = signingAlgorithms.map((alg) => {
    const keys = secret.signing.filter((key) => key.alg === alg)
    return turn(leave(keys), (life) => newSigningKey(source, alg, life), retentionSeconds.signing, keys)
  })
  const mac = turn(macLeft, (life) => newMacKey(source, drawId(), life), retentionSeconds.mac, secret.mac)
  const seal = turn(leave(secret.seal), (life) => newSealKey(source, life), retentionSeconds.seal, secret.seal)
  const text = writeKeyring({
    version: 2,
    serial: secret.serial + 1,
    madeAtSeconds: nowSeconds,
    signing: (await Promise.all(signing)).flat(),
    mac: await mac,
    seal: await seal,
    // No rotation replaces it. A retired or missing one is made anew.
    lookup: leave(lookupOf(secret))[0] ?? newLookupKey(source, nowSeconds),
  })
  return Buffer.byteLength(text) > maxKeyringBytes ? refuse({ kind: 'too-large' }) : { ok: true, text }
}

/**
 * Ids for new keys, the longest unused first. A credential of a removed key then has an unknown key id, instead of a wrong MAC. Ids
 * that this change frees are used only if there are no others.
 */
function freeIds(keys: readonly StoredMacKey[], left: readonly StoredMacKey[]): () => number {
  const taken = new Set((keys.length + 2 > maxMacKeys ? left : keys).map(({ id }) => id))
  let last = keys.find(({ status }) => status === 'next')?.id ?? Math.max(0, ...taken)
  return () => {
    do last = (last + 1) % maxMacKeys
    while (taken.has(last))
    taken.add(last)
    return last
  }
}

/** The keys that rotate. */
function rotatingKeys({ signing, mac, seal }: KeyringSecret): readonly (readonly KeyLife[])[] {
  return [signing, mac, seal]
}

function lookupOf({ lookup }: KeyringSecret): readonly StoredLookupKey[] {
  return lookup === undefined ? [] : [lookup]
}

function nextOf<Key extends KeyLife>(keys: readonly Key[]): readonly Key[] {
  return keys.filter(({ status }) => status === 'next')
}

function refuse(refusal: KeyringRefusal): KeyringChange {
  return { ok: false, refusal }
}

function iso(seconds: number): string {
  return new Date(seconds * 1000).toISOString()
}
