import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { routes } from '../../infra/routes.ts'
import { hashSecret } from '../../shared/domain/secret.ts'
import { parseRegistry } from '../../shared/registry-file.ts'
import { anyCharacter } from '../support/any-character.ts'
import { providerDefaults } from '../support/registry.ts'
import {
  application,
  client,
  file,
  inClient,
  inProvider,
  type Json,
  mistakesIn,
  placesOf,
  registryOf,
  variable,
} from '../support/registry-file.ts'

describe('what is read', () => {
  test('the smallest registry file gets every default', () => {
    const { applications, clients } = registryOf(file(application()))
    assert.deepEqual(applications, [
      {
        ...{
          name: 'demo',
          displayName: 'Demo',
          errorProfile: 'rfc',
          accessTokenAlgorithm: 'ES256',
          revokedBefore: 0,
          scopes: [],
        },
        provider: {
          ...{ kind: 'oidc', issuer: 'https://idp.example', clientId: 'broker', auth: 'client_secret_basic' },
          scopes: ['openid', 'profile', 'email'],
          ...providerDefaults,
        },
        userinfo: {
          scope: 'openid',
          claims: { profile: ['name', 'preferred_username'], email: ['email', 'email_verified'] },
        },
      },
    ])
    assert.deepEqual(clients, [
      {
        ...{
          application: 'demo',
          clientId: 'cli',
          displayName: 'cli',
          auth: 'none',
          secretHashes: [],
          jwks: { keys: [] },
          grants: [],
          redirectUris: [],
        },
        scopes: ['openid', 'profile', 'email', 'offline_access'],
        audiences: ['https://api.example.test', 'https://other.example.test'],
        ...{ accessToken: 'broker', exchangesFor: [], keepsProviderTokens: false },
        ...{ mayIntrospect: false, idTokenAlgorithm: 'RS256', accessTokenSeconds: 300, idleSeconds: 2_592_000 },
        ...{ absoluteSeconds: 31_536_000, graceSeconds: 0, revokedBefore: 0 },
      },
    ])
  })

  test("a registry file's secrets are hashed", () => {
    const web = client({ clientId: 'web', auth: 'client_secret_post', secrets: ['web-secret', 'next-secret'] })
    const registry = registryOf(file(application({}, web)))
    assert.deepEqual(registry.clients[0]?.secretHashes, [hashSecret('web-secret'), hashSecret('next-secret')])
    assert.ok(!JSON.stringify(registry).includes('-secret'))
  })

  test('an application offers the scopes of its clients', () => {
    const grants = ['authorization_code']
    const clients = [
      client({ clientId: 'a', scopes: ['openid', 'read'], grants, redirectUris: ['https://a.example'] }),
      client({ clientId: 'b', scopes: ['read', 'write'], grants, redirectUris: ['https://b.example'] }),
      client({ clientId: 'c', scopes: ['admin'] }),
    ]
    assert.deepEqual(registryOf(file(application({}, ...clients))).applications[0]?.scopes, ['openid', 'read', 'write'])
  })

  test('variables are substituted, whatever they hold', () => {
    const provider = { kind: 'oidc', issuer: variable('IDP'), clientId: 'b' }
    const web = client({ auth: 'client_secret_post', secrets: [variable('SECRET')] })
    const variables = { IDP: 'http://127.0.0.1:8788', SECRET: `a"b\\c\n${variable('IDP')}` }
    const { applications, clients } = registryOf(file(application({ provider }, web)), variables)
    assert.equal(applications[0]?.provider.kind === 'oidc' && applications[0].provider.issuer, 'http://127.0.0.1:8788')
    assert.deepEqual(clients[0]?.secretHashes, [hashSecret(variables.SECRET)])
  })

  test('the registry file of the local stack is valid', async () => {
    const { readFile } = await import('node:fs/promises')
    const text = await readFile(new URL('../../local/registry.json', import.meta.url), 'utf8')
    const { clients } = registryOf(text, { IDP_URL: 'http://127.0.0.1:8788' })
    const names = clients.map(({ application: at, clientId }) => `${at} ${clientId}`)
    for (const expected of ['cli', 'job', 'web', 'basic', 'spa', 'brief', 'api'])
      assert.ok(names.includes(`demo ${expected}`))
    assert.ok(names.includes('auth0like cli'))
  })
})

test('an application cannot take the name of a path that belongs to the broker', () => {
  const firstSegments = routes.map(({ path }) => path.split('/')[1]!)
  const names = new Set(firstSegments.filter((segment) => /^[a-z0-9-]+$/.test(segment)))
  assert.ok(names.size > 0)
  for (const name of names) assert.deepEqual(placesOf(file(application({ name }))), ['applications[0].name'])
})

describe('mistakes', () => {
  test('all mistakes of a registry file are reported at once, each with its place', () => {
    const text = file(
      application({ name: 'Not A Name', errorProfile: 'oauth' }, client({ grnats: [] }), client({ idleSeconds: 0 })),
      application(
        { displayName: '', audiences: [] },
        client({ auth: 'client_secret_jwt' }),
        client({ secrets: ['x'] }),
      ),
    )
    assert.deepEqual(placesOf(text).sort(), [
      'applications[0].clients[0].grnats',
      'applications[0].clients[1].clientId',
      'applications[0].clients[1].idleSeconds',
      'applications[0].errorProfile',
      'applications[0].name',
      'applications[1].audiences',
      'applications[1].clients[0].auth',
      'applications[1].clients[1]',
      'applications[1].clients[1].clientId',
      'applications[1].displayName',
    ])
  })

  test('duplicate names are all reported, beside other mistakes', () => {
    const text = file(
      application(
        {},
        client({ clientId: 'a' }),
        client({ clientId: 'a' }),
        client({ clientId: 'a', graceSeconds: -1 }),
      ),
      application(),
      application(),
    )
    assert.deepEqual(placesOf(text).sort(), [
      'applications[0].clients[1].clientId',
      'applications[0].clients[2].clientId',
      'applications[0].clients[2].graceSeconds',
      'applications[1].name',
      'applications[2].name',
    ])
  })

  test('two applications may have the same client id', () => {
    assert.deepEqual(mistakesIn(file(application(), application({ name: 'other' }))), [])
  })

  test('missing and unknown members are reported', () => {
    assert.deepEqual(mistakesIn('{}'), [{ where: 'applications', why: 'is missing' }])
    assert.deepEqual(mistakesIn('{"applications":[],"more":1}'), [{ where: 'more', why: 'is not known here' }])
    assert.deepEqual(
      placesOf('{"applications":[{}]}').sort(),
      ['audiences', 'clients', 'displayName', 'name', 'provider'].map((name) => `applications[0].${name}`),
    )
    assert.deepEqual(
      inProvider({ kind: 'saml' }).map(({ why }) => why),
      ['must be "oidc" or "oauth2"'],
    )
  })

  test('invalid JSON is reported with its place, without a quotation', () => {
    const [mistake] = mistakesIn('{"applications": [\n{"secrets": "web-secret" oops}]}')
    assert.deepEqual(mistake, { where: 'the file', why: 'is not JSON (line 2 column 26)' })
    assert.deepEqual(mistakesIn(''), [{ where: 'the file', why: 'is not JSON' }])
    for (const text of ['[]', 'null', '7', '"x"']) assert.ok(mistakesIn(text).length > 0, text)
  })

  test('a missing variable is reported, beside other mistakes', () => {
    const unknown = { where: variable('NOBODY'), why: 'there is no such variable' }
    assert.deepEqual(mistakesIn(file(application({ displayName: `${variable('NOBODY')}!` }))), [unknown])
    assert.deepEqual(mistakesIn(`{"a": "${variable('NOBODY')}" x}`)[0], unknown)
    const twice = `${variable('NOBODY')}, ${variable('NOBODY')}`
    assert.deepEqual(mistakesIn(file(application({ displayName: `${twice}!` }))), [unknown])
  })

  test('properties of Object.prototype are no variables', () => {
    for (const name of ['constructor', 'toString', '__proto__']) {
      const why = 'there is no such variable'
      assert.deepEqual(mistakesIn(file(application({ displayName: variable(name) }))), [{ where: variable(name), why }])
    }
  })

  describe('of a variable that is not there', () => {
    const gap = variable('NOBODY')
    const only = [{ where: gap, why: 'there is no such variable' }]
    const confidential = { auth: 'client_secret_post', secrets: ['s'] }
    const exchanging = { ...confidential, grants: ['urn:ietf:params:oauth:grant-type:token-exchange'] }
    const gaps: Record<string, string> = {
      'an address': file(application({ provider: { kind: 'oidc', issuer: gap, clientId: 'b' } })),
      'part of an address': file(application({ provider: { kind: 'oidc', issuer: `${gap}/tenant`, clientId: 'b' } })),
      certificates: file(
        application({
          provider: { kind: 'oidc', issuer: 'https://a.example', clientId: 'b', certificateAuthority: gap },
        }),
      ),
      'the kind of provider': file(application({ provider: { kind: gap, issuer: 'https://a.example' } })),
      'a secret': file(application({}, client({ auth: 'client_secret_post', secrets: [gap] }))),
      'all of the secrets': file(application({}, client({ auth: 'client_secret_post', secrets: gap }))),
      'a method of authentication': file(application({}, client({ auth: gap }))),
      'a redirect URI': file(application({}, client({ grants: ['authorization_code'], redirectUris: [gap] }))),
      'a grant': file(application({}, client({ grants: [gap] }))),
      'an empty name': file(application({ displayName: gap })),
      'an application’s name': file(application({ name: `x-${gap}` }), application({ name: `x-${gap}` })),
      'the names of two clients': file(application({}, client({ clientId: gap }), client({ clientId: gap }))),
      'a client that others exchange for': file(
        application({}, client({ clientId: gap }), client({ clientId: 'b', ...exchanging, exchangesFor: ['a'] })),
      ),
      'what is exchanged for': file(application({}, client({ ...exchanging, exchangesFor: [gap] }))),
      'a claim’s name': file(application({ userinfo: { claims: { [gap]: 'name' } } })),
      'a member’s name': file(application({ [gap]: 1 })),
      'a number': file(application({}, client({ idleSeconds: 1 }))).replace('"idleSeconds":1', `"idleSeconds":${gap}`),
      'a member that is true or false': file(application({}, client({ mayIntrospect: true }))).replace('true', gap),
      'all there is': gap,
    }
    for (const [name, text] of Object.entries(gaps)) {
      test(`a missing variable in ${name} causes no further mistakes`, () => assert.deepEqual(mistakesIn(text), only))
    }

    test('a mistake elsewhere is reported beside a missing variable', () => {
      const text = file(
        application(
          { provider: { kind: 'oidc', issuer: gap, clientId: 7 }, errorProfile: 'oauth' },
          client({ graceSeconds: -1 }),
        ),
      )
      assert.deepEqual(placesOf(text), [
        gap,
        'applications[0].provider.clientId',
        'applications[0].errorProfile',
        'applications[0].clients[0].graceSeconds',
      ])
      assert.ok(!/[0-9]{5}/.test(JSON.stringify(mistakesIn(text))))
    })
  })

  const wrongClients: Record<string, Json> = {
    'a public client with a secret': { secrets: ['x'] },
    'a confidential client without one': { auth: 'client_secret_basic' },
    'three live secrets': { auth: 'client_secret_basic', secrets: ['a', 'b', 'c'] },
    'an empty secret': { auth: 'client_secret_basic', secrets: [''] },
    'the code grant without a redirect URI': { grants: ['authorization_code'] },
    'an unknown grant': { grants: ['password'] },
    'an idle lifetime above the absolute one': { idleSeconds: 100, absoluteSeconds: 99 },
    'introspection by a public client': { mayIntrospect: true },
    'token exchange by a public client': { grants: ['urn:ietf:params:oauth:grant-type:token-exchange'] },
    'an ID token at a refresh, in words': { idTokenOnRefresh: 'yes' },
    'seventeen audiences': { audiences: Array.from({ length: 17 }, (_, at) => `https://${at}.example`) },
    'scopes of more than 256 characters': { scopes: Array.from({ length: 30 }, (_, at) => `scope-number-${at}`) },
    'a scope with a space': { scopes: ['openid email'] },
    'no audience': { audiences: [] },
    'a lifetime of nothing': { accessTokenSeconds: 0 },
    'a lifetime of a fraction': { accessTokenSeconds: 1.5 },
    'a lifetime in words': { accessTokenSeconds: '300' },
    'an endless grace': { graceSeconds: 301 },
    'a name with a line break': { clientId: 'a\nb' },
    'a name of 129 characters': { clientId: 'c'.repeat(129) },
    'token exchange for others without its grant': { exchangesFor: ['cli'] },
    'token exchange for a client that is not there': {
      ...{ auth: 'client_secret_post', secrets: ['s'], exchangesFor: ['nobody'] },
      grants: ['urn:ietf:params:oauth:grant-type:token-exchange'],
    },
    "anybody else's access token": { accessToken: 'mine' },
    'another algorithm': { idTokenAlgorithm: 'HS256' },
  }
  for (const [name, changes] of Object.entries(wrongClients)) {
    test(`a client with ${name} is a mistake`, () =>
      assert.equal(inClient(changes).length, 1, JSON.stringify(inClient(changes))))
  }

  test('a redirect URI is absolute, has no fragment, and is http only at a loopback address', () => {
    const grants = ['authorization_code']
    const wrong = [
      '/cb',
      'http://app.example/cb',
      'https://app.example/#',
      'javascript:alert(1)',
      'data:text/html,x',
      'app:/cb',
      'x'.repeat(9),
      '',
      `https://a.example/${'x'.repeat(600)}`,
    ]
    for (const uri of wrong) assert.equal(inClient({ grants, redirectUris: [uri] }).length > 0, true, uri)
    const right = [
      'https://app.example/cb?a=b',
      "https://app.example:8443/a-b_c.~d/%E6%97%A5;p=(1)*'!?a[]=b&c=$@:,+",
      'HTTPS://app.example',
      'http://127.0.0.1:9999/cb',
      'http://[::1]/cb',
      'http://localhost/cb',
      'com.example.app:/cb',
    ]
    assert.deepEqual(inClient({ grants, redirectUris: right }), [])
  })

  const notAbsoluteUris: Record<string, string> = {
    'a path that is not ASCII': 'https://a.example/日本',
    'a host that is not ASCII': 'https://bücher.example/cb',
    'a space': 'https://a.example/a b',
    'a leading space': ' https://a.example/cb',
    'a trailing line break': 'https://a.example/cb\n',
    'a tab': 'https://a.example/\tcb',
    'no slashes': 'https:a.example/cb',
    'one slash': 'https:/a.example/cb',
    'an empty host': 'https:///a.example/cb',
    backslashes: 'https:\\\\a.example\\cb',
    'http without slashes': 'http:127.0.0.1/cb',
    credentials: 'https://u:p@a.example/cb',
    'a user': 'com.example.app://user@host/cb',
    'a malformed escape': 'https://a.example/%zz',
    'half an escape': 'https://a.example/cb?a=%4',
    quotes: 'https://a.example/"cb"',
    'angle brackets': 'https://a.example/<cb>',
    'a private scheme and a space': 'com.example.app:/c b',
  }
  for (const [name, uri] of Object.entries(notAbsoluteUris)) {
    test(`a redirect URI with ${name} is a mistake (RFC 3986)`, () => {
      const mistakes = inClient({ grants: ['authorization_code'], redirectUris: [uri] })
      assert.deepEqual(
        mistakes.map(({ where }) => where),
        ['applications[0].clients[0].redirectUris[0]'],
      )
    })
  }

  test('userinfo refuses the claim address, which is an object (OIDC Core §5.1.1)', () => {
    const inUserinfo = (claims: Json) => mistakesIn(file(application({ userinfo: { claims } })))
    const why = 'is an object (OIDC Core §5.1.1): only strings, numbers and booleans can be kept'
    assert.deepEqual(inUserinfo({ profile: ['updated_at'], address: ['name', 'address'] }), [
      { where: 'applications[0].userinfo.claims.address[1]', why },
    ])
    assert.deepEqual(inUserinfo({ profile: ['updated_at'] }), [])
  })

  test('no mistake quotes a value, which may be a misplaced secret', () => {
    const secret = 'web-secret'
    const anywhere = fc.constantFrom(
      'clientId',
      'auth',
      'secrets',
      'grants',
      'redirectUris',
      'scopes',
      'audiences',
      'mayIntrospect',
      'idleSeconds',
      'graceSeconds',
      'idTokenAlgorithm',
    )
    const shape = fc.constantFrom<unknown>(secret, [secret], [[secret]], { a: secret }, [secret, 7, secret])
    fc.assert(
      fc.property(fc.dictionary(anywhere, shape, { minKeys: 1 }), (changes) => {
        const mistakes = inClient({ ...changes })
        assert.ok(!JSON.stringify(mistakes).includes(secret), JSON.stringify(mistakes))
      }),
    )
    for (const provider of [secret, { kind: secret }, { kind: 'oidc', issuer: secret, clientId: 7, auth: secret }]) {
      assert.ok(!JSON.stringify(mistakesIn(file(application({ provider })))).includes(secret))
    }
  })

  test('parseRegistry throws for no text', () => {
    const value = fc.oneof(fc.jsonValue(), fc.constant({ applications: [{ clients: [null, 7, {}] }, null] }))
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: anyCharacter }),
          fc.json(),
          value.map((drawn) => file(application({ clients: drawn }))),
          value.map((drawn) => JSON.stringify({ applications: drawn })),
        ),
        (text) => {
          const parsed = parseRegistry(text, {})
          if (!parsed.ok) assert.ok(parsed.mistakes.length > 0)
        },
      ),
      { numRuns: 500 },
    )
  })
})
