/**
 * A17 of the cases: clients that prove themselves by an assertion (`private_key_jwt`, RFC 7523), each good once.
 *
 * Owns assertions over HTTP, over two brokers on one table. Every claim by itself is test/tokens/client-assertion's.
 */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import * as oauth from 'oauth4webapi'
import * as openid from 'openid-client'
import { asserting, newSigner, type Signer, sign } from '../flows/support/assertions.ts'
import { type Broker, newShared, startBroker } from '../flows/support/broker.ts'
import { type BrokerHere, startBrokerHere } from '../flows/support/broker-here.ts'
import { deviceGrant, endpoint, introspect, issuer } from '../flows/support/endpoints.ts'
import { expectRefusal, expectTokens, expectUnavailable, string } from '../flows/support/expect.ts'
import type { FaultProxy } from '../flows/support/fault-proxy.ts'
import { decide } from '../flows/support/flows.ts'
import { registryFile } from '../flows/support/registry.ts'
import { startFaultyStore } from '../flows/support/store.ts'
import { type Answer, basic, postForm, postJson } from '../flows/support/wire.ts'

const algorithms = ['ES256', 'RS256', 'PS256', 'EdDSA', 'Ed25519'] as const
const own = { grant_type: 'client_credentials', scope: 'reports:read' }

let robot: Signer
let stranger: Signer
const signers = new Map<string, Signer>()
let store: FaultProxy
let brokers: readonly [BrokerHere, BrokerHere]
before(async () => {
  ;[robot, stranger] = [await newSigner(), await newSigner()]
  for (const alg of algorithms) signers.set(alg, await newSigner(alg))
  const registry = registryFile(({ addClient }) => {
    const declare = (application: string, clientId: string, ...keys: Signer[]) =>
      addClient(application, {
        ...{ clientId, auth: 'private_key_jwt', jwks: { keys: keys.map(({ jwk }) => jwk) }, mayIntrospect: true },
        ...{ grants: ['client_credentials', deviceGrant, 'refresh_token'] },
        scopes: ['reports:read', 'openid', 'offline_access'],
      })
    for (const alg of algorithms) declare('demo', alg, signers.get(alg)!)
    declare('demo', 'robot', robot)
    declare('demo', 'stranger', stranger)
    declare('auth0like', 'robot', robot)
  })
  store = await startFaultyStore()
  const settings = { shared: await newShared(), dynamodb: store.endpoint, registry }
  const first = await startBrokerHere(settings)
  brokers = [first, await startBroker(settings)]
})
after(async () => {
  await Promise.all(brokers.map((broker) => broker.stop()))
  await store.stop()
})

const broker = () => brokers[0]
const token = (at: Broker = broker()) => endpoint(at, 'demo', 'token')

/** An assertion of the robot's, meant for the issuer. */
function assertion(claims: Readonly<Record<string, unknown>> = {}, signer = robot): Promise<string> {
  return sign(signer, 'robot', issuer(broker(), 'demo'), claims)
}

function ask(shown: string, extra: Readonly<Record<string, string>> = {}, at: Broker = broker()): Promise<Answer> {
  return postForm(token(at), { ...own, ...asserting(shown), ...extra })
}

test('A17 a good assertion is taken, with or without client_id, in a form and in JSON', async () => {
  expectTokens(await ask(await assertion()))
  expectTokens(await ask(await assertion(), { client_id: 'robot' }))
  expectTokens(await postJson(token(), { ...own, ...asserting(await assertion()) }))
})

test('A17 each algorithm that metadata lists is taken', async () => {
  for (const [alg, signer] of signers) {
    const shown = await sign(signer, alg, issuer(broker(), 'demo'))
    expectTokens(await ask(shown))
  }
})

test('A17 the audience is the issuer, as a string or a list of it alone; an endpoint of ours is not', async () => {
  const called = endpoint(broker(), 'demo', 'token/client')
  const ourIssuer = issuer(broker(), 'demo')
  for (const aud of [ourIssuer, [ourIssuer]]) {
    expectTokens(await postForm(called, { ...own, ...asserting(await assertion({ aud })) }))
  }
  for (const aud of [token(), called, [token()], [ourIssuer, token()], [ourIssuer, ourIssuer]]) {
    const answer = await postForm(called, { ...own, ...asserting(await assertion({ aud })) })
    expectRefusal(answer, 401, 'invalid_client')
  }
})

test('A17 it works at every endpoint that asks who the client is, through a whole device flow', async () => {
  const proof = async () => asserting(await assertion())
  const post = async (path: string, fields: Record<string, string>) =>
    postForm(endpoint(broker(), 'demo', path), { ...fields, ...(await proof()) })
  const started = await post('device_authorization', { scope: 'openid offline_access' })
  assert.equal(started.status, 200, started.text)
  const verificationUriComplete = string(started.body, 'verification_uri_complete')
  await decide({ deviceCode: '', userCode: '', verificationUri: '', verificationUriComplete }, 'approve')
  const deviceCode = string(started.body, 'device_code')
  const first = expectTokens(await post('token/device', { grant_type: deviceGrant, device_code: deviceCode }))
  const next = expectTokens(
    await post('token/refresh', { grant_type: 'refresh_token', refresh_token: first.refreshToken }),
  )
  assert.equal((await post('introspect', { token: next.accessToken })).body.active, true)
  assert.equal((await post('revoke', { token: next.refreshToken })).status, 200)
  assert.deepEqual((await post('introspect', { token: next.accessToken })).body, { active: false })
})

test('A17 an expired one, one that ends too late, and one without an end are 401', async () => {
  const now = Math.floor(Date.now() / 1000)
  for (const exp of [now - 1, now - 3600, now + 3600, undefined]) {
    expectRefusal(await ask(await assertion({ exp })), 401, 'invalid_client')
  }
})

test('A17 one that is meant for somebody else is 401', async () => {
  const others = [issuer(broker(), 'auth0like'), broker().url, `${issuer(broker(), 'demo')}/`, 'https://other.example']
  for (const aud of [...others, undefined, [], [issuer(broker(), 'demo'), 'https://other.example']]) {
    expectRefusal(await ask(await assertion({ aud })), 401, 'invalid_client')
  }
})

test('A17 one of another client, of nobody, or with a key that is not the client’s is 401', async () => {
  for (const claims of [
    { iss: 'stranger' },
    { sub: 'stranger' },
    { iss: 'nobody', sub: 'nobody' },
    { iss: undefined },
  ]) {
    expectRefusal(await ask(await assertion(claims)), 401, 'invalid_client')
  }
  expectRefusal(await ask(await assertion({}, stranger)), 401, 'invalid_client')
  expectRefusal(await ask(await assertion(), { client_id: 'stranger' }), 401, 'invalid_client')
})

test('A17 one at another application’s path is 401, though a client of that name and key is there', async () => {
  const away = endpoint(broker(), 'auth0like', 'token')
  expectRefusal(await postForm(away, { ...own, ...asserting(await assertion()) }), 401, 'invalid_client')
})

test('A17 an unsigned one, and what is no JWT at all, is 401', async () => {
  const [, payload] = (await assertion()).split('.')
  const unsigned = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${payload}.`
  for (const shown of [unsigned, 'nonsense', 'a.b.c', '..', 'é']) {
    expectRefusal(await ask(shown), 401, 'invalid_client')
  }
})

test('A17 one without a jti is 401', async () => {
  for (const jti of [undefined, '', 7, 'j'.repeat(257)]) {
    expectRefusal(await ask(await assertion({ jti })), 401, 'invalid_client')
  }
})

test('A17 a jti is good once, at whatever endpoint or broker it is shown again', async () => {
  const shown = await assertion()
  expectTokens(await ask(shown))
  for (const at of brokers) expectRefusal(await ask(shown, {}, at), 401, 'invalid_client')
  const elsewhere = await postForm(endpoint(broker(), 'demo', 'revoke'), { token: 'x', ...asserting(shown) })
  expectRefusal(elsewhere, 401, 'invalid_client')
  const claims = JSON.parse(Buffer.from(shown.split('.')[1] ?? '', 'base64url').toString())
  expectRefusal(await ask(await assertion({ jti: claims.jti, exp: claims.exp + 60 })), 401, 'invalid_client')
})

test('A17 the same jti of another client, or at another application, is another one', async () => {
  const jti = 'counted-1'
  expectTokens(await ask(await assertion({ jti })))
  expectTokens(await ask(await sign(stranger, 'stranger', issuer(broker(), 'demo'), { jti })))
  const away = await sign(robot, 'robot', issuer(broker(), 'auth0like'), { jti })
  expectTokens(await postForm(endpoint(broker(), 'auth0like', 'token'), { ...own, ...asserting(away) }))
})

test('A17 of fifty at once with one jti exactly one is taken', async () => {
  const shown = await assertion()
  const answers = await Promise.all(Array.from({ length: 50 }, (_, at) => ask(shown, {}, brokers[at % 2])))
  const statuses = answers.map(({ status }) => status).sort()
  assert.deepEqual(statuses, [200, ...Array(49).fill(401)])
})

test('A17 a failed authentication spends nothing: neither the jti of a forgery, nor that of what is refused', async () => {
  const jti = 'forged-first'
  expectRefusal(await ask(await assertion({ jti }, stranger)), 401, 'invalid_client')
  expectRefusal(await ask(await assertion({ jti, aud: 'https://other.example' })), 401, 'invalid_client')
  expectRefusal(await ask(await assertion({ jti }), { client_id: 'stranger' }), 401, 'invalid_client')
  expectTokens(await ask(await assertion({ jti })))
})

test('A3 an assertion beside a secret or Basic is two methods, and one half of an assertion is none', async () => {
  expectRefusal(await ask(await assertion(), { client_secret: 'x' }), 400, 'invalid_request')
  const withBasic = { ...own, ...asserting(await assertion()) }
  expectRefusal(await postForm(token(), withBasic, basic('service', 'service-secret')), 400, 'invalid_request')
  expectRefusal(await ask(await assertion(), { client_assertion_type: '' }), 400, 'invalid_request')
  expectRefusal(await ask('', { client_id: 'robot' }), 400, 'invalid_request')
  expectRefusal(await ask(await assertion(), { client_assertion_type: 'urn:x:saml2-bearer' }), 401, 'invalid_client')
})

test('A4 a client with a key that shows none, or a secret, is 401; and so is an assertion of a client with a secret', async () => {
  expectRefusal(await postForm(token(), { ...own, client_id: 'robot' }), 401, 'invalid_client')
  expectRefusal(await postForm(token(), { ...own, client_id: 'robot', client_secret: 'x' }), 401, 'invalid_client')
  expectRefusal(await postForm(token(), own, basic('robot', '')), 401, 'invalid_client')
  const of = await sign(robot, 'service', issuer(broker(), 'demo'))
  expectRefusal(await ask(of), 401, 'invalid_client')
})

test('A17 the log says who failed and why, and holds no assertion', async () => {
  const shown = await assertion({ aud: 'https://other.example' })
  await ask(shown)
  await ask(await assertion({ iss: 'a secret by mistake', sub: 'a secret by mistake' }))
  const lines = broker()
    .output()
    .split('\n')
    .filter((line) => line.includes('"error":"invalid_client"'))
    .map((line) => JSON.parse(line.slice(line.indexOf('{'))))
  assert.ok(lines.some(({ client_id, reason }) => client_id === 'robot' && reason === 'assertion: aud'))
  assert.ok(lines.some(({ client_id, reason }) => client_id === 'robot' && reason === 'assertion: replayed'))
  assert.ok(lines.some(({ client_id, reason }) => client_id === undefined && reason === 'unknown client'))
  assert.ok(!broker().output().includes(shown.slice(-40)))
  assert.ok(!broker().output().includes('a secret by mistake'))
})

test('A17 a store that is away is 503 and spends nothing; a lost answer from it is no replay', async () => {
  try {
    expectTokens(await ask(await assertion()))
    const shown = await assertion()
    store.fail({ kind: 'hang-up' }, { operations: ['PutItem'] })
    expectUnavailable(await ask(shown))
    store.heal()
    expectTokens(await ask(shown))
    store.fail({ kind: 'lose-answer' }, { operations: ['PutItem'], times: 1 })
    expectTokens(await ask(await assertion()))
    store.fail({ kind: 'lose-answer' }, { operations: ['PutItem'] })
    expectTokens(await ask(await assertion()))
  } finally {
    store.heal()
  }
})

test('openid-client: PrivateKeyJwt, unmodified, for a grant, introspection and revocation', async () => {
  for (const [alg, { privateKey }] of signers) {
    const config = await openid.discovery(
      new URL(issuer(broker(), 'demo')),
      alg,
      undefined,
      openid.PrivateKeyJwt(privateKey),
      { execute: [openid.allowInsecureRequests] },
    )
    const { access_token, expires_in } = await openid.clientCredentialsGrant(config, { scope: 'reports:read' })
    assert.equal(expires_in, 300)
    const told = await openid.tokenIntrospection(config, access_token)
    assert.deepEqual([told.active, told.sub, told.scope], [true, alg, 'reports:read'])
    await openid.tokenRevocation(config, 'rt_unknown')
  }
})

test('oauth4webapi: PrivateKeyJwt, unmodified, and the resource server validates the access token', async () => {
  const insecure = { [oauth.allowInsecureRequests]: true }
  const identifier = new URL(issuer(broker(), 'demo'))
  const as = await oauth.processDiscoveryResponse(identifier, await oauth.discoveryRequest(identifier, insecure))
  const client: oauth.Client = { client_id: 'robot' }
  const proof = oauth.PrivateKeyJwt(robot.privateKey)
  const asked = new URLSearchParams({ scope: 'reports:read' })
  const response = await oauth.clientCredentialsGrantRequest(as, client, proof, asked, insecure)
  const { access_token } = await oauth.processClientCredentialsResponse(as, client, response)
  const request = new Request('https://api.example.test/', { headers: { authorization: `Bearer ${access_token}` } })
  const claims = await oauth.validateJwtAccessToken(as, request, 'https://api.example.test', insecure)
  assert.deepEqual([claims.sub, claims.client_id, claims.scope], ['robot', 'robot', 'reports:read'])
  assert.equal((await introspect(broker(), access_token)).body.active, true)
})
