/**
 * Client authentication: each registered method against each way of asking.
 */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import type { Client, ClientAuthMethod } from '../../shared/domain/registration.ts'
import { authenticateClient, hashSecret } from '../../shared/http/client-authentication.ts'
import { OAuthError } from '../../shared/http/errors.ts'
import { parameters } from '../../shared/http/parameters.ts'
import { aClient } from '../support/registry.ts'

type Sent = { readonly authorization?: string; readonly body?: Readonly<Record<string, string>> }

const encode = (text: string) => Buffer.from(text).toString('base64')
const basic = (id: string, secret: string) => `Basic ${encode(`${id}:${secret}`)}`
const formEncode = (text: string) => new URLSearchParams([['', text]]).toString().slice(1)

async function answer({ authorization, body = {} }: Sent, ...clients: Client[]): Promise<string> {
  const find = async (clientId: string) => clients.find((client) => client.clientId === clientId)
  try {
    const client = await authenticateClient(authorization, parameters(Object.entries(body)), find)
    return client.clientId
  } catch (error) {
    assert.ok(error instanceof OAuthError, String(error))
    const challenge = error.headers['www-authenticate'] === undefined ? '' : ' challenge'
    return `${error.status} ${error.error}${challenge}`
  }
}

const registered = (auth: ClientAuthMethod): Client =>
  aClient({ clientId: 'one', auth, secretHashes: auth === 'none' ? [] : [hashSecret('secret')] })

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
}

const no = '401 invalid_client'
const challenged = '401 invalid_client challenge'
const two = '400 invalid_request'
/** For a client of `none`, of `client_secret_post` and of `client_secret_basic`. */
const answers: Record<keyof typeof ways, readonly [string, string, string]> = {
  nothing: [no, no, no],
  'its name': ['one', no, no],
  'name and secret': [no, 'one', no],
  'name and a wrong secret': [no, no, no],
  'an unknown name and secret': [no, no, no],
  'an unknown name': [no, no, no],
  'a secret alone': [no, no, no],
  Basic: [challenged, challenged, 'one'],
  'Basic, wrong': [challenged, challenged, challenged],
  'Basic, unknown': [challenged, challenged, challenged],
  'Basic without a password': ['one', challenged, challenged],
  'Basic and its name': [challenged, challenged, 'one'],
  'Basic and another name': [two, two, two],
  'Basic and a secret': [two, two, two],
  'Basic without a password and a secret': [two, two, two],
  'Bearer and its name': [challenged, challenged, challenged],
}

for (const [at, method] of (['none', 'client_secret_post', 'client_secret_basic'] as const).entries()) {
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
      await authenticateClient(sent.authorization, parameters(Object.entries(sent.body ?? {})), find)
    } catch (error) {
      assert.ok(error instanceof OAuthError)
      const { message, status, headers, reason } = error
      return { error: error.error, message, status, headers, reason }
    }
    return assert.fail('it was let in')
  }

  test('an unknown client and a wrong secret are answered alike, to the last header', async () => {
    const client = registered('client_secret_basic')
    assert.deepEqual(await refused(ways['Basic, unknown']!, client), await refused(ways['Basic, wrong']!, client))
    const posting = registered('client_secret_post')
    assert.deepEqual(
      await refused(ways['an unknown name and secret']!, posting),
      await refused(ways['name and a wrong secret']!, posting),
    )
  })

  test('the challenge names Basic, a realm and UTF-8', async () => {
    const { headers } = await refused(ways['Basic, wrong']!)
    assert.deepEqual(headers, { 'www-authenticate': 'Basic realm="token-broker", charset="UTF-8"' })
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
      fc.string({ unit: 'binary' }),
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
    await assert.rejects(authenticateClient(undefined, parameters([]), find), OAuthError)
    await assert.rejects(authenticateClient('Bearer x', parameters([]), find), OAuthError)
  })

  test('a fault of the registry is not an answer', async () => {
    const find = () => Promise.reject(new Error('away'))
    await assert.rejects(authenticateClient(undefined, parameters([['client_id', 'one']]), find), /away/)
  })
})
