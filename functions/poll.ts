/**
 * poll: a device code is exchanged for tokens once its person has approved (RFC 8628 §3.4).
 *
 * Pending takes one conditional write, `touch`, and too early a second, `slow`; an approved code is then redeemed.
 */

import { broker, drawId } from '../shared/broker.ts'
import { redeem, slow, touch } from '../shared/domain/transitions.ts'
import { audit, type ClientCall } from '../shared/http/call.ts'
import { grantError } from '../shared/http/errors.ts'
import {
  firstTokenAnswer,
  type Grant,
  holdingOf,
  openShown,
  type Shown,
  settle,
  tokenEndpoint,
} from '../shared/http/token-endpoint.ts'
import type { Outcome } from '../shared/store/families.ts'

export const deviceGrant: Grant = {
  type: 'urn:ietf:params:oauth:grant-type:device_code',
  async exchange(call) {
    const shown = await openShown(call, 'dc', call.parameters.required('device_code'))
    const polled = await poll(call, shown)
    if (polled.done && !polled.replay) throw grantError({ kind: 'pending' })
    if (!polled.done && polled.refusal.kind === 'too-early') await slowDown(call, shown, polled.refusal.pollIntervalMs)
    const outcome = !polled.done && polled.refusal.kind === 'decided' ? await exchange(call, shown) : polled
    const family = await settle(call, shown, outcome)
    audit(call, outcome.done && outcome.replay ? 'family.replayed' : 'family.redeemed', {
      sid: family.sid,
      sub: family.person?.sub,
      flow: family.flow,
      generation: family.generation,
    })
    return firstTokenAnswer(call, shown, family)
  },
}

export const handler = tokenEndpoint(deviceGrant)

function poll(call: ClientCall, { presented }: Shown): Promise<Outcome> {
  return broker().families.apply(touch(presented, holdingOf(call), { now: call.now, attempt: drawId() }))
}

async function slowDown(call: ClientCall, { presented }: Shown, seenPollIntervalMs: number): Promise<void> {
  await broker().families.apply(slow(presented, seenPollIntervalMs, { now: call.now, attempt: drawId() }))
}

async function exchange(call: ClientCall, { presented }: Shown): Promise<Outcome> {
  return broker().families.apply(redeem(presented, holdingOf(call), undefined, { now: call.now, attempt: drawId() }))
}
