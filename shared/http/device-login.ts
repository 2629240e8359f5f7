/**
 * The device flow of the provider behind our own (RFC 8628): its user code and its pages, our device code and our rule of
 * single use.
 *
 * Owns both of its steps. Must not know when it may ask: only whoever wrote `touch` for a poll does, so the provider is
 * asked no faster than it allows, from however many Lambdas. Loaded only when it is needed, for the providers are heavy.
 */

import { broker } from '../broker.ts'
import type { Family } from '../domain/family.ts'
import { type Decision, decide, pollToleranceMs } from '../domain/transitions.ts'
import { providerOf } from '../providers/index.ts'
import type { DeviceLogin, DeviceLoginResult } from '../providers/provider.ts'
import { seal, unseal } from '../tokens/seal.ts'
import { Unavailable } from '../unavailable.ts'
import { keepTokens } from '../vault/keep.ts'
import { audit, type Call, type ClientCall, momentOf } from './call.ts'
import { wantedClaims } from './sign-in.ts'

/**
 * Starts it.
 *
 * @param sid of the family that is about to be opened
 * @returns what people are shown, and the provider's device code, sealed for that family
 * @throws {Unavailable}
 */
export async function startDeviceLogin(call: Call, sid: string): Promise<DeviceLogin & { readonly sealed: string }> {
  const started = await providerOf(call.application).startDeviceLogin()
  if ('why' in started) {
    audit(call, 'provider.unexpected', { level: 'warn', reason: started.why })
    throw new Unavailable('provider', undefined)
  }
  const { deviceCode, expiresInSeconds } = started
  const sealed = await seal(await broker().keyring(), sealingOf(call, sid), deviceCode, expiresInSeconds)
  // Ours is the longer one by what our polls are forgiven, so that forgiven ones are not too early for the provider.
  return { ...started, intervalSeconds: started.intervalSeconds + pollToleranceMs / 1000, sealed }
}

/** How a poll goes on. `decided`: by this answer or before it. */
export type Asked = 'pending' | 'too-early' | 'denied' | 'expired-device-code' | 'decided'

/**
 * Asks the provider once, and writes down what it has decided.
 *
 * @throws {Unavailable} the family stays as it is, and the next poll asks again
 */
export async function askProvider(call: ClientCall, family: Family, sealed: string): Promise<Asked> {
  // RFC 8628 §3.5: our first poll is free, the provider's is not.
  if (call.now < family.createdAt + family.pollIntervalMs! - pollToleranceMs) return 'pending'
  const deviceCode = await unseal<string>(await broker().keyring(), sealingOf(call, family.sid), sealed)
  if (deviceCode === undefined) return 'expired-device-code'
  const result = await providerOf(call.application).pollDeviceLogin(deviceCode, wantedClaims(call.application))
  switch (result.kind) {
    case 'pending':
    case 'too-early':
      return result.kind
    case 'expired':
      return afterwards(family.sid)
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

/** The provider gives its tokens once. If it gave them to a poll that overtook this one, the family tells. */
async function afterwards(sid: string): Promise<Asked> {
  const family = await broker().families.read(sid)
  return family === undefined || family.state === 'pending' ? 'expired-device-code' : 'decided'
}

async function approve(
  call: ClientCall,
  family: Family,
  { person, tokens }: Extract<DeviceLoginResult, { kind: 'signed-in' }>,
): Promise<Asked> {
  const codeLifetimeSeconds = Math.ceil((family.codeExpiresAt! - call.now) / 1000)
  const vault = await keepTokens(call.application, call.client, family.sid, tokens, codeLifetimeSeconds)
  return write(call, family, { approve: person, vault })
}

async function write(call: ClientCall, { sid }: Family, decision: Decision): Promise<Asked> {
  const moment = momentOf(call)
  const outcome = await broker().families.apply(decide(call.application.name, sid, decision, moment))
  if (!outcome.done && outcome.refusal.kind === 'expired-device-code') return 'expired-device-code'
  if (outcome.done) {
    const event = 'approve' in decision ? 'family.approved' : 'family.denied'
    audit(call, event, { sid, sub: outcome.family.person?.sub, flow: 'device' })
  }
  return 'deny' in decision && outcome.done ? 'denied' : 'decided'
}

function sealingOf({ application, now }: Call, sid: string) {
  return { purpose: `device login ${sid}`, application: application.name, nowMs: now }
}
