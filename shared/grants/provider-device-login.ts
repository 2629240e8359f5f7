/**
 * The provider's device flow (RFC 8628) behind the broker's own: the person sees the provider's user code and pages, and the
 * device gets the broker's device code.
 *
 * Only the caller whose `recordPoll` was written polls the provider. So the provider is not asked faster than it allows,
 * however many Lambdas run.
 */

import { expireDeviceCode, supersededByConcurrentPoll } from '../domain/expire-device-code.ts'
import type { Family } from '../domain/family.ts'
import type { Refusal } from '../domain/refusal.ts'
import { type Decision, decide, pollToleranceMs } from '../domain/transitions.ts'
import { audit, type Call, type ClientCall, continueWith, momentOf } from '../http/call.ts'
import { sealFor, unsealFrom } from '../provider-seal.ts'
import { providerOf } from '../providers/index.ts'
import type { DeviceLogin, DeviceLoginResult } from '../providers/provider.ts'
import { emailHashOf, userinfoClaims } from '../sign-in/person.ts'
import type { ProviderPurpose } from '../tokens/seal.ts'
import { Unavailable } from '../unavailable.ts'
import { revokeUnused } from '../vault/end-at-provider.ts'
import { storeTokens } from '../vault/stored-tokens.ts'

/**
 * Starts the provider's device flow.
 *
 * @param sid of the family that is about to be created
 * @returns what the person sees, and the provider's device code, sealed for that family
 * @throws {Unavailable}
 */
export async function startDeviceLogin(call: Call, sid: string): Promise<DeviceLogin & { readonly sealed: string }> {
  const started = await providerOf(call.parts, call.application).startDeviceLogin()
  if ('why' in started) {
    audit(call, 'provider.unexpected', { level: 'warn', reason: started.why })
    throw new Unavailable('provider', undefined)
  }
  const { deviceCode, expiresInSeconds } = started
  const sealed = await sealFor(call.parts, call.application, purposeOf(sid), deviceCode, expiresInSeconds, call.now)
  // The broker's interval is longer by its tolerance, so that a poll within the tolerance is not too early for the provider.
  return { ...started, intervalSeconds: started.intervalSeconds + pollToleranceMs / 1000, sealed }
}

/**
 * Polls the provider once and writes its decision.
 *
 * @param family after this poll's `recordPoll`
 * @returns the answer to the poll; `approved`: this poll wrote it, and none came after it, so it may redeem
 * @throws {Unavailable} the family stays as it is, and the next poll asks again
 */
export async function pollProvider(call: ClientCall, family: Family, sealed: string): Promise<Refusal | 'approved'> {
  // RFC 8628 §3.5: the broker allows a first poll at once; the provider may not.
  if (call.now < family.createdAt + family.pollIntervalMs! - pollToleranceMs) return { kind: 'pending' }
  const unsealed = await unsealFrom<string>(call.parts, call.application, purposeOf(family.sid), sealed, call.now)
  if (unsealed === 'other-provider') {
    const reason = "the device code is the application's former provider's, so the new one was not asked"
    audit(call, 'provider.changed', { level: 'warn', sid: family.sid, reason })
    return { kind: 'expired-device-code' }
  }
  if (unsealed === undefined) return { kind: 'expired-device-code' }
  const { value: deviceCode, application } = unsealed
  continueWith(call, { application })
  const result = await providerOf(call.parts, application).pollDeviceLogin(deviceCode, userinfoClaims(application))
  switch (result.kind) {
    case 'pending':
      return { kind: 'pending' }
    case 'too-early':
      return { kind: 'too-early', pollIntervalMs: family.pollIntervalMs! }
    case 'expired':
      return expire(call, family)
    case 'signed-in':
      return approve(call, family, result)
    case 'refused':
      return write(call, family, { deny: true })
    default:
      audit(call, 'provider.unexpected', {
        level: 'warn',
        sid: family.sid,
        reason: result.kind === 'unexpected' ? result.why : result.kind,
      })
      throw new Unavailable('provider', undefined)
  }
}

/** The code ends only when no concurrent poll can still hold the provider's tokens (expire-device-code.ts). */
async function expire({ application, parts }: Call, { sid }: Family): Promise<Refusal> {
  const outcome = await parts.families.apply(expireDeviceCode(application.name, sid, momentOf({ now: parts.now() })))
  return outcome.done ? { kind: 'pending' } : outcome.refusal
}

type SignedIn = Extract<DeviceLoginResult, { kind: 'signed-in' }>

async function approve(call: ClientCall, family: Family, signedIn: SignedIn): Promise<Refusal | 'approved'> {
  const { person, tokens } = signedIn
  const codeExpiresAt = family.codeExpiresAt!
  const codeLifetimeSeconds = Math.ceil((codeExpiresAt - call.now) / 1000)
  const vault = await storeTokens(call.parts, call.application, call.client, family.sid, tokens, codeLifetimeSeconds)
  const emailHash = await emailHashOf(call.parts, call.application, person)
  return write(call, family, { approve: person, emailHash, vault, codeExpiresAt }, signedIn)
}

async function write(
  call: ClientCall,
  polled: Family,
  decision: Decision,
  signedIn?: SignedIn,
): Promise<Refusal | 'approved'> {
  const { sid } = polled
  const outcome = await call.parts.families.apply(decide(call.application.name, sid, decision, momentOf(call)))
  // `superseded`: this decision was written, and another write followed.
  if (!outcome.done && outcome.refusal.kind !== 'superseded') {
    if (signedIn !== undefined) {
      await revokeUnused(call.parts, call.application, signedIn, outcome.family, (event, fields) =>
        audit(call, event, { sid, sub: signedIn.person.sub, ...fields }),
      )
    }
    return outcome.refusal.kind === 'decided' ? supersededByConcurrentPoll(outcome.family!) : outcome.refusal
  }
  const family = outcome.family!
  const event = 'approve' in decision ? 'session.approved' : 'session.denied'
  audit(call, event, { sid, sub: family.person?.sub, flow: 'device' })
  // A client that has polled again may not see this poll's answer, so only the latest poll redeems.
  const isLatest = family.previousWriteId === polled.writeId
  return family.state === 'approved' && isLatest ? 'approved' : supersededByConcurrentPoll(family)
}

function purposeOf(sid: string): ProviderPurpose {
  return `device login ${sid}`
}
