/**
 * Runs the deployed modules behind the local gateway, and checks that each asks AWS only for what its role grants.
 */

import assert from 'node:assert/strict'
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { DescribeTableCommand, DynamoDBClient, type TableDescription } from '@aws-sdk/client-dynamodb'
import { type LocalDynamodb, startDynamodb } from '../../local/dynamodb.ts'
import { type BrokerProcess, newShared, type Shared, startBroker } from '../flows/support/broker.ts'
import { type Caller, cli, web } from '../flows/support/callers.ts'
import {
  call,
  callbackUri,
  deviceGrant,
  endpoint,
  issuer,
  refresh,
  revoke,
  userinfo,
} from '../flows/support/endpoints.ts'
import { claimsOf, expectDead, expectRefusal, expectTokens, refreshed, type Tokens } from '../flows/support/expect.ts'
import { authorizationCode, code, device, deviceCode, type } from '../flows/support/flows.ts'
import { movedClock } from '../flows/support/moved-clock.ts'
import { Person } from '../flows/support/person.ts'
import { registryFile } from '../flows/support/registry.ts'
import { connectDevice } from '../flows/support/tenant.ts'
import { accessTokenType, wholeTable } from '../flows/support/vault.ts'
import { basic, get, postForm, postJson, send } from '../flows/support/wire.ts'
import { asCloudFormation } from '../support/cloudformation.ts'
import { expectMetrics, expectSchema, readLine } from '../support/log-lines.ts'
import { SecretVersions } from '../support/secrets-manager.ts'
import { type Aws, startAws } from './support/aws.ts'
import { type Bundled, theBundles } from './support/bundled.ts'
import type { Call, Ran } from './support/functions-alone.ts'
import { rightsOf } from './support/rights.ts'
import { synthesized } from './support/shapes.ts'
import { registryWith, theOnly } from './support/template.ts'

const prefix = 'token-broker/test/'
const secrets = new SecretVersions()
const clock = movedClock()
const agent: Caller = { application: 'demo', clientId: 'agent', auth: 'client_secret_post', secret: 'agent-secret' }
const worker: Caller = {
  ...{ application: 'wiremock', clientId: 'worker', auth: 'client_secret_basic', secret: 'worker-secret' },
}

let bundled: Bundled
let dynamodb: LocalDynamodb
let aws: Aws
let shared: Shared
let broker: BrokerProcess
let functionsAlone: ChildProcess | undefined

before(async () => {
  bundled = await theBundles()
  dynamodb = await startDynamodb({ log: () => {} })
  secrets.declare(`${prefix}keyring`)
  aws = await startAws(dynamodb.endpoint, secrets)
  shared = await newShared()
})

after(async () => {
  functionsAlone?.disconnect()
  await broker?.stop()
  aws?.stop()
  await dynamodb?.stop()
})

test('deployed create-keyring fills an empty secret once, and changes nothing after that', async () => {
  assert.deepEqual(await deploying('create-keyring'), { Status: 'SUCCESS', Data: { Created: 'true' } })
  const keyring = secrets.get(`${prefix}keyring`)
  assert.ok(keyring !== undefined)
  assert.deepEqual(await deploying('create-keyring'), { Status: 'SUCCESS', Data: { Created: 'false' } })
  assert.equal(secrets.get(`${prefix}keyring`), keyring)
})

test('deployed: a device flow, a refresh, and the end of the session at reuse', async () => {
  broker = await startDeployed()
  const session = await device(broker)
  const next = await refreshed(broker, cli, session.refreshToken)
  expectRefusal(await refresh(broker, cli, session.refreshToken), 400, 'invalid_grant')
  await expectDead(broker, { caller: cli, ...next })
})

test('deployed: a code flow, userinfo and a revocation', async () => {
  const session = await code(broker)
  assert.equal((await userinfo(broker, 'demo', session.accessToken)).status, 200)
  assert.equal((await revoke(broker, web, session.refreshToken)).status, 200)
  await expectDead(broker, session)
})

test('deployed: each grant works at its own route', async () => {
  const pending = await deviceCode(broker)
  const polled = await postForm(endpoint(broker, 'demo', 'token/device'), {
    grant_type: 'urn:ietf:params:oauth:grant-type:device_code',
    client_id: 'cli',
    device_code: pending.deviceCode,
  })
  expectRefusal(polled, 400, 'authorization_pending')
  const exchanged = await postForm(endpoint(broker, 'demo', 'token/code'), {
    grant_type: 'authorization_code',
    client_id: 'web',
    client_secret: 'web-secret',
    code: await authorizationCode(broker),
    redirect_uri: 'http://127.0.0.1:9999/cb',
  })
  const rotated = await postForm(endpoint(broker, 'demo', 'token/refresh'), {
    grant_type: 'refresh_token',
    client_id: 'web',
    client_secret: 'web-secret',
    refresh_token: expectTokens(exchanged).refreshToken,
  })
  expectTokens(rotated)
  const own = { grant_type: 'client_credentials', scope: 'reports:read' }
  expectTokens(await postForm(endpoint(broker, 'demo', 'token/client'), own, basic('service', 'service-secret')))
})

test('deployed: the description of the API is served', async () => {
  const description = await fetch(`${broker.url}/openapi.json`)
  assert.equal(description.status, 200)
  assert.ok(Object.keys(((await description.json()) as { paths: object }).paths).length > 0)
})

test('deployed: a wrong user code, and a person who denies', async () => {
  const { verificationUri, userCode } = await deviceCode(broker)
  await type(new Person(), verificationUri, 'BBBB-BBBB', 'approve')
  await type(new Person(), verificationUri, userCode, 'deny')
})

test('deployed: operators list sessions, show one, and end one, a person’s and a client’s', async () => {
  const [one] = [await device(broker), await device(broker)]
  const sessions = `${issuer(broker, 'demo')}/sessions`
  const { sid } = claimsOf(one.accessToken)
  const listed = await get(`${sessions}?client_id=cli&state=active`)
  assert.ok((listed.body.sessions as { sid: string }[]).some((session) => session.sid === sid))
  assert.equal((await get(`${sessions}?subject=${claimsOf(one.accessToken).sub}`)).status, 200)
  assert.equal((await get(`${sessions}/${sid}`)).status, 200)
  assert.equal((await send(`${sessions}/${sid}`, { method: 'DELETE' })).body.revoked, 1)
  await expectDead(broker, one)
  assert.equal((await postJson(`${sessions}/revoke`, { client_id: 'cli' })).status, 200)
  assert.equal((await postJson(`${sessions}/revoke`, { subject: 'nobody' })).status, 200)
})

/** The person uses the tenant's own device flow; this is the first poll that asks the tenant. */
async function atTenant(caller: Caller): Promise<Tokens> {
  const { verificationUriComplete, deviceCode: device_code } = await deviceCode(broker, caller)
  await connectDevice(verificationUriComplete)
  clock.advance(6)
  return expectTokens(await call(broker, caller, 'token/device', { grant_type: deviceGrant, device_code }))
}

test('deployed: the provider’s tokens are handed out at exchange, poll and refresh, and deleted at a revocation', async () => {
  const shown = { grant_type: 'authorization_code', code: await authorizationCode(broker, agent) }
  const exchanged = expectTokens(await call(broker, agent, 'token/code', { ...shown, redirect_uri: callbackUri }))
  const connector = { ...cli, application: 'wiremock' }
  const connected = await atTenant(connector)
  clock.advance(270)
  // The tenant's token is about to expire; the other provider's is not.
  const [sameAgain, fresh] = [await rotated(agent, exchanged), await rotated(connector, connected)]
  assert.equal(sameAgain.accessToken, exchanged.accessToken)
  assert.notEqual(fresh.accessToken, connected.accessToken)
  for (const [caller, { refreshToken }] of [
    [agent, sameAgain],
    [connector, fresh],
  ] as const) {
    assert.ok(await isVaultKept(refreshToken))
    assert.equal((await revoke(broker, caller, refreshToken)).status, 200)
    assert.ok(!(await isVaultKept(refreshToken)))
  }
})

async function rotated(caller: Caller, { refreshToken }: Tokens): Promise<Tokens> {
  const shown = { grant_type: 'refresh_token', refresh_token: refreshToken }
  return expectTokens(await call(broker, caller, 'token/refresh', shown))
}

test('deployed: a worker exchanges tokens, and retry-revocations ends the session at the provider', async () => {
  const host = { ...cli, application: 'wiremock', clientId: 'worker-host' }
  const session = await atTenant(host)
  const subject = { subject_token: session.accessToken, subject_token_type: accessTokenType }
  const shown = { grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange', ...subject }
  const exchange = () => call(broker, worker, 'token/exchange', shown)
  const first = expectTokens(await exchange())
  assert.match(String(claimsOf(first.accessToken).iss), /\/tenant\/$/)
  clock.advance(270)
  assert.notEqual(expectTokens(await exchange()).accessToken, first.accessToken)
  const { sid } = claimsOf(session.accessToken)
  assert.equal((await send(`${issuer(broker, 'wiremock')}/sessions/${sid}`, { method: 'DELETE' })).body.revoked, 1)
  expectRefusal(await exchange(), 400, 'invalid_request')
  assert.ok(await isVaultKept(session.refreshToken))
  // The local stack's own schedule may be running it at this moment.
  for (let left = 1; left > 0; ) ({ left } = (await runAlone('retry-revocations')).answer as { left: number })
  assert.ok(!(await isVaultKept(session.refreshToken)))
})

async function isVaultKept(refreshToken: string): Promise<boolean> {
  const sid = Buffer.from(refreshToken.slice('rt_'.length), 'base64url').toString('base64url', 1, 17)
  const items = await wholeTable(dynamodb.endpoint)
  return items.some(({ pk, sk }) => pk?.S === `family#${sid}` && sk?.S?.startsWith('provider#'))
}

test('deployed: the JWKS contains the keys that create-keyring made', async () => {
  const { body } = await get(`${issuer(broker, 'demo')}/.well-known/jwks.json`)
  const published = (body.keys as { kid: string }[]).map(({ kid }) => kid)
  assert.ok(published.length > 0)
  for (const kid of published) assert.ok(secrets.get(`${prefix}keyring`)?.includes(kid))
})

test('deployed apply-registry writes a registry, and changes it', async () => {
  const registryOf = (graceSeconds: number) => {
    const client = { clientId: 'cli', auth: 'none', graceSeconds, grants: ['refresh_token'] }
    return { Registry: JSON.stringify(registryWith(client)).replace('"demo"', '"deployed"') }
  }
  const applied = (Changes: string) => ({ Status: 'SUCCESS', Data: { Changes } })
  assert.deepEqual(await deploying('apply-registry', registryOf(10)), applied('2 added'))
  assert.deepEqual(await deploying('apply-registry', registryOf(60)), applied('1 changed'))
})

test('deployed rotate-keys lists the keys, and retires one', async () => {
  const { keys } = (await runAlone('rotate-keys', { list: true })).answer as { keys: { key: string; status: string }[] }
  const { key } = keys.find(({ status }) => status === 'next')!
  const event = { emergency: { retire: [key], reason: 'a trial' } }
  const { retired } = (await runAlone('rotate-keys', event)).answer as { retired: { key: string }[] }
  assert.deepEqual([retired.length, retired[0]?.key], [1, key])
  assert.ok(!secrets.get(`${prefix}keyring`)?.includes(`"${key}"`))
})

test('deployed check-keys logs the age of the keys as a metric', async () => {
  const { log } = await runAlone('check-keys')
  const line = readLine(log.split('\n')[0] ?? '')
  assert.deepEqual(expectSchema(line).age_days, 0)
  assert.deepEqual(expectMetrics(line), [{ name: 'age_days', value: 0, dimensions: [[]] }])
})

test('in the tests above every function ran, and asked AWS only for what its role grants', () => {
  const { resources } = synthesized('with a registry')
  for (const { functionName, action, on, attributes } of aws.asked) {
    const thing = on.replace(prefix, '')
    const isGranted = rightsOf(resources, functionName).some(
      ({ actions, on }) => actions.includes(action) && on.split(', ').some((one) => covers(one, thing, attributes)),
    )
    assert.ok(isGranted, `${functionName} asked for ${action} on ${thing}, ${attributes.join(' ')}`)
  }
  const ran = new Set(aws.asked.map(({ functionName }) => functionName))
  // api-docs has no rights and asks for nothing.
  const asking = Object.keys(bundled.bundles).filter((name) => name !== 'api-docs')
  assert.deepEqual([...ran].sort(), asking.sort())
})

/** @param right such as `family#*`, or `application#* (pk sk revokedBefore)` */
function covers(right: string, thing: string, attributes: readonly string[]): boolean {
  const [, pattern = '', only] = /^(.*?)(?: \((.*)\))?$/.exec(right) ?? []
  const isThing = pattern
    .split(',')
    .some((one) => (one.endsWith('*') ? thing.startsWith(one.slice(0, -1)) : one === thing))
  return isThing && (only === undefined || attributes.every((one) => only.split(' ').includes(one)))
}

test('the local table has the keys and indexes of the deployed one', async () => {
  const deployed = theOnly(synthesized('with every default').resources, 'AWS::DynamoDB::GlobalTable').Properties
  assert.deepEqual(shapeOf(await describeTable()), shapeOf(deployed as TableDescription))
})

async function describeTable(): Promise<TableDescription> {
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' }
  const client = new DynamoDBClient({ endpoint: dynamodb.endpoint, region: 'eu-central-1', credentials })
  const { Table } = await client.send(new DescribeTableCommand({ TableName: 'token-broker' }))
  client.destroy()
  return Table!
}

function shapeOf({ KeySchema, AttributeDefinitions, GlobalSecondaryIndexes }: TableDescription): unknown {
  return {
    keys: KeySchema,
    attributes: AttributeDefinitions?.map(({ AttributeName, AttributeType }) => [AttributeName, AttributeType]).sort(),
    indexes: GlobalSecondaryIndexes?.map(({ IndexName, KeySchema, Projection }) => [IndexName, KeySchema, Projection]),
  }
}

function deployedEnvironment(): Record<string, string> {
  return {
    NODE_OPTIONS: `--import=${new URL('support/deployed.ts', import.meta.url)}`,
    ...{ BUNDLES: bundled.folder, MOVED_CLOCK: String(clock.environment.MOVED_CLOCK) },
    DEPLOYED_SECRETS: `secretsmanager:${prefix}`,
    AWS_ENDPOINT_URL_SECRETS_MANAGER: aws.endpoint,
    AWS_ENDPOINT_URL_DYNAMODB: aws.endpoint,
    TABLE_NAME: 'token-broker',
    AWS_REGION: 'eu-central-1',
    AWS_ACCESS_KEY_ID: 'local',
    AWS_SECRET_ACCESS_KEY: 'local',
  }
}

/** Adds revocation at the tenant, and a client of the code flow that gets the provider's tokens. */
function registry(): string {
  return registryFile((copy) => {
    Object.assign(copy.application('wiremock').provider as object, { revokeTokens: true })
    const { clientId, auth, secret } = agent
    const grants = ['authorization_code', 'refresh_token']
    const row = { clientId, auth, secrets: [secret], redirectUris: [callbackUri], grants, accessToken: 'provider' }
    copy.addClient('demo', row)
  })
}

/** The local stack running the bundles, with the providers' secrets where operators would put them. */
async function startDeployed(): Promise<BrokerProcess> {
  const environment = deployedEnvironment()
  const started = await startBroker({ dynamodb: aws.endpoint, shared, registry: registry(), environment })
  const providers = join(shared.dataDir, 'secrets', 'provider')
  for (const name of readdirSync(providers, { recursive: true }) as string[]) {
    if (name.includes('/')) secrets.set(`${prefix}provider/${name}`, readFileSync(join(providers, name), 'utf8'))
  }
  return started
}

/** Runs a function that has no route. */
async function runAlone(name: string, event: object = {}): Promise<Ran> {
  functionsAlone ??= startFunctionsAlone()
  functionsAlone.send({ name, event } satisfies Call)
  const [ran] = (await once(functionsAlone, 'message')) as [Ran]
  assert.equal(ran.fault, undefined)
  return ran
}

function startFunctionsAlone(): ChildProcess {
  const env = { ...process.env, ...deployedEnvironment(), METRICS_NAMESPACE: 'TokenBroker/test' }
  const child = fork(new URL('support/functions-alone.ts', import.meta.url), { env })
  // Rejects the call that waits for a message.
  child.once(
    'exit',
    (code) => code === 0 || child.emit('error', new Error(`The functions' process ended with ${code}.`)),
  )
  return child
}

/** Runs a function as CloudFormation does. */
async function deploying(name: string, ResourceProperties: object = {}): Promise<unknown> {
  const asking = { ResourceProperties: { ...ResourceProperties } }
  const { Status, Data } = await asCloudFormation((event) => runAlone(name, event), asking)
  return { Status, Data }
}
