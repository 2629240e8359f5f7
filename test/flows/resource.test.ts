/**
 * T1 to T9 of the cases: resource indicators (RFC 8707), from the request to the `aud` of each access token.
 *
 * Owns the clients with several audiences that the local registry has none of.
 */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { allowInsecureRequests, Configuration, None, refreshTokenGrant } from 'openid-client'
import { type BrokerHere, startBrokerHere } from './support/broker-here.ts'
import { type Caller, cli, credentials } from './support/callers.ts'
import {
  authorizeUrl,
  callbackUri,
  deviceGrant,
  endpoint,
  introspect,
  issuer,
  startDevice,
} from './support/endpoints.ts'
import { claimsOf, expectDead, expectRefusal, expectTokens, string, type Tokens } from './support/expect.ts'
import { authorizationCode, decide, pkce, walk } from './support/flows.ts'
import { Person } from './support/person.ts'
import { registryFile } from './support/registry.ts'
import { type Answer, get, postForm, postJson, postRaw } from './support/wire.ts'

const [one, two, plain] = ['https://one.example', 'https://two.example/', 'reports']
const audiences = [one, two, 'https://three.example/v1', plain]
const deviceClient: Caller = { ...cli, clientId: 'many' }
const graced: Caller = { ...cli, clientId: 'many-graced' }
const codeClient: Caller = { ...cli, clientId: 'many-code' }
const serviceClient: Caller = {
  ...{ application: 'demo', clientId: 'many-service', auth: 'client_secret_basic', secret: 'a-secret-of-the-service' },
}

let broker: BrokerHere
before(async () => {
  const registry = registryFile(({ addClient }) => {
    const row = { auth: 'none', audiences }
    const grants = [deviceGrant, 'refresh_token']
    addClient('demo', { ...row, clientId: deviceClient.clientId, grants })
    addClient('demo', { ...row, clientId: graced.clientId, grants, graceSeconds: 60 })
    addClient('demo', {
      ...{ ...row, clientId: codeClient.clientId, redirectUris: [callbackUri] },
      grants: ['authorization_code', 'refresh_token'],
      consent: false,
    })
    addClient('demo', {
      ...{ auth: 'client_secret_basic', secrets: [serviceClient.secret], scopes: ['reports:read'], audiences },
      ...{ clientId: serviceClient.clientId, grants: ['client_credentials'] },
    })
  })
  broker = await startBrokerHere({ registry })
})
after(() => broker.stop())

type Fields = Readonly<Record<string, string>>
const resources = (values: readonly string[]) => values.map((value): [string, string] => ['resource', value])

/** A form that names each resource, in any number. */
function ask(caller: Caller, path: string, fields: Fields, values: readonly string[] = []): Promise<Answer> {
  const own = credentials(caller)
  const all = [...Object.entries({ ...own.fields, ...fields }), ...resources(values)]
  return postForm(endpoint(broker, caller.application, path), all, own.headers)
}

const scope = 'openid offline_access'
const start = (caller: Caller, values: readonly string[] = [], fields: Fields = {}) =>
  ask(caller, 'device_authorization', { scope, ...fields }, values)
const refresh = (caller: Caller, token: string, values: readonly string[] = [], fields: Fields = {}) =>
  ask(caller, 'token', { grant_type: 'refresh_token', refresh_token: token, ...fields }, values)
const poll = (caller: Caller, deviceCode: string, values: readonly string[] = []) =>
  ask(caller, 'token', { grant_type: deviceGrant, device_code: deviceCode }, values)

const audOf = ({ accessToken }: Pick<Tokens, 'accessToken'>) => claimsOf(accessToken).aud

/** A device code that a person has approved. */
async function approvedCode(caller: Caller, values: readonly string[]): Promise<string> {
  const { status, body, text } = await start(caller, values)
  assert.equal(status, 200, text)
  const uri = string(body, 'verification_uri_complete')
  await decide({ deviceCode: '', userCode: '', verificationUri: uri, verificationUriComplete: uri }, 'approve')
  return string(body, 'device_code')
}

async function session(caller: Caller, values: readonly string[]): Promise<Tokens> {
  return expectTokens(await poll(caller, await approvedCode(caller, values)))
}

const refusedValues: Readonly<Record<string, readonly string[]>> = {
  'an audience of nobody': ['https://other.example'],
  'one of the client’s, and one of nobody': [one, 'https://other.example'],
  'one with a fragment': [`${one}#top`],
  'one with an empty fragment': [`${one}#`],
  'a relative one': ['/v1'],
  'one without a scheme': ['one.example'],
  'one that is no URI, though it is registered': [plain],
  'another path': ['https://three.example/'],
  'a path with a slash more': ['https://three.example/v1/'],
  'another case': ['https://ONE.example'],
  'a port that says what was meant anyway': ['https://one.example:443'],
  'one with a space': ['https://one.example/ '],
}

describe('what a flow is started for', () => {
  test('T1 each resource that is asked for is in aud: a string for one, a list for several, in the order asked', async () => {
    assert.equal(audOf(await session(deviceClient, [two])), two)
    assert.deepEqual(audOf(await session(deviceClient, [two, one])), [two, one])
  })

  test('T1 authorize takes several, too', async () => {
    const { verifier, parameters } = pkce()
    const url = new URL(authorizeUrl(broker, codeClient, { ...parameters, scope }))
    for (const [name, value] of resources([one, two])) url.searchParams.append(name, value)
    const person = new Person()
    const landed = await walk(person, await person.open(url.href), {})
    const code = landed.url.searchParams.get('code') ?? assert.fail(landed.url.href)
    const fields = { grant_type: 'authorization_code', code, redirect_uri: callbackUri, code_verifier: verifier }
    assert.deepEqual(audOf(expectTokens(await ask(codeClient, 'token', fields))), [one, two])
  })

  test('T2 without resource and audience it is for the client’s first audience', async () => {
    assert.equal(audOf(await session(deviceClient, [])), one)
  })

  test('T2 audience is another name for one value, beside resource as well; what is said twice counts once', async () => {
    const started = async (values: readonly string[], fields: Fields) => {
      const { body } = await start(deviceClient, values, fields)
      const uri = string(body, 'verification_uri_complete')
      await decide({ deviceCode: '', userCode: '', verificationUri: uri, verificationUriComplete: uri }, 'approve')
      return audOf(expectTokens(await poll(deviceClient, string(body, 'device_code'))))
    }
    assert.equal(await started([], { audience: plain }), plain)
    assert.deepEqual(await started([two], { audience: plain }), [plain, two])
    assert.equal(await started([one, one, `${one}/`], { audience: one }), one)
    assert.equal(await started([''], { audience: '' }), one)
  })

  test('T3 an empty path and a slash are equal, either way round, and aud is as registered', async () => {
    assert.deepEqual(audOf(await session(deviceClient, [`${one}/`, 'https://two.example'])), [one, two])
  })

  test('T4 whatever is no audience of the client’s is invalid_target', async () => {
    for (const [what, values] of Object.entries(refusedValues)) {
      const answer = await start(deviceClient, values)
      assert.deepEqual([answer.status, answer.body.error], [400, 'invalid_target'], what)
    }
    expectRefusal(await start(deviceClient, [], { audience: 'https://other.example' }), 400, 'invalid_target')
  })

  test('T4 at authorize it goes back to the client, with state and iss', async () => {
    const url = authorizeUrl(broker, codeClient, {
      ...pkce().parameters,
      state: 'st',
      resource: 'https://other.example',
    })
    const landed = new URL((await get(url)).headers.location ?? '')
    assert.deepEqual(
      ['error', 'state', 'iss'].map((name) => landed.searchParams.get(name)),
      ['invalid_target', 'st', issuer(broker, 'demo')],
    )
  })

  test('T5 a JSON body has a list; a repeated member, a value that is no text, and thousands are invalid_request', async () => {
    const url = endpoint(broker, 'demo', 'device_authorization')
    const sent = (resource: unknown) => postJson(url, { client_id: deviceClient.clientId, scope, resource })
    assert.equal((await sent([one, two])).status, 200)
    assert.equal((await sent(one)).status, 200)
    for (const wrong of [[one, 1], [[one]], { one }, 7, null, true]) {
      expectRefusal(await sent(wrong), 400, 'invalid_request')
    }
    const raw = `{"client_id":"${deviceClient.clientId}","resource":"${one}","resource":"${two}"}`
    expectRefusal(await postRaw(url, raw, { 'content-type': 'application/json' }), 400, 'invalid_request')
    const thousands = Array.from({ length: 2_000 }, (_, at) => `https://${at}.e`)
    expectRefusal(await sent(thousands), 400, 'invalid_request')
    expectRefusal(await start(deviceClient, thousands), 400, 'invalid_request')
    assert.equal(
      (
        await start(
          deviceClient,
          Array.from({ length: 90 }, () => one),
        )
      ).status,
      200,
    )
  })

  test('T6 a service gets what it asks for in the same way', async () => {
    const fields = { grant_type: 'client_credentials' }
    const issued = expectTokens(await ask(serviceClient, 'token', fields, [two, one]))
    assert.deepEqual(audOf(issued), [two, one])
    expectRefusal(await ask(serviceClient, 'token', fields, ['https://other.example']), 400, 'invalid_target')
  })
})

describe('narrowing', () => {
  test('T7 a refresh may narrow to some of those granted, for this access token alone', async () => {
    const first = await session(deviceClient, [one, two])
    const narrow = expectTokens(await refresh(deviceClient, first.refreshToken, [`${two}`]))
    assert.equal(audOf(narrow), two)
    const all = expectTokens(await refresh(deviceClient, narrow.refreshToken, []))
    assert.deepEqual(audOf(all), [one, two])
    const told = await introspect(broker, all.refreshToken)
    assert.deepEqual(told.body.aud, [one, two])
  })

  test('T7 so may the exchange of a device code, and the refreshes after it may ask for all', async () => {
    const first = expectTokens(
      await poll(deviceClient, await approvedCode(deviceClient, [one, two]), ['https://one.example/']),
    )
    assert.equal(audOf(first), one)
    assert.deepEqual(audOf(expectTokens(await refresh(deviceClient, first.refreshToken))), [one, two])
  })

  test('T8 what was not granted is invalid_target and spends nothing, at a refresh', async () => {
    const { refreshToken } = await session(deviceClient, [one])
    for (const values of [[two], [one, two], ['https://other.example'], [`${one}#`], ['relative']]) {
      expectRefusal(await refresh(deviceClient, refreshToken, values), 400, 'invalid_target')
    }
    expectRefusal(await refresh(deviceClient, refreshToken, [], { audience: plain }), 400, 'invalid_target')
    assert.equal(audOf(expectTokens(await refresh(deviceClient, refreshToken, [one]))), one)
  })

  test('T8 nor at the exchange of a device code or an authorization code', async () => {
    const deviceCode = await approvedCode(deviceClient, [one])
    for (const values of [[two], ['https://other.example']]) {
      expectRefusal(await poll(deviceClient, deviceCode, values), 400, 'invalid_target')
    }
    assert.equal(audOf(expectTokens(await poll(deviceClient, deviceCode))), one)

    const { verifier, parameters } = pkce()
    const code = await authorizationCode(broker, codeClient, { ...parameters, scope, resource: two })
    const fields = { grant_type: 'authorization_code', code, redirect_uri: callbackUri, code_verifier: verifier }
    for (const values of [[one], ['https://other.example']]) {
      expectRefusal(await ask(codeClient, 'token', fields, values), 400, 'invalid_target')
    }
    assert.equal(audOf(expectTokens(await ask(codeClient, 'token', fields, [two]))), two)
  })

  test('T8 a spent token is reuse whatever it asks for', async () => {
    const first = await session(deviceClient, [one])
    const second = expectTokens(await refresh(deviceClient, first.refreshToken))
    expectRefusal(await refresh(deviceClient, first.refreshToken, [two]), 400, 'invalid_grant')
    await expectDead(broker, { caller: deviceClient, ...second })
  })

  test('T9 of parallel refreshes, some for what was not granted, those spend nothing and one of the others wins', async () => {
    const first = await session(deviceClient, [one, two])
    const wide = Array.from({ length: 12 }, () =>
      refresh(deviceClient, first.refreshToken, [plain, 'https://three.example/v1']),
    )
    for (const answer of await Promise.all(wide)) expectRefusal(answer, 400, 'invalid_target')
    const asked = [[one], ['https://three.example/v1'], [two], ['https://three.example/v1'], [one, two], []]
    const answers = await Promise.all(asked.map((values) => refresh(deviceClient, first.refreshToken, values)))
    assert.equal(answers.filter(({ status }) => status === 200).length, 1)
    assert.ok(
      answers.every(
        ({ status, body }) => status === 200 || ['invalid_grant', 'invalid_target'].includes(String(body.error)),
      ),
    )
  })

  test('T9 within its grace each retry is for what it asks, with one and the same successor', async () => {
    const first = await session(graced, [one, two])
    const asked = [[one], [two], [one, two], [], [one]]
    const answers = (await Promise.all(asked.map((values) => refresh(graced, first.refreshToken, values)))).map(
      expectTokens,
    )
    assert.equal(new Set(answers.map(({ refreshToken }) => refreshToken)).size, 1)
    assert.deepEqual(answers.map(audOf), [one, two, [one, two], [one, two], one])
    expectRefusal(await refresh(graced, first.refreshToken, ['https://three.example/v1']), 400, 'invalid_target')
    expectTokens(await refresh(graced, answers[0]!.refreshToken))
  })

  test('T7 an unmodified client library narrows by resource', async () => {
    const first = await session(deviceClient, [one, two])
    const server = { issuer: issuer(broker, 'demo'), token_endpoint: endpoint(broker, 'demo', 'token') }
    const config = new Configuration(server, deviceClient.clientId, undefined, None())
    allowInsecureRequests(config)
    const parameters = new URLSearchParams(resources([one, two]))
    const tokens = await refreshTokenGrant(config, first.refreshToken, parameters)
    assert.deepEqual(claimsOf(tokens.access_token).aud, [one, two])
  })
})

test('T4 a device authorization for another audience makes nothing', async () => {
  expectRefusal(await startDevice(broker, cli, { resource: 'https://other.example' }), 400, 'invalid_target')
})
