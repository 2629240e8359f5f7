/**
 * C6 to C15 of the cases: an authorization code is good once, for its client, its redirect_uri and its challenge.
 *
 * Owns the authorization_code grant (RFC 6749 §4.1.3, RFC 7636 §4.6); C14, which needs a clock, is in code-time.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { auth0Cli, basicWeb, cli, spa, web } from './support/callers.ts'
import { call, callbackUri, endpoint, exchange, fullScope, refresh } from './support/endpoints.ts'
import { claimsOf, expectDead, expectRefusal, expectTokens } from './support/expect.ts'
import { authorizationCode, code, pkce } from './support/flows.ts'
import { sharedBroker } from './support/shared-broker.ts'
import { postForm, postJson } from './support/wire.ts'

const broker = await sharedBroker()

async function challenged() {
  const { verifier, parameters } = pkce()
  return { verifier, issued: await authorizationCode(broker, spa, parameters) }
}

test('C6 a challenged code without its verifier is invalid_grant and not spent', async () => {
  const { verifier, issued } = await challenged()
  expectRefusal(await exchange(broker, spa, issued), 400, 'invalid_grant')
  expectRefusal(await exchange(broker, spa, issued, { code_verifier: '' }), 400, 'invalid_grant')
  expectTokens(await exchange(broker, spa, issued, { code_verifier: verifier }))
})

test('C7 a wrong verifier is invalid_grant and the code not spent', async () => {
  const { verifier, issued } = await challenged()
  expectRefusal(await exchange(broker, spa, issued, { code_verifier: pkce().verifier }), 400, 'invalid_grant')
  const challenge = pkce(verifier).parameters.code_challenge
  expectRefusal(await exchange(broker, spa, issued, { code_verifier: challenge }), 400, 'invalid_grant')
  expectTokens(await exchange(broker, spa, issued, { code_verifier: verifier }))
})

test('C7 a confidential client that sent a challenge is held to it', async () => {
  const { verifier, parameters } = pkce()
  const issued = await authorizationCode(broker, web, parameters)
  expectRefusal(await exchange(broker, web, issued), 400, 'invalid_grant')
  expectTokens(await exchange(broker, web, issued, { code_verifier: verifier }))
})

test('C8 a verifier for a code without a challenge is refused: somebody took the challenge away', async () => {
  const issued = await authorizationCode(broker, web)
  const answer = await exchange(broker, web, issued, { code_verifier: pkce().verifier })
  assert.equal(answer.status, 400)
  assert.ok(['invalid_grant', 'invalid_request'].includes(String(answer.body.error)), answer.text)
})

test('C9 a verifier of 42 or 129 characters, or of others than RFC 7636 has, is a 400; 43 and 128 are good', async () => {
  for (const verifier of ['a'.repeat(42), 'a'.repeat(129), `${'a'.repeat(43)}+`]) {
    const issued = await authorizationCode(broker, spa, pkce(verifier).parameters)
    const answer = await exchange(broker, spa, issued, { code_verifier: verifier })
    assert.equal(answer.status, 400, answer.text)
    assert.ok(['invalid_grant', 'invalid_request'].includes(String(answer.body.error)), answer.text)
  }
  for (const verifier of ['a'.repeat(43), 'a._~-'.repeat(26).slice(0, 128)]) {
    const issued = await authorizationCode(broker, spa, pkce(verifier).parameters)
    expectTokens(await exchange(broker, spa, issued, { code_verifier: verifier }))
  }
})

test('C10 a code shown again is invalid_grant, and the first tokens are dead', async () => {
  for (const caller of [web, spa]) {
    const session = await code(broker, caller)
    const again = await exchange(broker, caller, session.code, { code_verifier: session.verifier })
    expectRefusal(again, 400, 'invalid_grant')
    await expectDead(broker, session)
  }
})

test('C10 a code shown again after a refresh kills the successor too', async () => {
  const session = await code(broker, web)
  const next = expectTokens(await refresh(broker, web, session.refreshToken))
  expectRefusal(await exchange(broker, web, session.code), 400, 'invalid_grant')
  await expectDead(broker, { caller: web, ...next })
})

test('C11 of ten parallel exchanges at most one family lives, and none is a 5xx', async () => {
  for (let round = 0; round < 3; round += 1) {
    const issued = await authorizationCode(broker, web)
    const answers = await Promise.all(Array.from({ length: 10 }, () => exchange(broker, web, issued)))
    assert.deepEqual(
      answers.filter(({ status }) => status !== 200 && status !== 400),
      [],
    )
    const given = new Set(answers.filter(({ status }) => status === 200).map(({ body }) => String(body.refresh_token)))
    assert.ok(given.size <= 1, `${given.size} refresh tokens`)
    const alive = await Promise.all([...given].map((token) => refresh(broker, web, token)))
    assert.ok(alive.filter(({ status }) => status === 200).length <= 1)
  }
})

test('C12 another client’s attempt is invalid_grant and costs the owner nothing', async () => {
  const issued = await authorizationCode(broker, web)
  expectRefusal(await exchange(broker, basicWeb, issued), 400, 'invalid_grant')
  expectRefusal(await exchange(broker, spa, issued, { code_verifier: pkce().verifier }), 400, 'invalid_grant')
  const { refreshToken } = expectTokens(await exchange(broker, web, issued))
  expectRefusal(await exchange(broker, basicWeb, issued), 400, 'invalid_grant')
  expectTokens(await refresh(broker, web, refreshToken))
})

test('C12 a client without the code grant is unauthorized_client, whatever the code', async () => {
  const issued = await authorizationCode(broker, web)
  expectRefusal(await exchange(broker, cli, issued), 400, 'unauthorized_client')
  expectRefusal(await exchange(broker, auth0Cli, issued), 400, 'unauthorized_client')
  expectTokens(await exchange(broker, web, issued))
})

test('C13 a redirect_uri that differs is invalid_grant, a missing one invalid_request', async () => {
  for (const different of ['http://127.0.0.1:9999/other', `${callbackUri}/`, `${callbackUri}?x`]) {
    const issued = await authorizationCode(broker, web)
    expectRefusal(await exchange(broker, web, issued, { redirect_uri: different }), 400, 'invalid_grant')
  }
  for (const missing of [undefined, '']) {
    const issued = await authorizationCode(broker, web)
    expectRefusal(await exchange(broker, web, issued, { redirect_uri: missing }), 400, 'invalid_request')
  }
})

test('C13 a code that is missing is invalid_request, one that is not ours invalid_grant', async () => {
  const form = { grant_type: 'authorization_code', redirect_uri: callbackUri }
  expectRefusal(await call(broker, web, 'token', form), 400, 'invalid_request')
  expectRefusal(await exchange(broker, web, ''), 400, 'invalid_request')
  for (const unknown of ['nonsense', 'ac_', 'é']) {
    expectRefusal(await exchange(broker, web, unknown), 400, 'invalid_grant')
  }
})

test('C15 a wrong secret is 401 and spends nothing: with the right one the code is good', async () => {
  const posted = await authorizationCode(broker, web)
  expectRefusal(await exchange(broker, { ...web, secret: 'wrong' }, posted), 401, 'invalid_client')
  expectTokens(await exchange(broker, web, posted))

  const basically = await authorizationCode(broker, basicWeb)
  expectRefusal(await exchange(broker, { ...basicWeb, secret: 'wrong' }, basically), 401, 'invalid_client')
  expectTokens(await exchange(broker, basicWeb, basically))
})

test('C15 the exchange brings what was asked for, as a form or as JSON, at the shared route and at its own', async () => {
  const fields = { grant_type: 'authorization_code', redirect_uri: callbackUri, client_id: 'web' }
  for (const [post, path] of [
    [postForm, 'token'],
    [postJson, 'token'],
    [postForm, 'token/code'],
    [postJson, 'token/code'],
  ] as const) {
    const issued = await authorizationCode(broker, web)
    const form = { ...fields, client_secret: 'web-secret', code: issued }
    const { body, accessToken, idToken, refreshToken } = expectTokens(await post(endpoint(broker, 'demo', path), form))
    assert.equal(body.scope, fullScope)
    assert.equal(claimsOf(accessToken).client_id, 'web')
    assert.ok(idToken !== '' && refreshToken !== '')
  }
})
