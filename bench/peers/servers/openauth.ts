/**
 * The peer openauth with its own DynamoDB storage, set up as in its documentation.
 *
 * By default, a used refresh token stays valid for 60 seconds, so that a lost answer does not cost a session.
 */

import { randomUUID } from 'node:crypto'
import { announce } from '../../servers/announce.ts'
import { importOpenauth } from '../packages.ts'

const { issuer, DynamoStorage, serve } = await importOpenauth()
const storage = DynamoStorage({
  table: process.env.TABLE_NAME!,
  endpoint: process.env.AWS_ENDPOINT_URL_DYNAMODB!,
})
const app = issuer({
  storage,
  subjects: {},
  providers: { none: { type: 'none', init: () => {} } },
  success: () => new Response(),
})

serve({ fetch: app.fetch, hostname: '127.0.0.1', port: 0 }, ({ port }) => {
  announce(`http://127.0.0.1:${port}`, startSession)
})

/** Stores what openauth stores when a person has signed in. */
async function startSession(): Promise<string> {
  const [subject, token] = [`user:${randomUUID()}`, randomUUID()]
  const ttl = { access: 300, refresh: 2_592_000 }
  const properties = { email: 'ada.lovelace@example.test' }
  const value = { type: 'user', subject, properties, clientID: 'cli', ttl, nextToken: randomUUID() }
  await storage.set(['oauth:refresh', subject, token], value, new Date(Date.now() + ttl.refresh * 1000))
  return `${subject}:${token}`
}
