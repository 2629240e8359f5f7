/**
 * S5 of the cases: what ends an access token that has no session behind it. Nothing is kept of it, so its client's
 * registration decides.
 */

import assert from 'node:assert/strict'
import { after, afterEach, before, test } from 'node:test'
import { handler as issue } from '../../functions/client-credentials.ts'
import { handler as introspect } from '../../functions/introspect.ts'
import type { Application, Client } from '../../shared/domain/registration.ts'
import { hashSecret } from '../../shared/domain/secret.ts'
import { clock, setProcessParts } from '../../shared/parts.ts'
import { call, formHeaders, startBroker, type TestBroker } from '../support/calls.ts'
import { now } from '../support/families.ts'
import { aClient, anApplication } from '../support/registry.ts'
import { deleteItem, putItem } from '../support/table.ts'

const service = aClient({
  ...{ clientId: 'service', auth: 'client_secret_post', secretHashes: [hashSecret('secret')] },
  grants: ['client_credentials'],
})
const api = aClient({ ...service, clientId: 'api', grants: [], mayIntrospect: true })

let broker: TestBroker
const ownNow = clock.now
before(async () => {
  broker = await startBroker({ applications: [anApplication()], clients: [service, api] })
  clock.now = () => now
})
afterEach(async () => {
  await change(service)
  await putItem(broker.table, { pk: 'application#demo', sk: 'application', ...anApplication() })
})
after(async () => {
  clock.now = ownNow
  await broker.stop()
})

const key = { pk: 'application#demo', sk: 'client#service' }
const change = (client: Client) => putItem(broker.table, { ...key, ...client })

async function post(handler: typeof issue, fields: Record<string, string>) {
  // As a Lambda that has read nothing yet.
  setProcessParts(undefined)
  const body = new URLSearchParams({ client_secret: 'secret', ...fields }).toString()
  const { status, json, body: text } = await call(handler, { headers: formHeaders, body })
  assert.equal(status, 200, text)
  return json
}

async function newToken(): Promise<string> {
  const { access_token } = await post(issue, { client_id: 'service', grant_type: 'client_credentials' })
  return String(access_token)
}

async function isActive(token: string): Promise<unknown> {
  return (await post(introspect, { client_id: 'api', token })).active
}

test('S5 it is active as long as its client is there and has the grant', async () => {
  const token = await newToken()
  assert.equal(await isActive(token), true)
  await change({ ...service, grants: ['refresh_token'] })
  assert.equal(await isActive(token), false)
  await change(service)
  assert.equal(await isActive(token), true)
  await deleteItem(broker.table, key)
  assert.equal(await isActive(token), false)
})

test('S5 what ops revoke of a client, or of an application, ends the tokens issued up to then, and no later one', async () => {
  const token = await newToken()
  const revokedAt: Record<string, (revokedBefore: number) => Promise<void>> = {
    client: (revokedBefore) => change({ ...service, revokedBefore }),
    application: (revokedBefore) => {
      const application: Application = anApplication({ revokedBefore })
      return putItem(broker.table, { pk: 'application#demo', sk: 'application', ...application })
    },
  }
  for (const [of, revoke] of Object.entries(revokedAt)) {
    await revoke(now - 1)
    assert.equal(await isActive(token), true, of)
    await revoke(now)
    assert.equal(await isActive(token), false, of)
    await revoke(0)
  }
})

test('S5 past its end it is nothing', async () => {
  const token = await newToken()
  clock.now = () => now + 300_000
  assert.equal(await isActive(token), false)
  clock.now = () => now
})
