/** What the simulation has seen of the broker: facts about families, credentials and the provider, for the invariants. */

import { createDecipheriv } from 'node:crypto'
import { unmarshall } from '@aws-sdk/util-dynamodb'
import type { Family } from '../../shared/domain/family.ts'
import { parseKeyring } from '../../shared/tokens/keyring-secret.ts'
import type { Answer, Call } from './broker.ts'
import type { Item } from './dynamodb/values.ts'
import type { StoreEvent } from './network.ts'
import type { Settings } from './registry.ts'
import { virtual } from './virtual.ts'

export type Shown = {
  readonly kind: 'rt' | 'ac' | 'dc'
  readonly keyId: number
  readonly sid: string
  readonly generation: number
  readonly salt: string
}

/** Reads a credential, authentic or not. */
export function shownIn(text: string | undefined): Shown | undefined {
  const [, kind, encoded] = /^(rt|ac|dc)_([\w-]{92})$/.exec(text ?? '') ?? []
  if (kind === undefined || encoded === undefined) return undefined
  const bytes = Buffer.from(encoded, 'base64url')
  return {
    kind: kind as Shown['kind'],
    keyId: bytes.readUInt8(0),
    sid: bytes.toString('base64url', 1, 17),
    generation: bytes.readUInt32BE(17),
    salt: bytes.toString('base64url', 21, 37),
  }
}

/** What a call presents, if it asks for tokens. */
export function credentialOf({ request }: Pick<Call, 'request'>): Shown | undefined {
  const { form = {} } = request
  if (form.grant_type === undefined) return undefined
  return shownIn(form.refresh_token ?? form.code ?? form.device_code)
}

export function givesTokens(call: Call, answer: Answer | undefined): answer is Answer {
  return answer?.status === 200 && call.request.form?.grant_type !== undefined
}

/** @property generation that it began. @property byCall key of the call that wrote it */
export type Rotation = { readonly generation: number; readonly atMs: number; readonly byCall: string }

export type FamilySeen = {
  family: Family
  readonly rotations: Rotation[]
  /** Texts of the refresh tokens, by generation. */
  readonly tokens: Map<number, string>
  /** When the table had it as revoked. */
  revokedAtMs?: number
  /** When somebody was told that it has ended. */
  endedAtMs?: number
  /** Whether a thief has used one of its credentials, or an operator, the client or the provider has ended it. */
  isContested: boolean
}

export type CallSeen = {
  /** The rotation that it has written. */
  rotation?: Rotation & { readonly sid: string }
  /** Whether an answer of the store has reached it after that. */
  heardAfterRotation: boolean
  /** Operations, each with the kind of its item: `UpdateItem family`. */
  readonly requests: string[]
  units: number
}

/** Values that must stay out of the table and the log. */
const minSecretLength = 8

export class Seen {
  readonly settings: Settings
  readonly maxSkewMs: number
  readonly families = new Map<string, FamilySeen>()
  #contestsAll = false
  readonly calls = new Map<string, CallSeen>()
  readonly secrets = new Set<string>()
  /** A provider's refresh token, and the one that replaced it. */
  readonly replaced = new Map<string, string>()
  /** Refresh tokens of the provider that are or were in the table. */
  readonly storedAtVault = new Set<string>()
  /** Refresh tokens that a function has sent to the provider and waits for. */
  readonly atProvider = new Map<string, Call>()
  /** Devices whose person has approved at the provider's page, by sid; and the people who denied. */
  readonly decisions = new Map<string, 'approved' | 'denied'>()
  /** Client assertions, and the call that each has proven. */
  readonly assertions = new Map<string, string>()
  /** Ids of MAC keys that were retired. */
  readonly retiredKeys = new Set<number>()
  /** From then on every function knows of the retirement. */
  retiredFromMs = Number.POSITIVE_INFINITY
  readonly #keyring: () => string
  #sealKeys: { readonly text: string; readonly keys: ReadonlyMap<string, Buffer> } = { text: '', keys: new Map() }

  constructor(settings: Settings, maxSkewMs: number, keyring: () => string) {
    this.settings = settings
    this.maxSkewMs = maxSkewMs
    this.#keyring = keyring
  }

  call(key: string): CallSeen {
    const known = this.calls.get(key) ?? { heardAfterRotation: false, requests: [], units: 0 }
    this.calls.set(key, known)
    return known
  }

  /** What a retired MAC key has made ends. A retired signing key ends no session. */
  retire(macKeys: readonly number[], fromMs: number): void {
    for (const id of macKeys) this.retiredKeys.add(id)
    this.retiredFromMs = fromMs
    if (macKeys.length > 0) for (const family of this.families.values()) family.isContested = true
  }

  /** From now on every family may end by somebody else's act, also those that are yet to be written. */
  contestAll(): void {
    this.#contestsAll = true
    for (const family of this.families.values()) family.isContested = true
  }

  addSecret(text: string | undefined): void {
    if (text !== undefined && text.length >= minSecretLength) this.secrets.add(text)
  }

  /** @returns the family before and after this write, if it is one of a family */
  store(event: StoreEvent): { readonly before: Family | undefined; readonly after: Family | undefined } | undefined {
    const call = this.call(event.sender.key)
    call.requests.push(`${event.operation} ${kindOf(event.request)}`)
    for (const { units } of event.writes) call.units += units
    const write = event.writes.find(({ before, after }) => isFamily(after ?? before))
    this.#seeVaults(event)
    if (write === undefined) return undefined
    const [before, after] = [familyIn(write.before), familyIn(write.after)]
    if (after === undefined) return { before, after }
    const known = this.families.get(after.sid)
    if (known === undefined) {
      this.families.set(after.sid, { family: after, rotations: [], tokens: new Map(), isContested: this.#contestsAll })
    } else known.family = after
    if (known !== undefined && after.state === 'revoked') known.revokedAtMs ??= virtual.nowMs
    if (before !== undefined && after.generation > before.generation) {
      const rotation = { generation: after.generation, atMs: virtual.nowMs, byCall: event.sender.key }
      known?.rotations.push(rotation)
      call.rotation = { ...rotation, sid: after.sid }
      call.heardAfterRotation = false
    }
    return { before, after }
  }

  storeAnswer(event: StoreEvent): void {
    const call = this.call(event.sender.key)
    if (call.rotation !== undefined && event.atMs >= call.rotation.atMs) call.heardAfterRotation = true
  }

  answer(call: Call, answer: Answer | undefined): void {
    if (answer === undefined) return
    for (const name of ['refresh_token', 'access_token', 'device_code', 'user_code'] as const) {
      const text = answer.body[name]
      if (typeof text !== 'string') continue
      this.addSecret(text)
      if (name === 'user_code') this.addSecret(text.replace('-', ''))
      this.addSecret(shownIn(text)?.salt)
    }
    const token = answer.body.refresh_token
    const shown = typeof token === 'string' ? shownIn(token) : undefined
    const family = shown && this.families.get(shown.sid)
    if (!givesTokens(call, answer) || call.hasOldKeyring || family === undefined) return
    if (!family.tokens.has(shown!.generation)) {
      family.tokens.set(shown!.generation, token as string)
    }
  }

  /** The tokens in the vaults, as only the keyring shows them. */
  #seeVaults({ writes }: StoreEvent): void {
    for (const { after } of writes) {
      const sealed = after?.sealed
      if (sealed === undefined || !('S' in sealed)) continue
      const token = this.#unseal(sealed.S)?.refreshToken
      if (token !== undefined) this.storedAtVault.add(token)
    }
  }

  #unseal(sealed: string): { readonly refreshToken?: string } | undefined {
    const text = this.#keyring()
    if (this.#sealKeys.text !== text) {
      const keys = new Map(parseKeyring(text).seal.map(({ kid, key }) => [kid, Buffer.from(key, 'base64url')]))
      this.#sealKeys = { text, keys }
    }
    const [header = '', , iv = '', ciphertext = '', tag = ''] = sealed.split('.')
    const { kid } = JSON.parse(Buffer.from(header, 'base64url').toString()) as { kid: string }
    const key = this.#sealKeys.keys.get(kid)
    if (key === undefined) return undefined
    const decipher = createDecipheriv('aes-256-gcm', key, Buffer.from(iv, 'base64url'))
    decipher.setAAD(Buffer.from(header)).setAuthTag(Buffer.from(tag, 'base64url'))
    const plain = Buffer.concat([decipher.update(Buffer.from(ciphertext, 'base64url')), decipher.final()])
    return (JSON.parse(plain.toString()) as { value: { refreshToken?: string } }).value
  }
}

function kindOf({ Key, Item }: StoreEvent['request']): string {
  const { pk } = (Key ?? Item ?? {}) as { readonly pk?: { readonly S: string } }
  return pk?.S.split('#')[0] ?? ''
}

/** Items never change. */
const families = new WeakMap<Item, Family>()

function familyIn(item: Item | undefined): Family | undefined {
  if (item === undefined) return undefined
  const family = families.get(item) ?? (unmarshall(item as never) as Family)
  families.set(item, family)
  return family
}

function isFamily(item: Item | undefined): boolean {
  const sk = item?.sk
  return sk !== undefined && 'S' in sk && sk.S === 'family'
}
