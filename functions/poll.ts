/**
 * poll: a device code is exchanged for tokens once its person has approved (RFC 8628 §3.4).
 *
 * Pending takes one conditional write, `recordPoll`, and too early a second, `increaseInterval`, up to the longest interval; an approved code is
 * then redeemed. Where people go through the provider's own device flow, whoever wrote `recordPoll` asks it, and nobody else does
 * meanwhile.
 */

import { unlessSuperseded } from '../shared/domain/expire-device-code.ts'
import {
  increaseInterval,
  maxPollIntervalMs,
  recordPoll,
  redeem,
  type Transition,
} from '../shared/domain/transitions.ts'
import { audiencesAsked } from '../shared/http/authorization-request.ts'
import { type Answer, type ClientCall, momentOf } from '../shared/http/call.ts'
import { grantError } from '../shared/http/errors.ts'
import { requireSuccess } from '../shared/http/require-success.ts'
import {
  type Grant,
  policyOf,
  redeemed,
  tokenEndpoint,
  type Verified,
  verifyCredential,
} from '../shared/http/token-endpoint.ts'

export const deviceGrant: Grant = {
  type: 'urn:ietf:params:oauth:grant-type:device_code',
  async exchange(call) {
    // RFC 8707 §2.2: judged before the poll counts, as far as the registration says.
    const asked = audiencesAsked(call.client, call.parameters)
    const shown = await verifyCredential(call, 'dc', call.parameters.required('device_code'))
    const { presented } = shown
    const polled = await call.parts.families.apply(recordPoll(presented, policyOf(call), momentOf(call)))
    if (!polled.done && polled.refusal.kind === 'decided') return exchangeUnspent(call, shown, asked)
    if (!polled.done && polled.refusal.kind === 'too-early') await slowDown(call, shown, polled.refusal.pollIntervalMs)
    const family = await requireSuccess(call, presented, polled)
    // Good for its successor once more, within its grace.
    if (family.state === 'active') return exchange(call, shown, asked)
    if (family.deviceLogin === undefined) throw grantError({ kind: 'pending' })
    const { askProvider } = await import('../shared/http/device-login.ts')
    const answer = await askProvider(call, family, family.deviceLogin)
    if (answer === 'approved') return exchangeUnspent(call, shown, asked)
    if (answer.kind === 'too-early') await slowDown(call, shown, answer.pollIntervalMs)
    throw grantError(answer)
  },
}

export const handler = tokenEndpoint(deviceGrant)

function exchange(call: ClientCall, shown: Verified, asked: readonly string[]): Promise<Answer> {
  return redeemed(call, shown, redemptionOf(call, shown, asked), asked)
}

/** For a poll that has just found it so. Where polls wait for a provider, it is usual that they overtake each other. */
function exchangeUnspent(call: ClientCall, shown: Verified, asked: readonly string[]): Promise<Answer> {
  const redemption = redemptionOf(call, shown, asked)
  const isUpstream = call.application.provider.deviceLogin === 'upstream'
  return redeemed(call, shown, isUpstream ? unlessSuperseded(redemption) : redemption, asked)
}

function redemptionOf(call: ClientCall, { presented }: Verified, asked: readonly string[]): Transition {
  return redeem(presented, policyOf(call), undefined, momentOf(call), asked)
}

async function slowDown(call: ClientCall, { presented }: Verified, seenPollIntervalMs: number): Promise<void> {
  // To put the next poll off once more would be to never hear a device that polls too early all the time.
  if (seenPollIntervalMs >= maxPollIntervalMs) return
  await call.parts.families.apply(increaseInterval(presented, seenPollIntervalMs, momentOf(call)))
}
