/**
 * Standard OAuth clients, unmodified, against the broker: openid-client and oauth4webapi do the whole of every flow.
 *
 * Owns nothing of the protocol: what these libraries refuse is a fault of the broker.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as oauth from 'oauth4webapi'
import * as openid from 'openid-client'
import { callbackUri, fullScope, issuer } from './support/endpoints.ts'
import { walk } from './support/flows.ts'
import { Person } from './support/person.ts'
import { sharedBroker } from './support/shared-broker.ts'

const broker = await sharedBroker()

const insecure = { [oauth.allowInsecureRequests]: true }

function discovered(clientId: string, authentication: openid.ClientAuth): Promise<openid.Configuration> {
  const server = new URL(issuer(broker, 'demo'))
  return openid.discovery(server, clientId, undefined, authentication, { execute: [openid.allowInsecureRequests] })
}

/** A person follows an address to the client's callback, or to the end of a device's approval. */
async function browse(address: string | URL): Promise<URL> {
  const person = new Person()
  return (await walk(person, await person.open(address), { decision: 'approve' })).url
}

test('openid-client: device flow, userinfo, refresh, revocation', async () => {
  const config = await discovered('cli', openid.None())
  const audience = 'https://api.example.test'
  const started = await openid.initiateDeviceAuthorization(config, { scope: fullScope, audience })
  await browse(started.verification_uri_complete ?? '')
  const tokens = await openid.pollDeviceAuthorizationGrant(config, started)
  const subject = tokens.claims()?.sub
  assert.ok(subject !== undefined && tokens.refresh_token !== undefined)
  assert.equal((await openid.fetchUserInfo(config, tokens.access_token, subject)).sub, subject)
  const next = await openid.refreshTokenGrant(config, tokens.refresh_token)
  assert.ok(next.refresh_token !== undefined && next.refresh_token !== tokens.refresh_token)
  await openid.tokenRevocation(config, next.refresh_token)
  await assert.rejects(openid.refreshTokenGrant(config, next.refresh_token), { error: 'invalid_grant' })
})

for (const [clientId, authentication] of [
  ['web', openid.ClientSecretPost('web-secret')],
  ['basic', openid.ClientSecretBasic('basic-secret')],
  ['spa', openid.None()],
] as const) {
  test(`openid-client: code flow of ${clientId} with PKCE, state and nonce, refresh, introspection, revocation`, async () => {
    const config = await discovered(clientId, authentication)
    const [pkceCodeVerifier, expectedState, expectedNonce] = [
      openid.randomPKCECodeVerifier(),
      openid.randomState(),
      openid.randomNonce(),
    ]
    const landed = await browse(
      openid.buildAuthorizationUrl(config, {
        redirect_uri: callbackUri,
        scope: fullScope,
        code_challenge: await openid.calculatePKCECodeChallenge(pkceCodeVerifier),
        code_challenge_method: 'S256',
        state: expectedState,
        nonce: expectedNonce,
        max_age: '3600',
      }),
    )
    const checks = { pkceCodeVerifier, expectedState, expectedNonce, idTokenExpected: true, maxAge: 3600 }
    const tokens = await openid.authorizationCodeGrant(config, landed, checks)
    const subject = tokens.claims()?.sub ?? ''
    assert.equal((await openid.fetchUserInfo(config, tokens.access_token, subject)).sub, subject)
    const next = await openid.refreshTokenGrant(config, tokens.refresh_token ?? '', { scope: fullScope })
    const api = await discovered('api', openid.ClientSecretBasic('api-secret'))
    assert.equal((await openid.tokenIntrospection(api, next.access_token)).sub, subject)
    await openid.tokenRevocation(config, next.refresh_token ?? '')
    assert.deepEqual(await openid.tokenIntrospection(api, next.access_token), { active: false })
  })
}

async function server(algorithm: 'oidc' | 'oauth2'): Promise<oauth.AuthorizationServer> {
  const identifier = new URL(issuer(broker, 'demo'))
  const response = await oauth.discoveryRequest(identifier, { algorithm, ...insecure })
  return oauth.processDiscoveryResponse(identifier, response)
}

test('oauth4webapi: discovery at both well-known places', async () => {
  assert.deepEqual(await server('oidc'), await server('oauth2'))
})

test('oauth4webapi: device flow, and the resource server validates the access token', async () => {
  const as = await server('oidc')
  const client: oauth.Client = { client_id: 'cli' }
  const asked = { scope: fullScope }
  const started = await oauth.processDeviceAuthorizationResponse(
    as,
    client,
    await oauth.deviceAuthorizationRequest(as, client, oauth.None(), asked, insecure),
  )
  const poll = () => oauth.deviceCodeGrantRequest(as, client, oauth.None(), started.device_code, insecure)
  await assert.rejects(
    poll().then((response) => oauth.processDeviceCodeResponse(as, client, response)),
    {
      error: 'authorization_pending',
    },
  )
  const again = await oauth.processDeviceAuthorizationResponse(
    as,
    client,
    await oauth.deviceAuthorizationRequest(as, client, oauth.None(), asked, insecure),
  )
  await browse(again.verification_uri_complete ?? '')
  const response = await oauth.deviceCodeGrantRequest(as, client, oauth.None(), again.device_code, insecure)
  const tokens = await oauth.processDeviceCodeResponse(as, client, response)
  assert.equal(tokens.token_type, 'bearer')
  await expectValidAccessToken(as, tokens.access_token, 'cli')
})

async function expectValidAccessToken(as: oauth.AuthorizationServer, token: string, clientId: string): Promise<void> {
  const request = new Request('https://api.example.test/', { headers: { authorization: `Bearer ${token}` } })
  const claims = await oauth.validateJwtAccessToken(as, request, 'https://api.example.test', insecure)
  assert.deepEqual([claims.client_id, claims.scope], [clientId, fullScope])
}

test('oauth4webapi: code flow with PKCE, the ID token’s signature, refresh, introspection, userinfo and revocation', async () => {
  const as = await server('oauth2')
  const client: oauth.Client = { client_id: 'web' }
  const authentication = oauth.ClientSecretPost('web-secret')
  const [verifier, state, nonce] = [
    oauth.generateRandomCodeVerifier(),
    oauth.generateRandomState(),
    oauth.generateRandomNonce(),
  ]
  const address = new URL(as.authorization_endpoint ?? '')
  address.search = new URLSearchParams({
    client_id: 'web',
    redirect_uri: callbackUri,
    response_type: 'code',
    scope: fullScope,
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    state,
    nonce,
  }).toString()
  const callback = oauth.validateAuthResponse(as, client, await browse(address), state)
  const exchanged = await oauth.authorizationCodeGrantRequest(
    as,
    client,
    authentication,
    callback,
    callbackUri,
    verifier,
    insecure,
  )
  const tokens = await oauth.processAuthorizationCodeResponse(as, client, exchanged, {
    expectedNonce: nonce,
    requireIdToken: true,
  })
  await oauth.validateApplicationLevelSignature(as, exchanged, insecure)
  await expectValidAccessToken(as, tokens.access_token, 'web')
  const subject = oauth.getValidatedIdTokenClaims(tokens)?.sub ?? ''
  const userinfo = await oauth.userInfoRequest(as, client, tokens.access_token, insecure)
  assert.equal((await oauth.processUserInfoResponse(as, client, subject, userinfo)).sub, subject)
  await refreshAndRevoke(as, client, authentication, tokens.refresh_token ?? '')
})

async function refreshAndRevoke(
  as: oauth.AuthorizationServer,
  client: oauth.Client,
  authentication: oauth.ClientAuth,
  refreshToken: string,
): Promise<void> {
  const renewed = await oauth.refreshTokenGrantRequest(as, client, authentication, refreshToken, insecure)
  const next = await oauth.processRefreshTokenResponse(as, client, renewed)
  const api: oauth.Client = { client_id: 'api' }
  const asking = oauth.ClientSecretBasic('api-secret')
  const ask = async () =>
    oauth.processIntrospectionResponse(
      as,
      api,
      await oauth.introspectionRequest(as, api, asking, next.access_token, insecure),
    )
  assert.equal((await ask()).active, true)
  const revoked = await oauth.revocationRequest(as, client, authentication, next.refresh_token ?? '', insecure)
  await oauth.processRevocationResponse(revoked)
  assert.deepEqual(await ask(), { active: false })
}
