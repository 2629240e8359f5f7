/**
 * The device flow of the provider behind our own (RFC 8628): its user code and its pages, our device code and our rule of
 * single use.
 *
 * Owns both of its steps. Must not know when it may ask: only whoever wrote `recordPoll` for a poll does, so the provider is
 * asked no faster than it allows, from however many Lambdas. Loaded only when it is needed, for the providers are heavy.
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
import { storeTokens } from '../vault/stored-tokens.ts'

/**
 * Starts it.
 *
 * @param sid of the family that is about to be opened
 * @returns what people are shown, and the provider's device code, sealed for that family
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
  // Ours is the longer one by what our polls are forgiven, so that forgiven ones are not too early for the provider.
  return { ...started, intervalSeconds: started.intervalSeconds + pollToleranceMs / 1000, sealed }
}

/**
 * Asks the provider once, and writes down what it has decided.
 *
 * @param family as this poll's `recordPoll` left it
 * @returns what the poll is told; `approved`: by this poll, and nobody came after it, so it may redeem
 * @throws {Unavailable} the family stays as it is, and the next poll asks again
 */
export async function pollProvider(call: ClientCall, family: Family, sealed: string): Promise<Refusal | 'approved'> {
  // RFC 8628 §3.5: our first poll is free, the provider's is not.
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
      return usedUp(call, family)
    case 'signed-in':
      return approve(call, family, result)
    case 'refused':
      return write(call, family, { deny: true })
    default:
      audit(call, 'provider.unexpected', {
        ...{ level: 'warn', sid: family.sid },
        reason: result.kind === 'unexpected' ? result.why : result.kind,
      })
      throw new Unavailable('provider', undefined)
  }
}

/** The provider is not believed before nobody can be on the way with its tokens any more. */
async function usedUp({ application, parts }: Call, { sid }: Family): Promise<Refusal> {
  const outcome = await parts.families.apply(expireDeviceCode(application.name, sid, momentOf({ now: parts.now() })))
  return outcome.done ? { kind: 'pending' } : outcome.refusal
}

async function approve(
  call: ClientCall,
  family: Family,
  { person, tokens }: Extract<DeviceLoginResult, { kind: 'signed-in' }>,
): Promise<Refusal | 'approved'> {
  const codeExpiresAt = family.codeExpiresAt!
  const codeLifetimeSeconds = Math.ceil((codeExpiresAt - call.now) / 1000)
  const vault = await storeTokens(call.parts, call.application, call.client, family.sid, tokens, codeLifetimeSeconds)
  const emailHash = await emailHashOf(call.parts, call.application, person)
  return write(call, family, { approve: person, emailHash, vault, codeExpiresAt })
}

async function write(call: ClientCall, polled: Family, decision: Decision): Promise<Refusal | 'approved'> {
  const { sid } = polled
  const outcome = await call.parts.families.apply(decide(call.application.name, sid, decision, momentOf(call)))
  // Superseded is made as well, and somebody has gone on from there.
  if (!outcome.done && outcome.refusal.kind !== 'superseded') {
    return outcome.refusal.kind === 'decided' ? supersededByConcurrentPoll(outcome.family!) : outcome.refusal
  }
  const family = outcome.family!
  const event = 'approve' in decision ? 'session.approved' : 'session.denied'
  audit(call, event, { sid, sub: family.person?.sub, flow: 'device' })
  // Whoever polls while a poll of theirs is on its way has given up on that one, and may not see its answer.
  const isLatest = family.previousWriteId === polled.writeId
  return family.state === 'approved' && isLatest ? 'approved' : supersededByConcurrentPoll(family)
}

function purposeOf(sid: string): ProviderPurpose {
  return `device login ${sid}`
}
