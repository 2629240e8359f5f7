/**
 * B15 of the cases: ops end all of a person, of a client, of an application, while six sessions of each are refreshed
 * again and again at two brokers that share a table.
 *
 * Owns what "in effect everywhere" means: no refresh that begins at that moment or later succeeds, at either broker, and
 * whoever signs in after the call goes on.
 */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { newShared, startBroker } from '../flows/support/broker.ts'
import { type BrokerHere, startBrokerHere } from '../flows/support/broker-here.ts'
import { auth0Cli, type Caller, cli, job } from '../flows/support/callers.ts'
import { refresh } from '../flows/support/endpoints.ts'
import { claimsOf, refreshed } from '../flows/support/expect.ts'
import { type DeviceSession, device } from '../flows/support/flows.ts'
import { revokeMany, whole } from '../flows/support/ops.ts'
import { Person } from '../flows/support/person.ts'
import { startFaultyStore } from '../flows/support/store.ts'
import '../support/hasty-sweeps.ts'

const sessionsEach = 6
const betweenRefreshesMs = 750

let store: Awaited<ReturnType<typeof startFaultyStore>>
let brokers: readonly BrokerHere[]
before(async () => {
  store = await startFaultyStore()
  const shared = await newShared()
  const settings = { dynamodb: store.endpoint, shared }
  const first = await startBrokerHere(settings)
  brokers = [first, await startBroker(settings)]
})
after(async () => {
  await Promise.all(brokers.map((broker) => broker.stop()))
  await store.stop()
})

/** When each refresh that succeeded had begun, and what the last one was answered. */
type Loop = { readonly began: readonly number[]; readonly end: string }

/** Refreshes at one broker after the other until it is refused. */
async function refreshUntilRefused(
  { caller, refreshToken }: DeviceSession,
  at: number,
  until: () => number,
): Promise<Loop> {
  const began: number[] = []
  let token = refreshToken
  for (let turn = at; Date.now() < until(); turn += 1) {
    const now = Date.now()
    const answer = await refresh(brokers[turn % brokers.length]!, caller, token)
    if (answer.status !== 200) return { began, end: String(answer.body.error) }
    began.push(now)
    token = String(answer.body.refresh_token)
    await pause(betweenRefreshesMs)
  }
  return { began, end: 'still refreshing' }
}

type Case = {
  readonly what: string
  readonly caller: Caller
  readonly body: (session: DeviceSession) => object
  readonly counted: boolean
}

const cases: readonly Case[] = [
  { what: 'user', caller: cli, body: ({ accessToken }) => ({ subject: claimsOf(accessToken).sub }), counted: true },
  { what: 'client', caller: job, body: () => ({ client_id: 'job' }), counted: false },
  { what: 'application', caller: auth0Cli, body: () => ({ all: true }), counted: false },
]

describe('under load', { concurrency: true }, () => {
  for (const { what, caller, body, counted } of cases) {
    test(`B15 revoked by ${what}, nothing old is refreshed any more, and who signs in goes on`, async () => {
      const person = new Person({ name: `b15-${what}` })
      const sessions: DeviceSession[] = []
      for (let at = 0; at < sessionsEach; at += 1) sessions.push(await device(brokers[at % 2]!, caller, {}, person))
      let effectiveAt = Number.POSITIVE_INFINITY
      const loops = sessions.map((session, at) => refreshUntilRefused(session, at, () => effectiveAt + 5_000))
      await pause(1_000)

      const answer = await revokeMany(brokers[0]!, caller.application, body(sessions[0]!))
      assert.equal(answer.status, 200, answer.text)
      assert.equal(answer.body.complete, true)
      assert.equal(answer.body.revoked, counted ? sessionsEach : undefined)
      const fresh = await device(brokers[1]!, caller, {}, person)
      const revokedBefore = Date.parse(String(answer.body.revoked_before))
      effectiveAt = Date.parse(String(answer.body.effective_at))

      for (const { began, end } of await Promise.all(loops)) {
        assert.equal(end, 'invalid_grant')
        assert.ok(began.length > 0, 'it was refreshed at all')
        const late = began.filter((moment) => moment >= effectiveAt)
        assert.deepEqual(late, [], `in effect at ${effectiveAt}`)
      }
      assert.ok(effectiveAt - revokedBefore < 20_000, 'it does not take long')
      let { refreshToken } = fresh
      for (let turn = 0; turn < 4; turn += 1) {
        refreshToken = (await refreshed(brokers[turn % 2]!, caller, refreshToken)).refreshToken
      }
      const rows = await whole(brokers[0]!, caller.application, { client_id: caller.clientId, state: 'active' })
      assert.deepEqual(
        rows.map(({ sid }) => sid),
        [claimsOf(fresh.accessToken).sid],
      )
    })
  }
})
