/**
 * How a flow is asked for, and how an authorization request is answered.
 */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Client } from '../../shared/domain/registration.ts'
import { OAuthError } from '../../shared/http/errors.ts'
import { parameters } from '../../shared/http/parameters.ts'
import { grantRequested } from '../../shared/http/requested.ts'
import { codeResponse, errorResponse } from '../../shared/sign-in/authorization-response.ts'
import { aClient } from '../support/registry.ts'

const asked = (values: Record<string, string>, client: Client = aClient()) =>
  grantRequested(client, parameters(Object.entries(values)))

function refused(values: Record<string, string>, client?: Client): string {
  try {
    asked(values, client)
  } catch (error) {
    assert.ok(error instanceof OAuthError)
    return `${error.status} ${error.error}`
  }
  return assert.fail('it was granted')
}

test('what is asked for is granted, in its order; nothing asked is nothing granted', () => {
  assert.deepEqual(asked({ scope: 'email openid' }).scopes, ['email', 'openid'])
  assert.deepEqual(asked({}).scopes, [])
})

test('a scope that is malformed, or not the client’s, is refused as a whole', () => {
  assert.equal(refused({ scope: 'openid admin' }), '400 invalid_scope')
  assert.equal(refused({ scope: 'open"id' }), '400 invalid_scope')
})

test('offline_access alone is left out for a client that cannot refresh', () => {
  const grants = ['authorization_code'] as const
  assert.deepEqual(asked({ scope: 'offline_access openid' }, aClient({ grants })).scopes, ['openid'])
  assert.deepEqual(asked({ scope: 'offline_access openid' }).scopes, ['offline_access', 'openid'])
})

test('the first audience is the default, any other of the client’s may be named, and no stranger', () => {
  const client = aClient({ audiences: ['https://one.example', 'https://two.example'] })
  assert.deepEqual(asked({}, client).audiences, ['https://one.example'])
  assert.deepEqual(asked({ audience: 'https://two.example' }, client).audiences, ['https://two.example'])
  assert.equal(refused({ audience: 'https://three.example' }, client), '400 invalid_target')
  assert.equal(refused({}, aClient({ audiences: [] })), '400 invalid_target')
})

const to = {
  issuer: 'https://auth.example/demo',
  redirectUri: 'https://app.example/cb',
  mode: 'query',
  state: 's',
  look: { language: 'en' },
} as const

test('a code is answered with the state and the issuer', () => {
  const { status, headers, cookies } = codeResponse(to, 'ac_x', ['c'])
  const location = 'https://app.example/cb?code=ac_x&state=s&iss=https%3A%2F%2Fauth.example%2Fdemo'
  assert.deepEqual([status, headers?.location, cookies], [303, location, ['c']])
})

test('an error is answered with the same, and a state that was not sent is not answered', () => {
  const { headers } = errorResponse({ ...to, state: undefined }, 'access_denied', 'No.')
  assert.equal(
    headers?.location,
    'https://app.example/cb?error=access_denied&error_description=No.&iss=https%3A%2F%2Fauth.example%2Fdemo',
  )
})

test('the redirect URI stays as it was registered, its own query included', () => {
  for (const redirectUri of ['https://app.example/cb?a=%7e&b', 'com.example.app:/cb', 'http://127.0.0.1:9/a/../b']) {
    const location = codeResponse({ ...to, redirectUri }, 'ac_x').headers?.location ?? ''
    assert.ok(location.startsWith(`${redirectUri}${redirectUri.includes('?') ? '&' : '?'}code=ac_x`), location)
  }
})

test('a redirect URI that an earlier version registered with other characters than those of a header is encoded', () => {
  for (const [redirectUri, encoded] of [
    ['http://127.0.0.1:9999/日本', 'http://127.0.0.1:9999/%E6%97%A5%E6%9C%AC'],
    ['https://app.example/a b\n', 'https://app.example/a%20b%0A'],
    ['https://app.example/\ud800', 'https://app.example/%EF%BF%BD'],
  ] as const) {
    const location = codeResponse({ ...to, redirectUri }, 'ac_x').headers?.location ?? ''
    assert.equal(location, `${encoded}?code=ac_x&state=s&iss=https%3A%2F%2Fauth.example%2Fdemo`)
    new Headers({ location })
  }
})

test('whatever the state is, it comes back as it was, and adds no line and no parameter', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', minLength: 1 }), (state) => {
      const location = codeResponse({ ...to, state }, 'ac_x').headers?.location ?? ''
      assert.doesNotMatch(location, /[\r\n]/)
      const { searchParams } = new URL(location)
      assert.deepEqual([...searchParams.keys()], ['code', 'state', 'iss'])
      assert.equal(searchParams.get('state'), state.toWellFormed())
    }),
  )
})
