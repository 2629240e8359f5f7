/**
 * rotate-keys: the rotation function of the keyring. Secrets Manager calls it for each step of a rotation; ops call it to
 * list, rotate and retire keys.
 *
 * Each step may be repeated, late, or follow a failed one. A new keyring replaces only the one that it was derived from, so a
 * concurrent rotation and retirement cannot undo each other.
 */

import { log } from '../shared/log.ts'
import { clock } from '../shared/parts.ts'
import {
  dropPending,
  makeCurrent,
  newVersionId,
  readVersion,
  type Versions,
  versionsOf,
  writePending,
} from '../shared/secrets-manager.ts'
import {
  describeKeyring,
  describeRetirement,
  describeRotation,
  type KeyDescription,
  type Retirement,
  type Rotation,
} from '../shared/tokens/keyring-report.ts'
import { replacementFault, testKeyring } from '../shared/tokens/keyring-trial.ts'
import { explainRefusal, type KeyringChange, retireKeys, rotateKeyring } from '../shared/tokens/rotation.ts'

/** A step of a rotation, as Secrets Manager asks for it. */
export type RotationStep = {
  readonly Step: 'createSecret' | 'setSecret' | 'testSecret' | 'finishSecret'
  /** The secret's ARN. */
  readonly SecretId: string
  /** The id of the version that the rotation creates. */
  readonly ClientRequestToken: string
}

/** Ops retire keys: those with these names from the list, or every key. */
export type Emergency = { readonly emergency: { readonly retire: readonly string[] | 'all'; readonly reason: string } }
export type ListKeys = { readonly list: true }
export type RotateNow = { readonly rotate: true }

type Told = Retirement | Rotation | { readonly keys: readonly KeyDescription[] }

/** Tries to write a keyring that somebody else replaces meanwhile. */
const maxTries = 3

/** CloudTrail names the caller by this id. */
type Invocation = { readonly awsRequestId: string }

/** @throws when a step or a retirement is refused; the message says why, and holds no key */
export async function handler(
  event: RotationStep | Emergency | RotateNow | ListKeys,
  invocation?: Invocation,
): Promise<Told | undefined> {
  const name = keyringName()
  const requestId = invocation?.awsRequestId
  if ('emergency' in event) return retire(name, event.emergency, requestId)
  if ('rotate' in event && event.rotate) return rotate(name, requestId)
  if ('list' in event && event.list) return { keys: describeKeyring((await current(name)).text, clock.now()) }
  if (!('SecretId' in event)) {
    throw new Error('Send {"list":true}, {"rotate":true} or {"emergency":{"retire":[…],"reason":"…"}}.')
  }
  // The function has rights to the keyring alone. This check gives a clearer error.
  if (!event.SecretId.includes(`:secret:${name}-`)) throw new Error('This function rotates the keyring alone.')
  await take(event.Step, name, event.ClientRequestToken, requestId)
  return undefined
}

function keyringName(): string {
  const [, prefix] = /^secretsmanager:(.+)$/.exec(process.env.SECRETS ?? '') ?? []
  if (prefix === undefined) throw new Error('SECRETS must be secretsmanager:<prefix>')
  return `${prefix}keyring`
}

// --- the steps of a rotation ----------------------------------------------------------------------------------------

async function take(
  step: RotationStep['Step'],
  name: string,
  versionId: string,
  requestId: string | undefined,
): Promise<void> {
  const versions = await versionsOf(name)
  // The step was done already, and is repeated or its answer was lost.
  if (versions.current === versionId) return
  // With a schedule that does not rotate at once, Secrets Manager takes this step alone, for a version that it puts there
  // and removes again by itself (API Reference, RotateSecret, RotateImmediately): there may be none by now.
  if (step === 'testSecret' && versions.pending === undefined) return tryPending(name, versionId)
  if (versions.pending !== versionId) throw new Error('The version is not pending: another change has taken its place.')
  switch (step) {
    case 'createSecret':
      return create(name, versionId)
    case 'setSecret':
      // No other service holds these keys.
      return
    case 'testSecret':
      return tryPending(name, versionId)
    case 'finishSecret':
      return finish(name, versionId, versions, requestId)
    default:
      throw new Error('Secrets Manager asks for a step that is not known here.')
  }
}

async function create(name: string, versionId: string): Promise<void> {
  if ((await readVersion(name, versionId)) !== undefined) return
  const { text } = await current(name)
  await writePending(name, versionId, textOrThrow(await rotateKeyring(text, clock.now())))
}

/** Tests the current keyring if the version is empty. */
async function tryPending(name: string, versionId: string): Promise<void> {
  const { text } = await current(name)
  await testKeyring((await readVersion(name, versionId)) ?? text, clock.now())
}

async function finish(
  name: string,
  versionId: string,
  versions: Versions,
  requestId: string | undefined,
): Promise<void> {
  const { text, versionId: inPlace } = await current(name, versions)
  const pending = await readVersion(name, versionId)
  const objection = pending === undefined ? 'It was never written.' : replacementFault(text, pending, clock.now())
  if (objection !== undefined || !(await makeCurrent(name, versionId, inPlace))) {
    // Removed, so that the next rotation starts with a new keyring.
    await dropPending(name, versionId)
    throw new Error(`The keyring made by this rotation was given up. ${objection ?? 'Another change was quicker.'}`)
  }
  log({ level: 'info', event: 'keyring.rotated', request_id: requestId, reason: 'Secrets Manager asked' }, clock.now())
}

// --- requests of ops ------------------------------------------------------------------------------------------------

async function rotate(name: string, requestId: string | undefined): Promise<Rotation> {
  const { after } = await replace(name, (text) => rotateKeyring(text, clock.now()))
  log({ level: 'info', event: 'keyring.rotated', request_id: requestId, reason: 'ops asked' }, clock.now())
  return describeRotation(after, clock.now())
}

async function retire(
  name: string,
  { retire: names, reason }: Emergency['emergency'],
  requestId: string | undefined,
): Promise<Retirement> {
  if (typeof reason !== 'string' || reason === '') throw new Error('emergency.reason is missing: say why, for the log.')
  if (names !== 'all' && !(Array.isArray(names) && names.every((one) => typeof one === 'string'))) {
    throw new Error('emergency.retire must be "all" or a list of keys.')
  }
  const { before, after } = await replace(name, (text) => retireKeys(text, names, clock.now()))
  const told = describeRetirement(before, after, clock.now())
  const keys = told.retired.map(({ key }) => key).join(' ')
  log(
    { level: 'warn', event: 'keyring.keys_retired', request_id: requestId, reason: `${reason}: ${keys}` },
    clock.now(),
  )
  return told
}

/** Takes the pending label from a rotation under way, which would bring retired keys back. */
async function replace(
  name: string,
  derive: (text: string) => Promise<KeyringChange>,
): Promise<{ readonly before: string; readonly after: string }> {
  for (let turn = 0; turn < maxTries; turn++) {
    const { text: before, versionId: inPlace } = await current(name)
    const after = textOrThrow(await derive(before))
    await testKeyring(after, clock.now())
    const versionId = newVersionId()
    await writePending(name, versionId, after)
    if (await makeCurrent(name, versionId, inPlace)) return { before, after }
  }
  throw new Error('The keyring kept changing meanwhile, and was left as it is. Try again.')
}

async function current(name: string, versions?: Versions): Promise<{ text: string; versionId: string }> {
  const { current: versionId } = versions ?? (await versionsOf(name))
  const text = versionId === undefined ? undefined : await readVersion(name, versionId)
  if (versionId === undefined || text === undefined) throw new Error('There is no keyring yet; a deployment draws it.')
  return { text, versionId }
}

function textOrThrow(change: KeyringChange): string {
  if (!change.ok) throw new Error(explainRefusal(change.refusal))
  return change.text
}
