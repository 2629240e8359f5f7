/**
 * S1 to S8 of the cases: services that ask in their own name (RFC 6749 §4.4).
 *
 * Owns the grant and what its tokens are worth elsewhere: no session is behind them.
 */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { createRemoteJWKSet, jwtVerify } from 'jose'
import * as openid from 'openid-client'
import { type BrokerHere, startBrokerHere } from './support/broker-here.ts'
import { api, type Caller, cli, web } from './support/callers.ts'
import { call, deviceGrant, type Extra, endpoint, introspect, issuer, revoke, userinfo } from './support/endpoints.ts'
import { claimsOf, expectRefusal, expectTokens, headerOf, type Tokens } from './support/expect.ts'
import type { FaultProxy } from './support/fault-proxy.ts'
import { device } from './support/flows.ts'
import { registryFile } from './support/registry.ts'
import { startFaultyStore } from './support/store.ts'
import { postJson } from './support/wire.ts'

const service: Caller = {
  application: 'demo',
  clientId: 'service',
  auth: 'client_secret_basic',
  secret: 'service-secret',
}
/** May do all that a client may do. */
const both: Caller = { application: 'demo', clientId: 'both', auth: 'client_secret_post', secret: 'both-secret' }

let broker: BrokerHere
let store: FaultProxy
before(async () => {
  const registry = registryFile(({ addClient }) => {
    addClient('demo', {
      ...{ clientId: 'both', auth: 'client_secret_post', secrets: ['both-secret'], accessTokenSeconds: 60 },
      ...{ grants: ['client_credentials', deviceGrant, 'refresh_token'], audiences: ['https://one', 'https://two'] },
      scopes: ['openid', 'profile', 'offline_access', 'reports:read'],
    })
  })
  store = await startFaultyStore()
  broker = await startBrokerHere({ registry, dynamodb: store.endpoint })
})
after(async () => {
  await broker.stop()
  await store.stop()
})

const ask = (caller: Caller = service, extra: Extra = {}, path = 'token') =>
  call(broker, caller, path, { grant_type: 'client_credentials', ...extra })

async function issued(caller: Caller = service, extra: Extra = {}): Promise<Tokens> {
  return expectTokens(await ask(caller, extra))
}

test('S1 a service gets an access token in its own name, and neither a refresh token nor an ID token', async () => {
  const { body, accessToken } = await issued(service, { scope: 'reports:read' })
  assert.deepEqual(body, {
    ...{ access_token: accessToken, token_type: 'Bearer' },
    ...{ expires_in: 300, scope: 'reports:read' },
  })
  assert.equal(headerOf(accessToken).typ, 'at+jwt')
  const keys = createRemoteJWKSet(new URL(`${issuer(broker, 'demo')}/.well-known/jwks.json`))
  const { payload } = await jwtVerify(accessToken, keys, { issuer: issuer(broker, 'demo'), typ: 'at+jwt' })
  const { iat, exp, jti, ...claims } = payload
  assert.deepEqual(claims, {
    ...{ iss: issuer(broker, 'demo'), aud: 'https://api.example.test' },
    ...{ sub: 'service', client_id: 'service', scope: 'reports:read' },
  })
  assert.equal(Number(exp) - Number(iat), 300)
  assert.notEqual(claimsOf((await issued()).accessToken).jti, jti)
})

test('S1 at the route of its own, and in JSON, it is the same', async () => {
  expectTokens(await ask(service, {}, 'token/client'))
  const fields = { grant_type: 'client_credentials', client_id: 'both', client_secret: 'both-secret' }
  expectTokens(await postJson(endpoint(broker, 'demo', 'token/client'), fields))
  expectRefusal(await ask(service, { grant_type: 'refresh_token' }, 'token/client'), 400, 'unsupported_grant_type')
})

test('S2 it gets the scopes and the audience that it asks for, or an error; without a word, none and its first', async () => {
  const { accessToken, body } = await issued(both)
  assert.equal(body.scope, undefined)
  assert.deepEqual([claimsOf(accessToken).aud, claimsOf(accessToken).scope], ['https://one', undefined])
  assert.equal(claimsOf((await issued(both, { audience: 'https://two' })).accessToken).aud, 'https://two')
  expectRefusal(await ask(service, { scope: 'reports:write' }), 400, 'invalid_scope')
  expectRefusal(await ask(service, { scope: 'profile' }), 400, 'invalid_scope')
  expectRefusal(await ask(service, { audience: 'https://two' }), 400, 'invalid_target')
})

test('S3 openid is for people: invalid_scope; offline_access is dropped, even for a client that may refresh', async () => {
  expectRefusal(await ask(both, { scope: 'openid reports:read' }), 400, 'invalid_scope')
  const { body, refreshToken } = await issued(both, { scope: 'offline_access reports:read' })
  assert.deepEqual([body.scope, refreshToken, body.expires_in], ['reports:read', '', 60])
})

test('S4 a client without the grant, and one that proves nothing, gets none', async () => {
  expectRefusal(await ask(web), 400, 'unauthorized_client')
  expectRefusal(await ask(cli), 400, 'unauthorized_client')
  expectRefusal(await ask({ ...service, secret: 'wrong' }), 401, 'invalid_client')
  expectRefusal(await ask({ ...service, auth: 'none' }), 401, 'invalid_client')
  expectRefusal(await ask({ ...service, application: 'auth0like' }), 401, 'invalid_client')
})

test('S5 introspection tells of it', async () => {
  const { accessToken } = await issued(service, { scope: 'reports:read' })
  const { body } = await introspect(broker, accessToken)
  assert.deepEqual(body, { active: true, token_type: 'Bearer', ...claimsOf(accessToken) })
})

test('S6 userinfo is about people: such a token is invalid_token there', async () => {
  for (const { accessToken } of [await issued(service), await issued(both, { scope: 'profile' })]) {
    const answer = await userinfo(broker, 'demo', accessToken)
    expectRefusal(answer, 401, 'invalid_token')
    assert.match(answer.headers['www-authenticate'] ?? '', /^Bearer error="invalid_token"/)
  }
})

test('S7 it cannot be revoked, and the answer says so; for another client it is 200 without effect', async () => {
  const { accessToken } = await issued()
  expectRefusal(await revoke(broker, service, accessToken), 400, 'unsupported_token_type')
  assert.equal((await revoke(broker, web, accessToken)).status, 200)
  assert.equal((await introspect(broker, accessToken)).body.active, true)
  const session = await device(broker)
  assert.equal((await revoke(broker, cli, session.accessToken)).status, 200)
})

test('S8 it costs no request to the store beside the registrations, and one line of the audit', async () => {
  const audited = () => broker.output().match(/.*"event":"token\.issued".*/g) ?? []
  await ask(service, {}, 'token/client')
  const before = audited().length
  store.forget()
  const { accessToken } = expectTokens(await ask(service, {}, 'token/client'))
  assert.deepEqual(store.counts(), {})
  const [line = '', ...more] = audited().slice(before)
  assert.match(line, /"client_id":"service".*"sub":"service"/)
  assert.deepEqual(more, [])
  assert.ok(!broker.output().includes(accessToken.slice(-40)))
})

test('openid-client: clientCredentialsGrant, and the API asks about the token', async () => {
  const discovered = (clientId: string, secret: string) =>
    openid.discovery(new URL(issuer(broker, 'demo')), clientId, undefined, openid.ClientSecretBasic(secret), {
      execute: [openid.allowInsecureRequests],
    })
  const { access_token, scope } = await openid.clientCredentialsGrant(await discovered('service', 'service-secret'), {
    scope: 'reports:read',
  })
  assert.equal(scope, 'reports:read')
  const told = await openid.tokenIntrospection(await discovered('api', api.secret ?? ''), access_token)
  assert.deepEqual([told.active, told.sub, told.client_id, told.sid], [true, 'service', 'service', undefined])
})
