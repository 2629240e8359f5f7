import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { isRegisteredRedirect, needsConsent } from '../../shared/domain/redirect-uri.ts'
import type { Client } from '../../shared/domain/registration.ts'

const client = (redirectUris: readonly string[], changes: Partial<Client> = {}) =>
  ({ auth: 'none', redirectUris, ...changes }) as const

const native = client([
  'http://127.0.0.1/cb?a=1',
  'http://[::1]:8080/cb',
  'http://localhost:3000/cb',
  'com.example.app:/cb',
])

test("a public client's loopback IP redirect URI matches with any port", () => {
  for (const uri of [
    ...['http://127.0.0.1/cb?a=1', 'http://127.0.0.1:1/cb?a=1', 'http://127.0.0.1:51004/cb?a=1'],
    ...['http://[::1]:8080/cb', 'http://[::1]/cb', 'http://[::1]:65535/cb'],
    ...['http://localhost:3000/cb', 'com.example.app:/cb'],
  ]) {
    assert.ok(isRegisteredRedirect(native, uri), uri)
  }
})

test('only the port of a loopback IP redirect URI may differ', () => {
  for (const uri of [
    ...[
      'http://127.0.0.1:1@evil.example/cb?a=1',
      'http://127.0.0.1:1\\@evil.example/cb?a=1',
      'http://127.0.0.1:1#/cb?a=1',
    ],
    ...[
      'http://user@127.0.0.1:1/cb?a=1',
      'http://127.0.0.1:1.evil.example/cb?a=1',
      'http://127.0.0.1.evil.example/cb?a=1',
    ],
    ...[
      'http://127.1:1/cb?a=1',
      'http://127.0.0.2:1/cb?a=1',
      'http://2130706433:1/cb?a=1',
      'http://0x7f.0.0.1:1/cb?a=1',
    ],
    ...[
      'http://[::ffff:127.0.0.1]:1/cb',
      'http://[0:0:0:0:0:0:0:1]:1/cb',
      'http://[::1]:1/cb/',
      'http://[::1]:1/cb?a=1',
    ],
    ...[
      'http://127.0.0.1:/cb?a=1',
      'http://127.0.0.1:0/cb?a=1',
      'http://127.0.0.1:01/cb?a=1',
      'http://127.0.0.1:65536/cb?a=1',
    ],
    ...[
      'http://127.0.0.1:-1/cb?a=1',
      'http://127.0.0.1:1e3/cb?a=1',
      'http://127.0.0.1: 1/cb?a=1',
      'http://127.0.0.1:١/cb?a=1',
    ],
    ...[
      'https://127.0.0.1:1/cb?a=1',
      'HTTP://127.0.0.1:1/cb?a=1',
      'http://127.0.0.1:1/cb',
      'http://127.0.0.1:1/CB?a=1',
    ],
    ...[
      'http://127.0.0.1:1//cb?a=1',
      'http://127.0.0.1:1/./cb?a=1',
      'http://127.0.0.1:1/cb?a=1\n',
      ' http://127.0.0.1/cb?a=1',
    ],
    ...['http://localhost:3001/cb', 'http://localhost/cb', 'http://127.0.0.1:3000/cb', 'com.example.app:1/cb', ''],
  ]) {
    assert.ok(!isRegisteredRedirect(native, uri), uri)
  }
})

test("a confidential client's redirect URI must match exactly", () => {
  const web = client(['http://127.0.0.1:9999/cb'], { auth: 'client_secret_post' })
  assert.ok(isRegisteredRedirect(web, 'http://127.0.0.1:9999/cb'))
  assert.ok(!isRegisteredRedirect(web, 'http://127.0.0.1:9998/cb'))
})

test('every accepted redirect URI has the registered host, path and query', () => {
  const oddities = fc.constantFrom('@', ':', '/', '\\', '#', '?', '.', '127.0.0.1', '[::1]', '1', 'evil.example', '%40')
  const uris = fc.array(oddities, { maxLength: 6 }).map((parts) => `http://127.0.0.1${parts.join('')}/cb?a=1`)
  fc.assert(
    fc.property(uris, (uri) => {
      if (!isRegisteredRedirect(native, uri)) return
      const { hostname, username, pathname, search, hash } = new URL(uri)
      assert.deepEqual([hostname, username, pathname, search, hash], ['127.0.0.1', '', '/cb', '?a=1', ''])
    }),
    { numRuns: 2_000 },
  )
})

test('consent is needed for public clients at a loopback address or private-use scheme, unless registered otherwise', () => {
  const asked = (uri: string, changes: Partial<Client> = {}) => needsConsent(client([], changes), uri)
  for (const uri of [
    'http://127.0.0.1:1/cb',
    'http://[::1]/cb',
    'http://localhost/cb',
    'https://localhost/cb',
    'com.example.app:/cb',
  ]) {
    assert.ok(asked(uri), uri)
    assert.ok(!asked(uri, { consent: false }), uri)
    assert.ok(!asked(uri, { auth: 'client_secret_basic' }), uri)
    assert.ok(asked(uri, { auth: 'client_secret_basic', consent: true }), uri)
  }
  assert.ok(!asked('https://app.example/cb'))
  assert.ok(asked('https://app.example/cb', { consent: true }))
})
