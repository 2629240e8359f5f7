/**
 * B26 of the cases: an application gets another provider while sessions, sign-ins and revocations of the former one are under
 * way. Both providers are servers that write down what they are asked.
 */
import assert from 'node:assert/strict'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, type TestContext, test } from 'node:test'
import { handler as retryRevocations } from '../../functions/retry-revocations.ts'
import { contextOf } from '../../local/gateway/event.ts'
import { providerSecretName } from '../../shared/domain/provider-identity.ts'
import { processParts as composed } from '../../shared/parts.ts'
import { commandLine, tableVariables } from '../cli/support/command-line.ts'
import { type FallibleProvider, serverError, startFallibleProvider } from '../support/fallible-provider.ts'
import { putItem } from '../support/table.ts'
import { authorizeUrl, poll, refresh, revoke, startDevice } from './support/endpoints.ts'
import { expectRefusal, expectUnavailable, string } from './support/expect.ts'
import { code, walk } from './support/flows.ts'
import { Person } from './support/person.ts'
import { registryFile } from './support/registry.ts'
import { startTimedBroker, type TimedBroker } from './support/timed-broker.ts'
import { addVaulted, agent, device, exchangeToken, expireAll, host, worker } from './support/vault.ts'

const settings = { revokeTokens: true, deviceLogin: 'upstream' }

let former: FallibleProvider
let next: FallibleProvider
let broker: TimedBroker
beforeEach(async () => {
  ;[former, next] = await Promise.all([startFallibleProvider(), startFallibleProvider()])
  broker = await startTimedBroker(registryFile((copy) => addVaulted(copy, former, settings)))
  for (const provider of [former, next]) provider.behaviour.enforcesInterval = false
})
afterEach(async () => {
  await broker.stop()
  await Promise.all([former.stop(), next.stop()])
})

const dynamodb = () => String(process.env.AWS_ENDPOINT_URL_DYNAMODB)
const retry = () => retryRevocations({}, contextOf('retry-revocations'))
const isCallback = ({ pathname }: URL) => pathname === '/vaulted/oauth/callback'
const secretPath = async () => {
  const application = await composed().registrations.application('vaulted')
  return join(String(process.env.SECRETS).replace('file:', ''), providerSecretName(application!))
}

/** A session, a browser on its way back with a code, a device code, and a revocation that is due: all of them at `former`. */
async function everythingUnderWay() {
  broker.freeze()
  const session = await code(broker, agent)
  const hosted = await code(broker, host)
  const person = new Person()
  const back = await walk(person, await person.open(authorizeUrl(broker, agent), isCallback), { halt: isCallback })
  assert.ok(back.url.searchParams.has('code'))
  const started = await startDevice(broker, device)
  const due = await code(broker, agent)
  former.fail('revoke', serverError)
  assert.equal((await revoke(broker, agent, due.refreshToken)).status, 200)
  former.heal()
  await expireAll(dynamodb())
  const clientSecret = (await readFile(await secretPath(), 'utf8')).trim()
  assert.ok(former.requests.some(({ parameters }) => parameters.client_secret === clientSecret))
  former.forget()
  // The lease of the revocation that failed.
  broker.advance(30)
  return {
    ...{ session, hosted, person, back },
    deviceCode: string(started.body, 'device_code'),
    secrets: [...former.secrets(), ...former.accessTokens(), clientSecret],
  }
}

/** By the command line, as ops do. */
async function applyNext(t: TestContext, ...options: string[]): Promise<string> {
  const path = registryFile((copy) => addVaulted(copy, next, settings))
  const { applications } = JSON.parse(await readFile(path, 'utf8'))
  const own = applications.filter(({ name }: { name: string }) => name === 'vaulted')
  await writeFile(path, JSON.stringify({ applications: own }))
  const tool = await commandLine(t, tableVariables(dynamodb(), process.env.TABLE_NAME))
  const { code, stdout, stderr } = await tool.run('apply', path, '--yes', ...options)
  assert.equal(code, 0, stderr)
  goOn()
  return stdout
}

/** Ten seconds later a warm function goes by what is in the table. */
function goOn(): void {
  broker.advance(11)
  composed().registrations.forget('vaulted')
}

function expectNothingOf(secrets: readonly string[], provider: FallibleProvider): void {
  const asked = JSON.stringify(provider.requests)
  for (const secret of secrets) assert.ok(!asked.includes(secret), 'a value of the former provider was sent')
}

async function giveSecret(): Promise<void> {
  const path = await secretPath()
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, 'the secret of the next provider')
}

test('B26 after apply the next provider is sent nothing of the former one, and people sign in there again', async (t) => {
  const { session, hosted, person, back, deviceCode, secrets } = await everythingUnderWay()
  const told = await applyNext(t)
  assert.match(told, new RegExp(`from oidc ${former.issuer},.*\n.*to +oidc ${next.issuer},`))

  expectRefusal(await refresh(broker, agent, session.refreshToken), 400, 'invalid_grant')
  assert.equal((await exchangeToken(broker, worker, hosted.accessToken)).status, 400)
  const page = await person.open(back.url)
  assert.match(page.text, /sign in again|start again/i)
  expectRefusal(await poll(broker, device, deviceCode), 400, 'invalid_grant')
  assert.deepEqual(await retry(), { told: 1, left: 0 })
  assert.deepEqual(await retry(), { told: 0, left: 0 })
  assert.equal(next.requests.length, 0)
  assert.equal(former.requests.length, 0)

  // Its own secret is missing: the former one's is not taken for it.
  expectUnavailable(await startDevice(broker, device))
  assert.equal(next.requests.length, 0)
  await giveSecret()
  const again = await code(broker, agent)
  assert.equal((await refresh(broker, agent, again.refreshToken)).status, 200)
  assert.ok(next.requests.some(({ parameters }) => parameters.client_secret === 'the secret of the next provider'))
  expectNothingOf(secrets, next)
})

test('B26 a provider that was changed past apply is sent nothing either: every seal is bound to the former one', async () => {
  const { session, hosted, person, back, deviceCode, secrets } = await everythingUnderWay()
  const application = (await composed().registrations.application('vaulted'))!
  const provider = { ...application.provider, issuer: next.issuer }
  await putItem(composed().table, { pk: 'application#vaulted', sk: 'application', ...application, provider })
  goOn()
  await giveSecret()

  const refused = await refresh(broker, agent, session.refreshToken)
  expectRefusal(refused, 400, 'invalid_grant')
  assert.match(string(refused.body, 'error_description'), /identity provider .* has changed/)
  assert.equal((await exchangeToken(broker, worker, hosted.accessToken)).status, 400)
  assert.match((await person.open(back.url)).text, /sign in again|start again/i)
  expectRefusal(await poll(broker, device, deviceCode), 400, 'expired_token')
  assert.deepEqual(await retry(), { told: 1, left: 0 })
  expectNothingOf(secrets, next)
  assert.equal(next.requests.length + former.requests.length, 0)
})

test('B26 with --keep-sessions it is the same provider at another address: sessions go on there, with the secret of there', async (t) => {
  const { session, secrets } = await everythingUnderWay()
  assert.match(await applyNext(t, '--keep-sessions'), /sessions of vaulted go on/)
  await giveSecret()
  // This one does not know the tokens of the former address, so it refuses; but it was asked.
  expectRefusal(await refresh(broker, agent, session.refreshToken), 400, 'invalid_grant')
  const [asked] = next.requests.filter(({ kind }) => kind === 'refresh')
  assert.ok(secrets.includes(asked?.parameters.refresh_token ?? ''))
  assert.equal(asked?.parameters.client_secret, 'the secret of the next provider')
  await code(broker, agent)
})
