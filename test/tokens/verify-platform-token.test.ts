/** A platform's token against the registered identities: signature, header, and whose tokens are never accepted. */

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import fc from 'fast-check'
import { CompactSign, FlattenedSign } from 'jose'
import type { IssuerJwk, WorkloadIdentity } from '../../shared/domain/registration.ts'
import { createIssuerKeys, pauseMs } from '../../shared/tokens/issuer-keys.ts'
import { verifyPlatformToken } from '../../shared/tokens/verify-platform-token.ts'
import { anyCharacter } from '../support/any-character.ts'
import { newPlatformKey, type PlatformKey, type Platforms, startPlatforms } from '../support/platform-issuer.ts'

const issuer = 'https://auth.example/demo'
let now = 1_790_000_000_000
const keys = createIssuerKeys(
  () => now,
  (cause) => new Error('away', { cause }),
)
let platforms: Platforms
let rsa: PlatformKey
let ec: PlatformKey
before(async () => {
  platforms = await startPlatforms()
  rsa = await newPlatformKey('RS256', 'rsa')
  ec = await newPlatformKey('ES256', 'ec')
})
after(() => platforms.stop())

async function verdict(token: string, ...identities: WorkloadIdentity[]): Promise<string> {
  const found = await verifyPlatformToken(token, { identities, issuer, now, issuerKeys: keys })
  return found.holds ? 'holds' : found.fault
}
const jwks = (...of: PlatformKey[]) => ({ keys: of.map(({ jwk }) => jwk as IssuerJwk) })
const inline = (iss: string): WorkloadIdentity => ({ issuer: iss, subject: 'nightly', jwks: jwks(ec) })
const claims = (iss: string) => ({ iss, aud: issuer, sub: 'nightly', iat: now / 1000, exp: now / 1000 + 60 })
const bytes = (value: object) => new TextEncoder().encode(JSON.stringify(value))
const signed = (iss: string, key = ec, header: object = {}, payload: object = claims(iss)) =>
  new CompactSign(bytes(payload)).setProtectedHeader({ alg: key.alg, ...header }).sign(key.privateKey)

describe('issuers that are never accepted', () => {
  test('this broker, for any of its applications, whatever the registration says', async () => {
    for (const iss of [issuer, 'https://auth.example/other', 'https://auth.example/demo/']) {
      assert.match(await verdict(await signed(iss), inline(iss)), /issuer is this broker/)
    }
  })

  test('a platform elsewhere, or deeper at the same host, is accepted', async () => {
    for (const iss of ['https://auth.example/realms/jobs', 'https://auth.example.org/demo']) {
      assert.equal(await verdict(await signed(iss), inline(iss)), 'holds')
    }
  })
})

describe('a header', () => {
  const iss = 'https://platform.example'
  test('that asks for an extension is refused, an unencoded payload included', async () => {
    const {
      protected: header,
      payload,
      signature,
    } = await new FlattenedSign(bytes(claims(iss)))
      .setProtectedHeader({ alg: 'ES256', b64: false, crit: ['b64'] })
      .sign(ec.privateKey)
    assert.match(await verdict(`${header}.${payload || 'x'}.${signature}`, inline(iss)), /not a JWT|crit/)
    const part = Buffer.from(JSON.stringify({ alg: 'ES256', crit: ['exp'], exp: 1 })).toString('base64url')
    const [, body, end] = (await signed(iss)).split('.')
    assert.match(await verdict(`${part}.${body}.${end}`, inline(iss)), /crit/)
  })

  test('of a token without kid and typ is accepted', async () => {
    assert.equal(await verdict(await signed(iss), inline(iss)), 'holds')
  })

  test('with a kid that is no text, or of no registered key, is refused', async () => {
    assert.match(await verdict(await signed(iss, ec, { kid: 7 }), inline(iss)), /kid/)
    assert.match(await verdict(await signed(iss, ec, { kid: 'other' }), inline(iss)), /kid is of no key/)
  })
})

test('a changed claim, and a token of more than 16 KB, are refused', async () => {
  const iss = 'https://platform.example'
  const [header, , signature] = (await signed(iss)).split('.')
  const changed = Buffer.from(JSON.stringify({ ...claims(iss), more: 1 })).toString('base64url')
  assert.match(await verdict(`${header}.${changed}.${signature}`, inline(iss)), /signature does not fit/)
  const long = await signed(iss, ec, {}, { ...claims(iss), more: 'x'.repeat(16_384) })
  assert.match(await verdict(long, inline(iss)), /not a JWT/)
})

test('a new key of an issuer that names none is found by one more request, and a forgery makes no other in the pause', async () => {
  const at = platforms.issuer('nameless', await newPlatformKey('ES256', ''))
  const first = at.keys[0]!
  const next = await newPlatformKey('ES256', '')
  for (const key of [first, next]) delete key.jwk.kid
  const identity = { issuer: at.issuer, subject: 'nightly' }
  const token = async (key: PlatformKey) => signed(at.issuer, key)
  assert.equal(await verdict(await token(first), identity), 'holds')
  at.keys = [next]
  assert.equal(await verdict(await token(next), identity), 'holds')
  assert.match(await verdict(await token(first), identity), /signature/)
  assert.equal(at.asked.jwks, 2)
  now += pauseMs
  assert.match(await verdict(await token(first), identity), /signature/)
  assert.equal(at.asked.jwks, 3)
})

test('an issuer that is out of reach keeps out no token of a later identity with registered keys', async () => {
  const at = platforms.issuer('away', ec)
  at.broken = () => 'hang-up'
  const fetched = { issuer: at.issuer, subject: 'nightly' }
  assert.equal(await verdict(await signed(at.issuer), fetched, inline(at.issuer)), 'holds')
  assert.deepEqual(at.asked, { metadata: 0, jwks: 0 })
  await assert.rejects(verdict(await signed(at.issuer, rsa), fetched, inline(at.issuer)), /away/)
})

test('a token that does not match makes nobody fetch keys', async () => {
  const at = platforms.issuer('quiet', rsa)
  const identity = { issuer: at.issuer, subject: 'other' }
  assert.match(await verdict(await signed(at.issuer, rsa), identity), /sub is not "other"/)
  assert.deepEqual(at.asked, { metadata: 0, jwks: 0 })
})

describe('any token', () => {
  const iss = 'https://platform.example'
  const part = fc.oneof(
    fc.base64String(),
    fc.json().map((text) => Buffer.from(text).toString('base64url')),
  )

  test('that is no JWT of the issuer is refused with a reason, and never a fault of the broker', async () => {
    const jwtLike = fc.array(part, { minLength: 1, maxLength: 5 }).map((parts) => parts.join('.'))
    const text = fc.oneof(jwtLike, fc.string({ unit: anyCharacter }))
    await fc.assert(
      fc.asyncProperty(text, async (token) => assert.notEqual(await verdict(token, inline(iss)), 'holds')),
      { numRuns: 300 },
    )
  })

  const good: Readonly<Record<string, unknown>> = claims(iss)

  test('that the issuer has signed holds only with the very claims that are registered', async () => {
    const changed = fc.record({ name: fc.constantFrom('iss', 'sub', 'aud'), value: fc.jsonValue() })
    await fc.assert(
      fc.asyncProperty(changed, async ({ name, value }) => {
        const found = await verdict(await signed(iss, ec, {}, { ...good, [name]: value }), inline(iss))
        assert.equal(found === 'holds', value === good[name], found)
      }),
      { numRuns: 200, examples: [[{ name: 'aud', value: issuer }], [{ name: 'aud', value: [issuer, issuer] }]] },
    )
  })

  test('with times of any kind is accepted or refused, and never a fault of the broker', async () => {
    const changed = fc.record({ name: fc.constantFrom('exp', 'nbf', 'iat'), value: fc.jsonValue() })
    await fc.assert(
      fc.asyncProperty(changed, async ({ name, value }) => {
        const found = await verdict(await signed(iss, ec, {}, { ...good, [name]: value }), inline(iss))
        if (typeof value !== 'number') assert.match(found, new RegExp(name))
      }),
      { numRuns: 200 },
    )
  })
})
