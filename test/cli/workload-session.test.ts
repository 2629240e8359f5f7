/** A person's session at a client with a workload identity: every command authenticates with the token of the platform. */

import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { decodeJwt } from 'jose'
import type { StoredSession } from '../../cli/credentials-file.ts'
import { approve } from '../../local/demo/person.ts'
import { type BrokerHere, startBrokerHere } from '../flows/support/broker-here.ts'
import { registryFile } from '../flows/support/registry.ts'
import { directory } from '../local/support/directory.ts'
import { commandLine, type Variables } from './support/command-line.ts'
import { jobsOf } from './support/workloads.ts'

const grants = ['urn:ietf:params:oauth:grant-type:device_code', 'refresh_token']
const exchange = 'urn:ietf:params:oauth:grant-type:token-exchange'
let broker: BrokerHere
let ofThePlatform: Variables
before(async () => {
  const registry = registryFile(({ client, addClient }) => {
    const { identities } = client('demo', 'cronjob')
    const pod = { auth: 'workload_identity', identities, grants: [...grants, exchange], graceSeconds: 60 }
    addClient('demo', { clientId: 'pod', ...pod })
    addClient('demo', { clientId: 'strict', ...pod, singleUseAssertions: true, grants: ['client_credentials'] })
  })
  broker = await startBrokerHere({ registry })
  const [job] = (await jobsOf(broker.url)).filter(({ platform }) => platform === 'kubernetes')
  ofThePlatform = job!.variables
})
after(() => broker.stop())
const platformToken = () => readFile(ofThePlatform.TOKEN_BROKER_ID_TOKEN_FILE ?? '')
const client = ['--application', 'demo', '--client-id', 'pod']

test('login, token, an exchange and logout work with the token of the platform, and with nothing else', async (t) => {
  const file = join(await directory(t), 'token')
  const variables = { TOKEN_BROKER_URL: broker.url, TOKEN_BROKER_ID_TOKEN_FILE: file }
  const tool = await commandLine(t, variables)
  const stored = async () =>
    (JSON.parse(await readFile(tool.file, 'utf8')) as { sessions: StoredSession[] }).sessions[0]!
  await writeFile(file, await platformToken())

  const login = tool.start('login', ...client, '--workload', '--no-browser', '--json')
  const [, address = ''] = await login.until(/"verification_uri_complete":"([^"]+)"/)
  await approve(address, 'alice')
  assert.equal((await login.ended).code, 0, login.output.stderr)
  const first = await stored()
  assert.deepEqual([first.workload, first.sub], ['kubernetes', 'alice'])

  const refreshed = await tool.run('token', '--refresh')
  assert.deepEqual([refreshed.code, decodeJwt(refreshed.stdout.trim()).sub], [0, 'alice'])

  const subject = join(await directory(t), 'subject')
  await writeFile(subject, refreshed.stdout)
  const exchanged = await tool.run('token', ...client, '--subject-token-file', subject, '--workload')
  assert.equal(exchanged.code, 0, exchanged.stderr)
  assert.notEqual(exchanged.stdout, refreshed.stdout)

  // A copy of the sessions file elsewhere.
  await writeFile(file, '')
  const stolen = await tool.run('token', '--refresh')
  assert.deepEqual([stolen.code, stolen.stdout, /is empty/.test(stolen.stderr)], [1, '', true])
  assert.equal((await tool.run('logout')).code, 1)
  await writeFile(file, await platformToken())
  assert.equal((await tool.run('token', '--refresh')).code, 0, 'nothing was spent')
  assert.equal((await tool.run('logout')).code, 0)
  assert.match(broker.output(), /"event":"session.revoked"/)
})

test('a client whose tokens are accepted once is told so at the second run with the same token', async (t) => {
  const tool = await commandLine(t, { TOKEN_BROKER_URL: broker.url, ...ofThePlatform })
  const run = () => tool.run('token', '--client-id', 'strict', '--workload')
  assert.equal((await run()).code, 0)
  const again = await run()
  assert.deepEqual([again.code, /invalid_client/.test(again.stderr)], [1, true])
})
