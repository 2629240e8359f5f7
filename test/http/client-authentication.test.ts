/**
 * Client authentication: each registered method against each way of asking.
 */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import type { Client, ClientAuthMethod } from '../../shared/domain/registration.ts'
import { hashSecret } from '../../shared/domain/secret.ts'
import { authenticateClient } from '../../shared/http/client-authentication.ts'
import { OAuthError } from '../../shared/http/errors.ts'
import { parameters } from '../../shared/http/parameters.ts'
import { anyCharacter } from '../support/any-character.ts'
import { aClient } from '../support/registry.ts'

type Sent = { readonly authorization?: string; readonly body?: Readonly<Record<string, string>> }

const encode = (text: string) => Buffer.from(text).toString('base64')
const basic = (id: string, secret: string) => `Basic ${encode(`${id}:${secret}`)}`
const formEncode = (text: string) => new URLSearchParams([['', text]]).toString().slice(1)

/** Whether an assertion is good is another file's test; here it is, if its signature says so. */
const assertionFault = async (_: Client, assertion: string) =>
  assertion.endsWith('.good') ? undefined : 'assertion: signature'

async function answer({ authorization, body = {} }: Sent, ...clients: Client[]): Promise<string> {
  const find = async (clientId: string) => clients.find((client) => client.clientId === clientId)
  try {
    const client = await authenticateClient(authorization, parameters(Object.entries(body)), { find, assertionFault })
    return client.clientId
  } catch (error) {
    assert.ok(error instanceof OAuthError, String(error))
    const challenge = error.headers['www-authenticate'] === undefined ? '' : ' challenge'
    return `${error.status} ${error.error}${challenge}`
  }
}

const registered = (auth: ClientAuthMethod): Client =>
  aClient({ clientId: 'one', auth, secretHashes: auth.startsWith('client_secret') ? [hashSecret('secret')] : [] })

const jwtBearer = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
const asserted = (iss: unknown, signature = 'good', more = {}) => ({
  client_assertion_type: jwtBearer,
  client_assertion: `${part({ alg: 'ES256' })}.${part({ iss })}.${signature}`,
  ...more,
})

const ways: Record<string, Sent> = {
  nothing: {},
  'its name': { body: { client_id: 'one' } },
  'name and secret': { body: { client_id: 'one', client_secret: 'secret' } },
  'name and a wrong secret': { body: { client_id: 'one', client_secret: 'Secret' } },
  'an unknown name and secret': { body: { client_id: 'two', client_secret: 'secret' } },
  'an unknown name': { body: { client_id: 'two' } },
  'a secret alone': { body: { client_secret: 'secret' } },
  Basic: { authorization: basic('one', 'secret') },
  'Basic, wrong': { authorization: basic('one', 'Secret') },
  'Basic, unknown': { authorization: basic('two', 'secret') },
  'Basic without a password': { authorization: basic('one', '') },
  'Basic and its name': { authorization: basic('one', 'secret'), body: { client_id: 'one' } },
  'Basic and another name': { authorization: basic('one', 'secret'), body: { client_id: 'two' } },
  'Basic and a secret': { authorization: basic('one', 'secret'), body: { client_secret: 'secret' } },
  'Basic without a password and a secret': { authorization: basic('one', ''), body: { client_secret: 'secret' } },
  'Bearer and its name': { authorization: 'Bearer secret', body: { client_id: 'one' } },
  'an assertion': { body: asserted('one') },
  'an assertion and its name': { body: asserted('one', 'good', { client_id: 'one' }) },
  'an assertion and another name': { body: asserted('one', 'good', { client_id: 'two' }) },
  'a forged assertion': { body: asserted('one', 'bad') },
  "somebody unknown's assertion": { body: asserted('two') },
  'an assertion of nobody': { body: asserted(undefined) },
  'an assertion whose issuer is no text': { body: asserted('one\ud800') },
  'an assertion that is no JWT': { body: asserted('', 'x', { client_assertion: 'secret' }) },
  'an assertion of another type': { body: asserted('one', 'good', { client_assertion_type: 'urn:x:saml2-bearer' }) },
  'an assertion without its type': { body: asserted('one', 'good', { client_assertion_type: '' }) },
  'the type and no assertion': { body: asserted('one', 'good', { client_assertion: '', client_id: 'one' }) },
  'an assertion and a secret': { body: asserted('one', 'good', { client_secret: 'secret' }) },
  'an assertion and Basic': { authorization: basic('one', 'secret'), body: asserted('one') },
}

const no = '401 invalid_client'
const challenged = '401 invalid_client challenge'
const two = '400 invalid_request'
/** For a client of `none`, of `client_secret_post`, of `client_secret_basic` and of `private_key_jwt`. */
const answers: Record<keyof typeof ways, readonly [string, string, string, string]> = {
  nothing: [no, no, no, no],
  'its name': ['one', no, no, no],
  'name and secret': [no, 'one', no, no],
  'name and a wrong secret': [no, no, no, no],
  'an unknown name and secret': [no, no, no, no],
  'an unknown name': [no, no, no, no],
  'a secret alone': [no, no, no, no],
  Basic: [challenged, challenged, 'one', challenged],
  'Basic, wrong': [challenged, challenged, challenged, challenged],
  'Basic, unknown': [challenged, challenged, challenged, challenged],
  'Basic without a password': ['one', challenged, challenged, challenged],
  'Basic and its name': [challenged, challenged, 'one', challenged],
  'Basic and another name': [two, two, two, two],
  'Basic and a secret': [two, two, two, two],
  'Basic without a password and a secret': [two, two, two, two],
  'Bearer and its name': [challenged, challenged, challenged, challenged],
  'an assertion': [no, no, no, 'one'],
  'an assertion and its name': [no, no, no, 'one'],
  'an assertion and another name': [no, no, no, no],
  'a forged assertion': [no, no, no, no],
  "somebody unknown's assertion": [no, no, no, no],
  'an assertion of nobody': [no, no, no, no],
  'an assertion whose issuer is no text': [no, no, no, no],
  'an assertion that is no JWT': [no, no, no, no],
  'an assertion of another type': [no, no, no, no],
  'an assertion without its type': [two, two, two, two],
  'the type and no assertion': [two, two, two, two],
  'an assertion and a secret': [two, two, two, two],
  'an assertion and Basic': [two, two, two, two],
}

for (const [at, method] of (
  ['none', 'client_secret_post', 'client_secret_basic', 'private_key_jwt'] as const
).entries()) {
  describe(`a client registered for ${method}`, () => {
    for (const [name, sent] of Object.entries(ways)) {
      test(`${name}: ${answers[name]?.[at]}`, async () => {
        assert.equal(await answer(sent, registered(method)), answers[name]?.[at])
      })
    }
  })
}

describe('what is said', () => {
  const refused = async (sent: Sent, ...clients: Client[]) => {
    const find = async (clientId: string) => clients.find((client) => client.clientId === clientId)
    try {
      await authenticateClient(sent.authorization, parameters(Object.entries(sent.body ?? {})), {
        find,
        assertionFault,
      })
    } catch (error) {
      assert.ok(error instanceof OAuthError)
      const { message, status, headers, reason, clientId } = error
      return { wire: { error: error.error, message, status, headers }, log: { reason, clientId } }
    }
    return assert.fail('it was let in')
  }

  test('an unknown client and a wrong secret are answered alike, to the last header', async () => {
    const client = registered('client_secret_basic')
    const [unknown, wrong] = [
      await refused(ways['Basic, unknown']!, client),
      await refused(ways['Basic, wrong']!, client),
    ]
    assert.deepEqual(unknown.wire, wrong.wire)
    const posting = registered('client_secret_post')
    assert.deepEqual(
      (await refused(ways['an unknown name and secret']!, posting)).wire,
      (await refused(ways['name and a wrong secret']!, posting)).wire,
    )
  })

  test('the log is told why, and who it was if that is a client; what is none may be a secret in the wrong place', async () => {
    const told: Record<string, object> = {
      'name and a wrong secret': { reason: 'wrong secret', clientId: 'one' },
      'its name': { reason: 'not its method', clientId: 'one' },
      'an unknown name and secret': { reason: 'unknown client', clientId: undefined },
      'Basic, unknown': { reason: 'unknown client', clientId: undefined },
      'Bearer and its name': { reason: 'no client', clientId: undefined },
      'an assertion': { reason: 'not its method', clientId: 'one' },
    }
    for (const [name, log] of Object.entries(told)) {
      assert.deepEqual((await refused(ways[name]!, registered('client_secret_post'))).log, log, name)
    }
    const forged = await refused(ways['a forged assertion']!, registered('private_key_jwt'))
    assert.deepEqual(forged.log, { reason: 'assertion: signature', clientId: 'one' })
    const twoReadings = await refused({ authorization: basic('a+b', 'wrong') }, aClient({ clientId: 'a+b' }))
    assert.deepEqual(twoReadings.log, { reason: 'not its method', clientId: 'a+b' })
  })

  test('the challenge names Basic, a realm and UTF-8', async () => {
    const { wire } = await refused(ways['Basic, wrong']!)
    assert.deepEqual(wire.headers, { 'www-authenticate': 'Basic realm="token-broker", charset="UTF-8"' })
  })
})

describe('Basic', () => {
  const client = (id: string, ...secrets: string[]) =>
    aClient({ clientId: id, auth: 'client_secret_basic', secretHashes: secrets.map(hashSecret) })

  const spelt = fc
    .string({ unit: 'grapheme', minLength: 1, maxLength: 20 })
    .filter((text) => !text.includes('\0') && text.isWellFormed())

  test('form-encoded, as RFC 6749 §2.3.1 says, any id and secret is understood', async () => {
    await fc.assert(
      fc.asyncProperty(spelt, spelt, async (id, secret) => {
        assert.equal(await answer({ authorization: basic(formEncode(id), formEncode(secret)) }, client(id, secret)), id)
      }),
    )
  })

  test('raw, as many clients send it, any id without a colon and any secret is understood', async () => {
    await fc.assert(
      fc.asyncProperty(
        spelt.filter((id) => !id.includes(':')),
        spelt,
        async (id, secret) => {
          assert.equal(await answer({ authorization: basic(id, secret) }, client(id, secret)), id)
        },
      ),
    )
  })

  test('a secret that reads otherwise when it is decoded is understood both ways', async () => {
    for (const secret of ['a+b', 'a%20b', '100%', '%zz', 'a:b:c', 'ünï', '%2B']) {
      assert.equal(await answer({ authorization: basic('one', secret) }, client('one', secret)), 'one', secret)
      assert.equal(
        await answer({ authorization: basic('one', formEncode(secret)) }, client('one', secret)),
        'one',
        secret,
      )
    }
  })

  test('the name in the body may be either reading', async () => {
    const odd = client('a+b', 'secret')
    const sent = (id: string) => ({ authorization: basic(id, 'secret'), body: { client_id: 'a+b' } })
    assert.equal(await answer(sent('a+b'), odd), 'a+b')
    assert.equal(await answer(sent('a%2Bb'), odd), 'a+b')
  })

  test('the scheme is read without case, and base64 with or without padding, in either alphabet', async () => {
    const one = client('one', 'sécret??>>')
    const encoded = encode('one:sécret??>>')
    const forms = [encoded, encoded.replaceAll('=', ''), encoded.replaceAll('+', '-').replaceAll('/', '_')]
    for (const scheme of ['Basic', 'basic', 'BASIC', 'Basic  ']) {
      for (const credentials of forms) {
        assert.equal(
          await answer({ authorization: `${scheme} ${credentials}` }, one),
          'one',
          `${scheme} ${credentials}`,
        )
      }
    }
  })

  test('what is malformed is as good as wrong', async () => {
    const one = client('one', 'secret')
    const malformed = [
      'Basic',
      'Basic ',
      'Basic %%%',
      `Basic ${encode('one')}`,
      `Basic ${encode(':secret')}`,
      `Digest ${encode('one:secret')}`,
      '',
      `Basic ${encode('one:secret')} x`,
    ]
    for (const authorization of malformed) assert.equal(await answer({ authorization }, one), challenged, authorization)
  })

  test('no header throws anything but an OAuth error', async () => {
    const header = fc.oneof(
      fc.string({ unit: anyCharacter }),
      fc.base64String().map((text) => `Basic ${text}`),
    )
    await fc.assert(
      fc.asyncProperty(header, async (authorization) =>
        assert.equal(await answer({ authorization }, client('', '')), challenged),
      ),
    )
  })
})

describe('secrets', () => {
  const posted = (secret: string) => ({ body: { client_id: 'one', client_secret: secret } })
  const client = (...secretHashes: string[]) => aClient({ clientId: 'one', auth: 'client_secret_post', secretHashes })

  test('two live at once, and each is good', async () => {
    const rotating = client(hashSecret('old'), hashSecret('new'))
    assert.equal(await answer(posted('old'), rotating), 'one')
    assert.equal(await answer(posted('new'), rotating), 'one')
    assert.equal(await answer(posted('other'), rotating), no)
  })

  test('a client without a live secret lets nobody in, and the hash of a secret is no secret', async () => {
    assert.equal(await answer(posted('secret'), client()), no)
    assert.equal(await answer(posted(hashSecret('secret')), client(hashSecret('secret'))), no)
    assert.equal(await answer(posted('secret'), client('not a hash')), no)
  })

  test('the table holds a SHA-256 in base64url', () => {
    assert.equal(hashSecret('secret'), 'K7gNU3sdo-OL0wNhqoVWhr3g6s1xYv72ol_pe_Unols')
  })

  test('who has named nobody is not looked up', async () => {
    const find = () => assert.fail('the table was asked')
    await assert.rejects(authenticateClient(undefined, parameters([]), { find, assertionFault }), OAuthError)
    await assert.rejects(authenticateClient('Bearer x', parameters([]), { find, assertionFault }), OAuthError)
  })

  test('a fault of the registry is not an answer', async () => {
    const find = () => Promise.reject(new Error('away'))
    await assert.rejects(
      authenticateClient(undefined, parameters([['client_id', 'one']]), { find, assertionFault }),
      /away/,
    )
  })
})
