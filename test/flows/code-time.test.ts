/**
 * C14 of the cases: an authorization code lives 60 seconds, told by a clock that the test moves.
 *
 * Owns the lifetime of a code (RFC 6749 §4.1.2).
 */
import { after, before, beforeEach, test } from 'node:test'
import { web } from './support/callers.ts'
import { exchange } from './support/endpoints.ts'
import { expectRefusal, expectTokens } from './support/expect.ts'
import { authorizationCode } from './support/flows.ts'
import { startTimedBroker, type TimedBroker } from './support/timed-broker.ts'

let broker: TimedBroker
before(async () => {
  broker = await startTimedBroker()
})
beforeEach(() => broker.freeze())
after(() => broker.stop())

test('C14 a code is good for 55 seconds', async () => {
  const issued = await authorizationCode(broker)
  broker.advance(55)
  expectTokens(await exchange(broker, web, issued))
})

test('C14 a code is invalid_grant after 61 seconds', async () => {
  const issued = await authorizationCode(broker)
  broker.advance(61)
  expectRefusal(await exchange(broker, web, issued), 400, 'invalid_grant')
})
