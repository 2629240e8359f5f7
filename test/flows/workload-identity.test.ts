/**
 * K of the cases: clients that prove themselves by a token of their platform (RFC 7523 §2.2), with issuers that answer over HTTP.
 * Every claim by itself is in test/domain/workload-identity.test.ts, every answer of an issuer in test/tokens/issuer-keys.test.ts.
 */
import assert from 'node:assert/strict'
import { createHmac, createPublicKey, type JsonWebKey } from 'node:crypto'
import { after, before, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { SignJWT } from 'jose'
import * as openid from 'openid-client'
import { routes } from '../../infra/routes.ts'
import {
  newPlatformKey,
  type PlatformIssuer,
  type PlatformKey,
  type Platforms,
  startPlatforms,
} from '../support/platform-issuer.ts'
import { asserting, newSigner, type Signer, sign } from './support/assertions.ts'
import { type BrokerHere, startBrokerHere } from './support/broker-here.ts'
import { web } from './support/callers.ts'
import { callbackUri, deviceGrant, endpoint, issuer } from './support/endpoints.ts'
import { expectRefusal, expectTokens, expectUnavailable, string } from './support/expect.ts'
import type { FaultProxy } from './support/fault-proxy.ts'
import { authorizationCode, decide, device } from './support/flows.ts'
import { movedClock } from './support/moved-clock.ts'
import { type Row, registryFile } from './support/registry.ts'
import { startFaultyStore } from './support/store.ts'
import { accessTokenType } from './support/vault.ts'
import { type Answer, basic, postForm, postJson } from './support/wire.ts'

const algorithms = ['RS256', 'RS384', 'RS512', 'PS256', 'ES256', 'ES384', 'EdDSA'] as const
const awsName = 'https://sts.amazonaws.com/'
const clock = movedClock()

let platforms: Platforms
let store: FaultProxy
let broker: BrokerHere
let own: Signer
const keys = new Map<string, PlatformKey>()
const issuers = new Map<string, PlatformIssuer>()
const platform = (name: string) => issuers.get(name)!
const key = (alg: string) => keys.get(alg)!

before(async () => {
  platforms = await startPlatforms()
  for (const alg of algorithms) keys.set(alg, await newPlatformKey(alg))
  own = await newSigner()
  for (const name of ['github', 'gitlab', 'kubernetes', 'rotating', 'down', 'cold', 'redirect', 'huge', 'strict']) {
    issuers.set(name, platforms.issuer(name, key('RS256')))
  }
  issuers.set('aws', platforms.issuer('aws', key('ES384')))
  issuers.set('all', platforms.issuer('all', ...keys.values()))
  issuers.set('inline', platforms.issuer('inline', key('ES256')))
  const nightly = (name: string) => ({ issuer: platform(name).issuer, subject: 'nightly' })
  const registry = registryFile(({ addClient, addApplication, application }) => {
    const usual = {
      ...{ grants: ['client_credentials', deviceGrant, 'refresh_token'], mayIntrospect: true },
      scopes: ['reports:read', 'openid', 'offline_access'],
    }
    const add = (clientId: string, ...identities: object[]) =>
      addClient('demo', { clientId, auth: 'workload_identity', identities, ...usual })
    add(
      'ci',
      { ...nightly('kubernetes'), subject: 'system:serviceaccount:jobs:ci' },
      {
        issuer: platform('github').issuer,
        subject: 'repo:octo@12/app@34:ref:refs/heads/main',
        claims: { repository_id: '34', repository_owner_id: '12' },
      },
    )
    add('gitlab', {
      issuer: platform('gitlab').issuer,
      claims: { project_id: '7', ref: 'main', ref_protected: 'true' },
    })
    const awsRole = () => ({
      issuer: platform('aws').issuer,
      subject: 'arn:aws:iam::123456789012:role/nightly',
      claims: { [awsName]: { aws_account: '123456789012', principal_tags: { team: 'data' } } },
    })
    add('aws-role', awsRole())
    add('cron', {
      issuer: platform('kubernetes').issuer,
      subject: 'system:serviceaccount:jobs:nightly',
      claims: { 'kubernetes.io': { serviceaccount: { uid: 'u-1' } } },
    })
    for (const name of ['rotating', 'down', 'cold', 'redirect', 'huge', 'all']) add(name, nightly(name))
    add('inline', { ...nightly('inline'), jwks: { keys: [key('ES256').jwk] } })
    addClient('demo', {
      ...{ clientId: 'strict', auth: 'workload_identity', singleUseAssertions: true },
      identities: [{ ...nightly('strict'), maxAgeSeconds: 60 }, nightly('strict')],
      ...usual,
    })
    addApplication({
      ...{ name: 'vaulted', displayName: 'Vaulted', audiences: ['https://api.example.test'] },
      provider: { ...(application('wiremock').provider as Row), clientId: 'vaulted', deviceLogin: 'broker' },
      clients: [
        {
          ...{ clientId: 'agent', auth: 'workload_identity', identities: [awsRole()], ...usual },
          grants: [...usual.grants, 'authorization_code', 'urn:ietf:params:oauth:grant-type:token-exchange'],
          redirectUris: [callbackUri],
          exchangesFor: ['agent'],
        },
      ],
    })
    // Its platform's key is the own key of another client, too.
    addClient('demo', {
      clientId: 'robot',
      auth: 'private_key_jwt',
      jwks: { keys: [own.jwk, key('ES256').jwk] },
      ...usual,
    })
    addClient('demo', {
      ...{ clientId: 'mirror', auth: 'workload_identity', ...usual },
      identities: [{ issuer: 'https://robot.example', subject: 'robot', jwks: { keys: [own.jwk] } }],
    })
  })
  store = await startFaultyStore()
  broker = await startBrokerHere({ dynamodb: store.endpoint, registry, clock })
})
after(async () => {
  await broker?.stop()
  await Promise.all([store.stop(), platforms.stop()])
})

const token = () => endpoint(broker, 'demo', 'token')
const seconds = () => Math.floor(clock.nowMs() / 1000)

/** Claims as the platforms document them; undefined takes one out. */
function claims(of: string, changes: object = {}): object {
  const usual = {
    iss: platform(of).issuer,
    aud: issuer(broker, 'demo'),
    iat: seconds(),
    nbf: seconds(),
    exp: seconds() + 300,
  }
  const others: Record<string, object> = {
    github: {
      ...{ jti: 'one', sub: 'repo:octo@12/app@34:ref:refs/heads/main', ref: 'refs/heads/main', repository: 'octo/app' },
      ...{
        repository_id: '34',
        repository_owner: 'octo',
        repository_owner_id: '12',
        event_name: 'push',
        ref_type: 'branch',
      },
    },
    gitlab: {
      ...{ jti: 'one', sub: 'project_path:g/p:ref_type:branch:ref:main', project_id: '7', project_path: 'g/p' },
      ...{ namespace_id: '3', ref: 'main', ref_protected: 'true', pipeline_source: 'schedule' },
    },
    aws: {
      jti: 'one',
      sub: 'arn:aws:iam::123456789012:role/nightly',
      [awsName]: {
        aws_account: '123456789012',
        source_region: 'eu-central-1',
        principal_tags: { team: 'data', a: 'b' },
      },
    },
    kubernetes: {
      ...{ aud: [usual.aud], jti: 'one', sub: 'system:serviceaccount:jobs:nightly' },
      'kubernetes.io': {
        namespace: 'jobs',
        pod: { name: 'nightly-1', uid: 'p-1' },
        serviceaccount: { name: 'nightly', uid: 'u-1' },
      },
    },
  }
  return { ...usual, ...(others[of] ?? { sub: 'nightly', jti: 'one' }), ...changes }
}

const signed = (of: string, changes: object = {}, by?: PlatformKey, header?: object) =>
  platform(of).sign(claims(of, changes), by, header)

function ask(clientId: string, jwt: string, more: Readonly<Record<string, string>> = {}): Promise<Answer> {
  const wanted = { grant_type: 'client_credentials', scope: 'reports:read' }
  return postForm(token(), { ...wanted, client_id: clientId, ...asserting(jwt), ...more })
}

/** What the operator is told of a request. The line is written before the answer, and may arrive after it. */
async function reasonOf({ headers }: Answer): Promise<string> {
  const id = `"request_id":"${headers['x-request-id']}"`
  for (let tries = 0; tries < 100; tries += 1) {
    const line = broker
      .output()
      .split('\n')
      .find((one) => one.includes(id) && one.includes('"event":"request"') && one.endsWith('}'))
    if (line !== undefined) return String((JSON.parse(line.slice(line.indexOf('{'))) as { reason?: unknown }).reason)
    await pause(20)
  }
  return assert.fail('no line in the log')
}

async function expectFault(answer: Answer, fault: RegExp): Promise<void> {
  expectRefusal(answer, 401, 'invalid_client')
  assert.match(await reasonOf(answer), fault)
}

test('K1 tokens shaped as those of GitHub, GitLab, AWS and Kubernetes are accepted, one matching identity being enough', async () => {
  expectTokens(await ask('ci', await signed('github')))
  expectTokens(await ask('ci', await signed('kubernetes', { sub: 'system:serviceaccount:jobs:ci' })))
  expectTokens(await ask('gitlab', await signed('gitlab')))
  expectTokens(await ask('aws-role', await signed('aws')))
  expectTokens(await ask('cron', await signed('kubernetes', {}, undefined, { typ: undefined })))
})

test('K1 each algorithm is accepted', async () => {
  for (const alg of algorithms) expectTokens(await ask('all', await signed('all', {}, key(alg))))
})

test('K2 it works at every endpoint and for every grant, in a form and in JSON, and a refused token spends nothing', async () => {
  const inVaulted = { aud: issuer(broker, 'vaulted') }
  const proof = async () => ({ client_id: 'agent', ...asserting(await signed('aws', inVaulted)) })
  const refused = async () => ({
    client_id: 'agent',
    ...asserting(await signed('aws', { ...inVaulted, sub: 'other' })),
  })
  const walked = new Set<string>()
  const post = async (path: string, fields: Record<string, string>) => {
    walked.add(`/{application}/oauth/${path}`)
    const url = endpoint(broker, 'vaulted', path)
    expectRefusal(await postForm(url, { ...fields, ...(await refused()) }), 401, 'invalid_client')
    expectRefusal(await postForm(url, { ...fields, client_id: 'agent' }), 401, 'invalid_client')
    const answer = await postForm(url, { ...fields, ...(await proof()) })
    assert.equal(answer.status, 200, `${path}: ${answer.text}`)
    return answer
  }
  const refresh = (path: string, refreshToken: string) =>
    post(path, { grant_type: 'refresh_token', refresh_token: refreshToken })
  const deviceCode = async () => {
    const started = await post('device_authorization', { scope: 'openid offline_access' })
    const verificationUriComplete = string(started.body, 'verification_uri_complete')
    await decide({ deviceCode: '', userCode: '', verificationUri: '', verificationUriComplete }, 'approve')
    return { grant_type: deviceGrant, device_code: string(started.body, 'device_code') }
  }
  const code = async () => ({
    ...{ grant_type: 'authorization_code', redirect_uri: callbackUri },
    code: await authorizationCode(
      broker,
      { ...web, application: 'vaulted', clientId: 'agent' },
      { scope: 'openid offline_access' },
    ),
  })
  for (const [device, codes, refreshes, exchange] of [
    ['token', 'token', 'token', 'token'],
    ['token/device', 'token/code', 'token/refresh', 'token/exchange'],
  ] as const) {
    const ofDevice = expectTokens(await post(device, await deviceCode()))
    const ofCode = expectTokens(await post(codes, await code()))
    for (const { refreshToken } of [ofDevice, ofCode]) {
      const next = expectTokens(await refresh(refreshes, refreshToken))
      await post(exchange, {
        ...{ grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange', subject_token: next.accessToken },
        subject_token_type: accessTokenType,
      })
      assert.equal((await post('introspect', { token: next.accessToken })).body.active, true)
      await post('revoke', { token: next.refreshToken })
      assert.equal((await post('introspect', { token: next.accessToken })).body.active, false)
    }
  }
  const wanted = { grant_type: 'client_credentials', scope: 'reports:read' }
  for (const path of ['token', 'token/client']) await post(path, wanted)
  expectTokens(await postJson(endpoint(broker, 'vaulted', 'token'), { ...wanted, ...(await proof()) }))
  // Every other route asks nobody for a client's credentials.
  const withClients = routes.filter(
    ({ path }) => path.includes('/oauth/') && !/userinfo|authorize$|callback/.test(path),
  )
  assert.deepEqual([...walked].sort(), withClients.map(({ path }) => path).sort())
})

test('K3 a wrong issuer, audience, subject or claim is refused like an unknown client, and the log names the claim with its registered value', async () => {
  const unknown = await ask('nobody', await signed('github'))
  const secret = 'only-in-the-token'
  const cases: readonly (readonly [object, RegExp])[] = [
    [{ iss: `https://${secret}.example` }, /iss is not "http.*github"/],
    [{ aud: secret }, /identities\[1\]: aud is not ".*\/demo" alone/],
    [{ aud: [issuer(broker, 'demo'), secret] }, /aud is not/],
    [{ aud: issuer(broker, 'auth0like') }, /aud is not/],
    [{ aud: token() }, /aud is not/],
    [{ sub: secret }, /sub is not "repo:octo@12\/app@34:ref:refs\/heads\/main"/],
    [{ repository_id: secret }, /repository_id is not "34"/],
    [{ repository_owner_id: undefined }, /repository_owner_id is not "12"/],
  ]
  for (const [changes, fault] of cases) {
    const jwt = await signed('github', changes)
    const answer = await ask('ci', jwt)
    await expectFault(answer, fault)
    assert.deepEqual(answer.body, unknown.body)
    assert.ok(!broker.output().includes(jwt.slice(-40)))
  }
  await expectFault(
    await ask('aws-role', await signed('aws', { [awsName]: { aws_account: '1', principal_tags: { team: 'data' } } })),
    /aws_account is not "123456789012"/,
  )
  assert.ok(!broker.output().includes(secret))
})

test('K4 a token that is expired, not valid yet, of the future, too old, or without iat is refused', async () => {
  const now = seconds()
  for (const [changes, fault] of [
    [{ exp: now - 1 }, /exp: the token has expired/],
    [{ nbf: now + 60 }, /nbf: the token is not valid yet/],
    [{ iat: now + 60 }, /iat: .* future/],
    [{ iat: now - 3_700 }, /iat: .* older than maxAgeSeconds 3600/],
    [{ iat: undefined }, /iat is missing/],
  ] as const) {
    await expectFault(await ask('ci', await signed('github', changes)), fault)
  }
})

test('K5 none, a MAC with the public key, another algorithm than the key has, and tokens of another type prove nothing', async () => {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const { jwk } = key('RS256')
  const pem = createPublicKey({ key: jwk as JsonWebKey, format: 'jwk' })
    .export({ type: 'spki', format: 'pem' })
    .toString()
  const body = part(claims('github'))
  for (const secret of [pem, pem.trim(), JSON.stringify(jwk)]) {
    const input = `${part({ alg: 'HS256', kid: 'RS256', typ: 'JWT' })}.${body}`
    const mac = createHmac('sha256', secret).update(input).digest('base64url')
    await expectFault(await ask('ci', `${input}.${mac}`), /alg is none of those/)
  }
  for (const alg of ['none', 'None', 'HS512', 'ES256K']) {
    await expectFault(await ask('ci', `${part({ alg, kid: 'RS256' })}.${body}.`), /alg is none of those/)
  }
  await expectFault(await ask('ci', await signed('github', {}, { ...key('ES256'), kid: 'RS256' })), /kid/)
  for (const typ of ['at+jwt', 'logout+jwt', 'dpop+jwt', 'application/at+jwt']) {
    await expectFault(await ask('ci', await signed('github', {}, undefined, { typ })), /typ is not JWT/)
  }
  await expectFault(await ask('ci', 'not a JWT'), /not a JWT/)
})

test('K5 a signature of another key is refused, and so is a key that the token brings along or points to', async () => {
  const other = await newPlatformKey('RS256')
  const evil = platforms.issuer('evil', other)
  await expectFault(await ask('ci', await signed('github', {}, other)), /signature/)
  const pointing = { jwk: other.jwk, jku: `${evil.issuer}/jwks`, x5u: `${evil.issuer}/jwks` }
  await expectFault(await ask('ci', await signed('github', {}, other, pointing)), /signature/)
  await expectFault(await ask('ci', await signed('github', { iss: evil.issuer }, other)), /iss is not/)
  assert.deepEqual(evil.asked, { metadata: 0, jwks: 0 })
})

test('K6 a key that is rotated while running is accepted at once, and unknown keys make one request in half a minute', async () => {
  const at = platform('rotating')
  expectTokens(await ask('rotating', await signed('rotating')))
  const next = await newPlatformKey('ES256', 'next')
  at.keys = [next]
  expectTokens(await ask('rotating', await signed('rotating', {}, next)))
  assert.equal(at.asked.jwks, 2)
  for (let count = 0; count < 5; count += 1) {
    await expectFault(await ask('rotating', await signed('rotating', {}, { ...next, kid: `k${count}` })), /kid/)
  }
  assert.equal(at.asked.jwks, 2)
  clock.advance(30)
  await expectFault(await ask('rotating', await signed('rotating', {}, key('RS256'))), /kid/)
  assert.equal(at.asked.jwks, 3)
})

test('K7 an issuer that is away is 503 without cached keys; with them nobody notices until they have served for four hours', async () => {
  const at = platform('down')
  at.broken = () => 'hang-up'
  expectUnavailable(await ask('down', await signed('down')))
  at.broken = undefined
  clock.advance(5)
  expectTokens(await ask('down', await signed('down')))
  at.broken = () => ({ status: 503 })
  clock.advance(3 * 3_600)
  expectTokens(await ask('down', await signed('down')))
  clock.advance(3_600)
  expectUnavailable(await ask('down', await signed('down')))
  await expectFault(await ask('down', await signed('down', { sub: 'other' })), /sub is not/)
})

test('K8 fifty at once with a cold cache make one request for the metadata and one for the keys, and later ones none', async () => {
  const jwt = await signed('cold')
  const answers = await Promise.all(Array.from({ length: 50 }, () => ask('cold', jwt)))
  for (const answer of answers) expectTokens(answer)
  expectTokens(await ask('cold', jwt))
  assert.deepEqual(platform('cold').asked, { metadata: 1, jwks: 1 })
})

test('K16 a warm authentication costs no request to the store beyond the grant, and none to the issuer', async () => {
  const proof = async () => ({
    client_id: 'agent',
    ...asserting(await signed('aws', { aud: issuer(broker, 'vaulted') })),
  })
  const post = async (path: string, fields: Record<string, string>) =>
    expectTokens(await postForm(endpoint(broker, 'vaulted', path), { ...fields, ...(await proof()) }))
  const ownToken = () => post('token', { grant_type: 'client_credentials', scope: 'reports:read' })
  const refresh = (refreshToken: string) =>
    post('token/refresh', { grant_type: 'refresh_token', refresh_token: refreshToken })
  const caller = { ...web, application: 'vaulted', clientId: 'agent' }
  const code = await authorizationCode(broker, caller, { scope: 'openid offline_access' })
  const redeem = { grant_type: 'authorization_code', redirect_uri: callbackUri, code }
  const { refreshToken } = await refresh((await post('token', redeem)).refreshToken)
  const asked = { ...platform('aws').asked }
  store.forget()
  await ownToken()
  assert.deepEqual(store.counts(), {})
  await refresh(refreshToken)
  assert.deepEqual(store.counts(), { UpdateItem: 1 })
  assert.deepEqual(platform('aws').asked, asked)
})

test('K9 a redirect and a huge key set are not followed and not read: 503, and the operator reads why', async () => {
  const elsewhere = platforms.issuer('elsewhere', key('RS256'))
  platform('redirect').broken = (what) =>
    what === 'jwks' ? { status: 302, headers: { location: `${elsewhere.issuer}/jwks` } } : undefined
  expectUnavailable(await ask('redirect', await signed('redirect')))
  assert.equal(elsewhere.asked.jwks, 0)
  platform('huge').broken = (what) =>
    what === 'jwks' ? { body: `{"keys":[${'{},'.repeat(5_000_000)}{}]}` } : undefined
  const started = performance.now()
  const huge = await ask('huge', await signed('huge'))
  expectUnavailable(huge)
  assert.ok(performance.now() - started < 4_000)
  assert.equal(await reasonOf(huge), 'issuer')
  assert.match(broker.output(), /"reason":"issuer".*jwks is a redirect/)
  assert.match(broker.output(), /"reason":"issuer".*jwks is longer than/)
})

test('K10 a token of a pull request, of a fork, or of another branch is refused', async () => {
  for (const changes of [
    { sub: 'repo:octo@12/app@34:pull_request', event_name: 'pull_request', ref: 'refs/pull/7/merge' },
    { sub: 'repo:mallory@99/app@35:ref:refs/heads/main', repository_id: '35', repository_owner_id: '99' },
    { sub: 'repo:octo@12/app@34:ref:refs/heads/main2' },
  ]) {
    await expectFault(await ask('ci', await signed('github', changes)), /sub is not/)
  }
})

test('K11 tokens of this broker, and what a client signs with its own key, are no platform tokens', async () => {
  const { accessToken } = expectTokens(await ask('aws-role', await signed('aws')))
  await expectFault(await ask('aws-role', accessToken), /typ is not JWT/)
  const session = await device(broker)
  assert.ok(session.idToken)
  await expectFault(await ask('aws-role', session.idToken), /iss is not/)
  const assertion = await sign(own, 'robot', issuer(broker, 'demo'), { exp: seconds() + 60, iat: seconds() })
  expectTokens(await ask('robot', assertion))
  await expectFault(await ask('aws-role', assertion), /iss is not/)
  await expectFault(await ask('mirror', assertion), /iss is not/)
})

test('K11 a request object or a DPoP proof is neither a platform token nor a client assertion', async () => {
  for (const typ of ['oauth-authz-req+jwt', 'dpop+jwt', 'client-authentication+jwt', 'wit+jwt']) {
    await expectFault(await ask('ci', await signed('github', {}, undefined, { typ })), /typ is not JWT/)
  }
  const now = seconds()
  const payload = { iss: 'robot', sub: 'robot', aud: issuer(broker, 'demo'), iat: now, exp: now + 60, jti: 'request' }
  const typed = (typ: string) => new SignJWT(payload).setProtectedHeader({ alg: own.alg, typ }).sign(own.privateKey)
  await expectFault(await ask('robot', await typed('oauth-authz-req+jwt')), /assertion: typ/)
  expectTokens(await ask('robot', await typed('client-authentication+jwt')))
})

test('K11 a platform token is no assertion of a client with a key, even when that key is the same', async () => {
  const jwt = await signed('inline')
  expectTokens(await ask('inline', jwt))
  await expectFault(await ask('robot', jwt), /assertion: iss/)
})

test('K12 without client_id, with a secret beside it, or with another method nobody is authenticated', async () => {
  const jwt = await signed('github')
  const wanted = { grant_type: 'client_credentials', scope: 'reports:read' }
  expectRefusal(await postForm(token(), { ...wanted, ...asserting(jwt) }), 401, 'invalid_client')
  expectRefusal(await ask('ci', jwt, { client_secret: 'x' }), 400, 'invalid_request')
  expectRefusal(await postForm(token(), { ...wanted, client_id: 'ci', client_secret: 'x' }), 401, 'invalid_client')
  expectRefusal(await postForm(token(), { ...wanted, client_id: 'ci' }), 401, 'invalid_client')
  expectRefusal(await postForm(token(), wanted, basic('ci', '')), 401, 'invalid_client')
  expectRefusal(await ask('ci', jwt, { client_assertion_type: 'urn:x:saml2-bearer' }), 401, 'invalid_client')
  expectRefusal(await ask('web', jwt), 401, 'invalid_client')
  expectRefusal(await ask('cli', jwt), 401, 'invalid_client')
  const named = await platform('inline').sign({ ...claims('inline'), iss: 'inline' })
  expectRefusal(await postForm(token(), { ...wanted, ...asserting(named) }), 401, 'invalid_client')
})

test('K13 a token may be used again, unless the client asks for single use', async () => {
  const jwt = await signed('github')
  expectTokens(await ask('ci', jwt))
  expectTokens(await ask('ci', jwt))
  const once = await signed('strict')
  const answers = await Promise.all(Array.from({ length: 10 }, () => ask('strict', once)))
  assert.equal(answers.filter(({ status }) => status === 200).length, 1)
  await expectFault(await ask('strict', once), /replayed/)
  await expectFault(await ask('strict', await signed('strict', { jti: undefined })), /jti is missing/)
  expectTokens(await ask('strict', await signed('strict', { jti: 'two' })))
})

test('K13 a token for single use stays used until it ends, even if another identity accepts it for longer', async () => {
  const once = await signed('strict', { jti: 'long', exp: seconds() + 600 })
  expectTokens(await ask('strict', once))
  clock.advance(180)
  await expectFault(await ask('strict', once), /replayed/)
})

test('K14 keys that stand in the registration ask nobody', async () => {
  expectTokens(await ask('inline', await signed('inline')))
  await expectFault(await ask('inline', await signed('inline', {}, key('RS256'))), /kid/)
  assert.deepEqual(platform('inline').asked, { metadata: 0, jwks: 0 })
})

test('K15 openid-client, unmodified, with a client authentication function of its own', async () => {
  const config = await openid.discovery(
    new URL(issuer(broker, 'demo')),
    'aws-role',
    undefined,
    async (_as, client, body) => {
      body.set('client_id', client.client_id)
      for (const [name, value] of Object.entries(asserting(await signed('aws')))) body.set(name, value)
    },
    { execute: [openid.allowInsecureRequests] },
  )
  const { access_token } = await openid.clientCredentialsGrant(config, { scope: 'reports:read' })
  assert.equal((await openid.tokenIntrospection(config, access_token)).sub, 'aws-role')
  await openid.tokenRevocation(config, 'rt_unknown')
})
