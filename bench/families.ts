/**
 * The families that the bench puts into the table itself, through the broker's own domain and store.
 *
 * Owns what a family of the bench looks like. What is not measured is done here: a person's way through the browser and
 * the provider takes a second and would be all of the bench. What is measured always begins from an item that the
 * broker's own transitions have made.
 */

import { drawId } from '../shared/broker.ts'
import { hashSalt, type MacKey, mint, open } from '../shared/domain/credential.ts'
import type { Family, Limits, Person } from '../shared/domain/family.ts'
import { openCode } from '../shared/domain/opening.ts'
import { s256 } from '../shared/domain/pkce.ts'
import { decide } from '../shared/domain/transitions.ts'
import type { Families } from '../shared/store/families.ts'

export const application = 'demo'
export const scopes = ['openid', 'profile', 'email', 'offline_access'] as const
export const redirectUri = 'http://127.0.0.1:9999/cb'

/** As providers tell of people: a long id of their own, a name, an address. */
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

export type OpenedCode = { readonly code: string; readonly verifier: string }

/** An authorization code as the callback hands it out, with PKCE and a nonce. */
export async function openedCode(families: Families, macKey: MacKey): Promise<OpenedCode> {
  const verifier = drawId() + drawId()
  const credential = { sid: drawId(), generation: 0, salt: drawId() }
  await families.open(codeFamily(credential.sid, credential.salt, s256(verifier), Date.now()))
  return { code: mint('ac', application, credential, macKey), verifier }
}

/** The person of a device flow says yes. */
export async function approveDevice(families: Families, macKey: MacKey, deviceCode: string): Promise<void> {
  const credential = open('dc', application, deviceCode, [macKey])
  if (credential === undefined) throw new Error('The broker gave a device code that it did not mint')
  const moment = { now: Date.now(), attempt: drawId() }
  const outcome = await families.apply(decide(application, credential.sid, { approve: person }, moment))
  if (!outcome.done) throw new Error(`A pending device could not be approved: ${outcome.refusal.kind}`)
}

/** What a family looks like between two refreshes. */
export function activeFamily(sid: string, now: number): Family {
  const { redirectUri: _, codeChallenge: __, nonce: ___, sessionLifetimeMs, ...family } = codeFamily(sid, drawId(), '', now)
  const absoluteExpiresAt = now + (sessionLifetimeMs ?? 0)
  return { ...family, state: 'active', generation: 1, rotatedAt: now, absoluteExpiresAt }
}

function codeFamily(sid: string, salt: string, codeChallenge: string, now: number): Family {
  return openCode({
    ...{ sid, application, redirectUri, codeChallenge, person, limits, now },
    saltHash: hashSalt(salt),
    attempt: drawId(),
    clientId: 'web',
    scopes,
    audience: 'https://api.example.test',
    startedFrom: '127.0.0.1',
    codeLifetimeSeconds: 60,
    nonce: drawId(),
  })
}
