/**
 * Creates families in the table through the broker's own domain and store.
 *
 * A sign-in through a browser and a provider takes a second, far longer than what is measured, so the bench skips it.
 */

import { randomBytes } from 'node:crypto'
import { hashSalt, type MacKey, mint, verify } from '../shared/domain/credential.ts'
import type { Limits, Person } from '../shared/domain/family.ts'
import { createCodeFamily, createDeviceFamily } from '../shared/domain/new-family.ts'
import { s256 } from '../shared/domain/pkce.ts'
import { decide, redeem, rotate, type Transition } from '../shared/domain/transitions.ts'
import { processParts } from '../shared/parts.ts'
import { randomId } from '../shared/random.ts'
import type { Families } from '../shared/store/families.ts'
import { storeTokens } from '../shared/vault/stored-tokens.ts'

export const application = 'demo'
export const scopes = ['openid', 'profile', 'email', 'offline_access'] as const
const audiences = ['https://api.example.test']
export const redirectUri = 'http://127.0.0.1:9999/cb'
const clientId = 'web'
/** An application that keeps its provider's tokens in a vault. */
export const vaulted = 'wiremock'

/** A typical person at a provider: a long provider-specific id, a name, an address. */
const person: Person = {
  sub: 'auth0|65f1c0d2a9b34e7f8c6d5e40',
  claims: {
    name: 'Augusta Ada King',
    preferred_username: 'ada.lovelace',
    email: 'ada.lovelace@example.test',
    email_verified: true,
  },
  authTimeSeconds: 1_760_000_000,
}

const limits: Limits = {
  accessTokenSeconds: 300,
  idleSeconds: 2_592_000,
  absoluteSeconds: 31_536_000,
  graceSeconds: 0,
}

/** Typical lengths: the access token of a JWT for an API, the refresh token of an opaque one. */
const providerTokens = {
  accessToken: drawText(900),
  refreshToken: drawText(64),
}

export type OpenedCode = { readonly code: string; readonly verifier: string }

/** An authorization code as the callback hands it out, with PKCE and a nonce. */
export async function openedCode(families: Families, macKey: MacKey): Promise<OpenedCode> {
  const verifier = randomId() + randomId()
  const credential = { sid: randomId(), generation: 0, salt: randomId() }
  await openFamily(families, credential, s256(verifier))
  return { code: mint('ac', application, credential, macKey), verifier }
}

/** Approves a device flow, as the person would. */
export async function approveDevice(families: Families, macKey: MacKey, deviceCode: string): Promise<void> {
  const credential = verify('dc', application, deviceCode, [macKey])
  if (credential === undefined)
    throw new Error('The device code of the broker does not verify with the current MAC key')
  await move(families, decide(application, credential.sid, { approve: person }, moment()))
}

/** Creates a session that has been refreshed once, so that its item has the shape that it has between refreshes. */
export async function refreshedSession(families: Families): Promise<{ sid: string; generation: number }> {
  const { sid, salt } = { sid: randomId(), salt: randomId() }
  const codeChallenge = s256(randomId() + randomId())
  await openFamily(families, { sid, salt }, codeChallenge)
  const presented = { application, clientId, sid, generation: 0, saltHash: hashSalt(salt) }
  const holding = { ...limits, revokedBefore: 0, audiences }
  await move(families, redeem(presented, holding, { redirectUri, codeChallenge }, moment()))
  await move(families, rotate({ ...presented, generation: 1 }, holding, {}, moment()))
  return { sid, generation: 2 }
}

/**
 * Creates a session with the provider's tokens in a vault, refreshed once.
 *
 * @param expiresInSeconds of the provider's access token; 0 if it has expired
 * @returns the refresh token
 */
export async function vaultedSession(
  { families, macKey }: { readonly families: Families; readonly macKey: MacKey },
  holder: string,
  expiresInSeconds: number,
): Promise<string> {
  const { registrations } = processParts()
  const [kept, client] = [await registrations.application(vaulted), await registrations.client(vaulted, holder)]
  const { sid, salt } = { sid: randomId(), salt: randomId() }
  const waiting = { codeLifetimeSeconds: 900, intervalSeconds: 6, audiences: [client!.audiences[0]!], limits: client! }
  const whose = { sid, application: vaulted, clientId: holder, saltHash: hashSalt(salt) }
  await families.create(createDeviceFamily({ ...whose, ...waiting, ...moment(), scopes, startedFrom: '127.0.0.1' }))
  const vault = await storeTokens(processParts(), kept!, client!, sid, { ...providerTokens, expiresInSeconds }, 900)
  await move(families, decide(vaulted, sid, { approve: person, vault }, moment()))
  const holding = { ...client!, revokedBefore: 0 }
  await move(families, redeem({ ...whose, generation: 0 }, holding, undefined, moment()))
  await move(families, rotate({ ...whose, generation: 1 }, holding, {}, moment()))
  return mint('rt', vaulted, { sid, salt, generation: 2 }, macKey)
}

function drawText(length: number): string {
  return randomBytes(length).toString('base64url').slice(0, length)
}

type Born = { readonly sid: string; readonly salt: string }

async function openFamily(families: Families, { sid, salt }: Born, codeChallenge: string): Promise<void> {
  const family = createCodeFamily({
    sid,
    application,
    clientId,
    scopes,
    redirectUri,
    codeChallenge,
    person,
    limits,
    ...moment(),
    saltHash: hashSalt(salt),
    audiences,
    startedFrom: '127.0.0.1',
    codeLifetimeSeconds: 60,
    nonce: randomId(),
  })
  if (!(await families.create(family))) throw new Error('A family with this new random id already exists')
}

async function move(families: Families, transition: Transition): Promise<void> {
  const outcome = await families.apply(transition)
  if (!outcome.done) throw new Error(`The transition ${transition.name} was refused: ${outcome.refusal.kind}`)
}

function moment() {
  return { now: Date.now(), writeId: randomId() }
}
