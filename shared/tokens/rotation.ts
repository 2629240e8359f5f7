/**
 * How keys come and go: rotation, and the retirement of a key that is in wrong hands.
 *
 * Owns when a key is used, when it is dropped, and what is refused. Pure: the time is handed in, and where fresh keys come
 * from can be. Must not know where the secret is kept nor who asks.
 *
 *     rotation at t     next ──► current, used from t + 15 min     current ──► previous, used until then
 *                       a new next is drawn and published          previous ──► gone, once all that it made has ended
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

/** A keyring that was made and is not in place after so long is made anew: its moments would come too early. */
export const handoverSeconds = 300

/**
 * How long a key is in the keyring, at least, before it is used. By then everybody knows it: the keyring is in place within
 * `handoverSeconds`, a warm Lambda reads it again within five minutes, and a verifier its published half (RFC 7517) within
 * five more.
 */
export const leadSeconds = handoverSeconds + keyringCachedMs / 1000 + publishedKeysCachedSeconds

/** The most that the registry's schema lets a client have. */
export const maxAccessTokenSeconds = 86_400
export const maxIdleSeconds = 31_536_000

/**
 * How long a key is kept after its last use, which is as long as anything that it made may be shown:
 * - signing: the longest access token; ID tokens live for an hour.
 * - MAC: a refresh token is good until its session has been idle for too long; codes live for minutes. A token that was
 *   spent longer ago than that is then unknown, no longer reuse: it is refused all the same.
 * - seal: cookies live for 15 minutes, but what is kept of a provider's tokens is sealed when they change, and a session
 *   may be idle in between.
 */
const retentionSeconds = { signing: maxAccessTokenSeconds, mac: maxIdleSeconds, seal: maxIdleSeconds } as const

/** Credentials have one byte for the key's id. */
const maxMacKeys = 256
/** Secrets Manager keeps no longer text. */
const maxKeyringBytes = 65_536

export type KeyringRefusal =
  | { readonly kind: 'too-early'; readonly publishedAtSeconds: number; readonly retryAtSeconds: number }
  | { readonly kind: 'no-free-id' }
  | { readonly kind: 'too-large' }
  | { readonly kind: 'unknown-key'; readonly key: string }
  | { readonly kind: 'nothing-named' }

/** @property text the keyring that is to take the place of the one handed in */
export type KeyringChange =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly refusal: KeyringRefusal }

/** What a refusal is to the person who asked. */
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

/** What people call a key by: the `kid` of tokens and seals; MAC keys have a number alone. */
export function nameOf(key: { readonly kid: string } | { readonly id: number }): string {
  return 'kid' in key ? key.kid : `mac-${key.id}`
}

/**
 * The keyring after a rotation of every kind of key.
 *
 * @param text the keyring as it is
 */
export async function rotateKeyring(
  text: string,
  nowMs: number,
  source: KeySource = randomKeys,
): Promise<KeyringChange> {
  const secret = parseKeyring(text)
  const nowSeconds = Math.floor(nowMs / 1000)
  const publishedAtSeconds = Math.max(
    ...linesOf(secret)
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
 * The keyring without some of its keys, now, whatever they made. A retired current key is followed by the next one at once.
 *
 * @param names as `nameOf` has them; `all` leaves none of the keys that are there, `next` ones included, as when somebody
 *   has read the keyring
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

// --- the change of one line -----------------------------------------------------------------------------------------

type MakeKey<Key> = (life: KeyLife) => Key | Promise<Key>

type Change = {
  /** The keys of a line that stay in the keyring. */
  leave<Key extends KeyLife & ({ readonly kid: string } | { readonly id: number })>(
    keys: readonly Key[],
  ): readonly Key[]
  /** @param keys those that stay; @param all those that there were */
  turn<Key extends KeyLife>(
    keys: readonly Key[],
    draw: MakeKey<Key>,
    keptFor: number,
    all: readonly Key[],
  ): readonly Key[] | Promise<readonly Key[]>
}

/** The next key takes over in a while, and another next one is drawn. A keyring of version 1 has none yet. */
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
      // The margin is for a Lambda that could not read the keyring for a while, and went on by the one it had.
      keptUntilSeconds: key.keptUntilSeconds ?? usedFromSeconds + keptFor + leadSeconds,
    })),
  ]
}

/** After keys were taken out of the line: a current key and a next one again, used without delay where one is missed. */
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
  // The one in use may be the current one's predecessor, if keys rotated minutes ago. Unless it is still there the current
  // one cannot wait for its moment.
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

// --- the keyring as lines -------------------------------------------------------------------------------------------

async function changeKeyring(
  secret: KeyringSecret,
  nowSeconds: number,
  source: KeySource,
  { leave, turn }: Change,
): Promise<KeyringChange> {
  const macLeft = leave(secret.mac)
  // A line may need two fresh keys, a current and a next one.
  if (macLeft.length + 2 > maxMacKeys) return refuse({ kind: 'no-free-id' })
  const drawId = freeIds(secret.mac, macLeft)
  const signing = signingAlgorithms.map((alg) => {
    const line = secret.signing.filter((key) => key.alg === alg)
    return turn(leave(line), (life) => newSigningKey(source, alg, life), retentionSeconds.signing, line)
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
    // It turns with no rotation; a retired one, or one that is not there yet, is drawn anew.
    lookup: leave(lookupOf(secret))[0] ?? newLookupKey(source, nowSeconds),
  })
  return Buffer.byteLength(text) > maxKeyringBytes ? refuse({ kind: 'too-large' }) : { ok: true, text }
}

/**
 * Ids for fresh keys, the one that has been free for the longest first: what a key made that is gone is then of an unknown
 * key, and no credential that does not hold. Only where there is no room for that, the ids that this change sets free.
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

/** Those that turn. */
function linesOf({ signing, mac, seal }: KeyringSecret): readonly (readonly KeyLife[])[] {
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
