/**
 * Computes the size and cost of a session's items by the broker's own transitions in memory and DynamoDB's rules for units.
 */

import type { Family } from '../../shared/domain/family.ts'
import { createCodeFamily, createDeviceFamily } from '../../shared/domain/new-family.ts'
import { decide, redeem, revokeByOps, rotate, type Transition } from '../../shared/domain/transitions.ts'
import { createVault } from '../../shared/domain/vault.ts'
import { plainBytes } from '../item-size.ts'
import { type Drawn, signedInAt } from './population.ts'

/** The sizes and costs of one session. Units are write units unless named otherwise, including those of indexes. */
export type Life = {
  readonly flow: Drawn['flow']
  /** Bytes of the family's item between two refreshes, and after operators have ended it. */
  readonly activeBytes: number
  readonly endedBytes: number
  /** Bytes of the session's entries in `by-subject`, `by-client` and `by-email`. */
  readonly indexBytes: number
  /** Bytes of the vault's item, if the provider's tokens are kept. */
  readonly vaultBytes: number
  /** From the first request to the first tokens. */
  readonly startUnits: number
  readonly refreshUnits: number
  /** Read units of a refresh that also returns the provider's token: one Query reads family and vault. */
  readonly vaultReadUnits: number
  readonly endUnits: number
  /** The units of refreshing the provider's token: the vault is leased and renewed. */
  readonly freshUnits: number
}

const limits = { accessTokenSeconds: 300, idleSeconds: 2_592_000, absoluteSeconds: 31_536_000, graceSeconds: 0 }
const holding = { ...limits, revokedBefore: 0, audiences: [] }
/** The lengths of 16 and of 32 bytes in base64url. */
const [id, hash] = ['i'.repeat(22), 'h'.repeat(43)]
const vaultId = 'v'.repeat(11)
const emailHash = 'e'.repeat(12)
const by = {
  actor: `arn:aws:sts::111122223333:assumed-role/${'r'.repeat(20)}/${'s'.repeat(24)}`,
  note: 'left the company',
}

export function lifeOf(drawn: Drawn): Life {
  const { flow, application, clientId } = drawn
  const presented = { application, clientId, sid: id, saltHash: hash }
  const moment = (afterMs: number) => ({ now: signedInAt + afterMs, writeId: id })
  const opened = open(drawn, signedInAt)
  const decided =
    flow === 'device'
      ? changed(decide(application, id, { approve: drawn.person, emailHash, vault: vaultId }, moment(31_417)), opened)
      : opened
  const binding = flow === 'code' ? { redirectUri: opened.redirectUri!, codeChallenge: hash } : undefined
  const first = changed(redeem({ ...presented, generation: 0 }, holding, binding, moment(34_689)), decided)
  const active = changed(rotate({ ...presented, generation: 1 }, holding, {}, moment(328_971)), first)
  const ended = changed(revokeByOps(application, id, by, moment(7_328_971)), { ...active, generation: 24 })
  const [openedBytes, decidedBytes, firstBytes, activeBytes, endedBytes] = [
    ...[opened, decided, first, active, ended].map(bytesOf),
  ] as [number, number, number, number, number]
  const bySubject = indexEntryBytes(active, ['subject', 'createdAt', 'sid', 'application', 'clientId', 'flow'])
  const byClient = indexEntryBytes(active, ['clientId', 'createdAt', 'sid', 'application'])
  const byEmail = indexEntryBytes(active, ['byEmail', 'createdAt', 'sid', 'clientId'])
  const vaultBytes = vaultBytesOf(drawn)
  const startUnits =
    unitsOf(openedBytes) +
    unitsOf(bySubject) +
    unitsOf(byClient) +
    unitsOf(byEmail) +
    // One pending poll, the decision, and the poll that finds it.
    (flow === 'device' ? unitsOf(openedBytes) + unitsOf(openedBytes, decidedBytes) + unitsOf(decidedBytes) : 0) +
    unitsOf(decidedBytes, firstBytes)
  return {
    flow,
    activeBytes,
    endedBytes,
    vaultBytes,
    startUnits,
    indexBytes: bySubject + byClient + byEmail,
    refreshUnits: unitsOf(activeBytes),
    vaultReadUnits: Math.ceil((activeBytes + vaultBytes) / 4096),
    endUnits: unitsOf(activeBytes, endedBytes),
    freshUnits: 2 * unitsOf(vaultBytes),
  }
}

/** A write costs one unit per kilobyte of the item before or after the write, whichever is larger. */
function unitsOf(...bytes: readonly number[]): number {
  return Math.ceil(Math.max(...bytes) / 1024)
}

function open(drawn: Drawn, now: number): Family {
  const { application, clientId, scopes, audience, startedFrom, person, hasNonce } = drawn
  const whose = {
    sid: id,
    saltHash: hash,
    writeId: id,
    application,
    clientId,
    scopes,
    audiences: [audience],
    startedFrom,
    limits,
    now,
  }
  if (drawn.flow === 'device') return createDeviceFamily({ ...whose, codeLifetimeSeconds: 900, intervalSeconds: 5 })
  return createCodeFamily({
    ...whose,
    person,
    emailHash,
    vault: vaultId,
    codeLifetimeSeconds: 60,
    codeChallenge: hash,
    redirectUri: `${audience}/callback`,
    nonce: hasNonce ? hash : undefined,
  })
}

/** Applies a transition whose guards all hold, as the table would. */
function changed({ set, copy = {}, sum = {}, remove = [] }: Transition, family: Family): Family {
  const next: Record<string, unknown> = { ...family, ...set }
  for (const [name, of] of Object.entries(copy)) next[name] = family[of]
  for (const [name, [of, plus]] of Object.entries(sum)) next[name] = Number(family[of]) + plus
  for (const name of remove) delete next[name]
  return next as Family
}

const familyKeyBytes = plainBytes({ pk: `family#${id}`, sk: 'family' })

function bytesOf(family: Family): number {
  return familyKeyBytes + plainBytes(family)
}

/** An index entry contains its own keys, the table's keys, and the projected attributes. */
function indexEntryBytes(family: Family, names: readonly (keyof Family)[]): number {
  return familyKeyBytes + plainBytes(Object.fromEntries(names.map((name) => [name, family[name]])))
}

function vaultBytesOf({ application, accessTokenLength, refreshTokenLength }: Drawn): number {
  const expires = Math.ceil(signedInAt / 1000) + limits.absoluteSeconds
  const opening = { sid: id, id: vaultId, application, writeId: id, expires }
  const vault = createVault(opening, '', { expiresInSeconds: 3_600, isRefreshable: true }, signedInAt)
  const empty = plainBytes({ pk: `family#${id}`, sk: `provider#${vaultId}`, ...vault, revision: 24 })
  return empty + sealedLength(accessTokenLength, refreshTokenLength, application)
}

/** The length of a compact JWE (RFC 7516 §7.1) whose payload contains both tokens, their scope and their binding. */
export function sealedLength(accessTokenLength: number, refreshTokenLength: number, application: string): number {
  const payload = {
    value: { accessToken: '', refreshToken: '', scope: providerScope },
    iss: application,
    aud: `provider ${id} ${vaultId}`,
    iat: 1_790_067_601,
    exp: 1_821_603_601,
  }
  const base64 = (bytes: number) => Math.ceil((bytes * 4) / 3)
  const header = base64(JSON.stringify({ alg: 'dir', enc: 'A256GCM', kid }).length)
  const tokens = accessTokenLength + refreshTokenLength
  return header + base64(JSON.stringify(payload).length + tokens) + base64(12) + base64(16) + '....'.length
}

/** The scope that the broker requests and the provider grants. */
export const providerScope = 'openid profile email offline_access'
/** A key id as long as those of the keyring. */
const kid = 'k'.repeat(16)
