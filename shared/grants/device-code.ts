/**
 * The device_code grant (RFC 8628 §3.4): each request is a poll, and the poll that finds the device approved redeems.
 *
 * A poll before the decision takes one conditional write, `recordPoll`. A poll that comes too early takes a second,
 * `increaseInterval`.
 */

import { unlessSuperseded } from '../domain/expire-device-code.ts'
import type { VerifiedCredential } from '../domain/single-use.ts'
import { increaseInterval, maxPollIntervalMs, recordPoll, redeem } from '../domain/transitions.ts'
import { type ClientCall, momentOf } from '../http/call.ts'
import { grantError } from '../http/errors.ts'
import { audiencesRequested } from '../http/requested.ts'
import { requireSuccess } from './require-success.ts'
import { policyOf, sessionGrant } from './session-grant.ts'

export const deviceCodeGrant = sessionGrant({
  type: 'urn:ietf:params:oauth:grant-type:device_code',
  credential: { kind: 'dc', parameter: 'device_code' },
  // RFC 8707 §2.2: an audience that is not registered is refused before the poll counts.
  request: ({ client, parameters }) => ({ audiences: audiencesRequested(client, parameters) }),
  async transition(call, credential, { audiences }) {
    const found = await poll(call, credential)
    const redemption = redeem(credential, policyOf(call), undefined, momentOf(call), audiences)
    const isUpstream = call.application.provider.deviceLogin === 'upstream'
    // Polls that wait for a provider regularly overtake each other, so losing to a concurrent poll is no reuse.
    return found === 'unspent' && isUpstream ? unlessSuperseded(redemption) : redemption
  },
  event: 'session.redeemed',
})

/**
 * @returns `unspent`: the device is approved and its code is not redeemed; `spent`: it is redeemed, and the grace still runs
 * @throws {OAuthError} authorization_pending, slow_down and the other answers to a poll (RFC 8628 §3.5)
 */
async function poll(call: ClientCall, credential: VerifiedCredential): Promise<'unspent' | 'spent'> {
  const outcome = await call.parts.families.apply(recordPoll(credential, policyOf(call), momentOf(call)))
  if (!outcome.done && outcome.refusal.kind === 'decided') return 'unspent'
  if (!outcome.done && outcome.refusal.kind === 'too-early') {
    await slowDown(call, credential, outcome.refusal.pollIntervalMs)
  }
  const family = await requireSuccess(call, credential, outcome)
  if (family.state === 'active') return 'spent'
  if (family.deviceLogin === undefined) throw grantError({ kind: 'pending' })
  // Loaded on demand: the provider libraries are large.
  const { pollProvider } = await import('./provider-device-login.ts')
  const answer = await pollProvider(call, family, family.deviceLogin)
  if (answer === 'approved') return 'unspent'
  if (answer.kind === 'too-early') await slowDown(call, credential, answer.pollIntervalMs)
  throw grantError(answer)
}

async function slowDown(call: ClientCall, credential: VerifiedCredential, pollIntervalMs: number): Promise<void> {
  // At the maximum interval nothing is postponed, or a device that always polls too early would never get an answer.
  if (pollIntervalMs >= maxPollIntervalMs) return
  await call.parts.families.apply(increaseInterval(credential, pollIntervalMs, momentOf(call)))
}
