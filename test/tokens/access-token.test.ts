import assert from 'node:assert/strict'
import { createHmac, createPublicKey, generateKeyPairSync } from 'node:crypto'
import { before, test } from 'node:test'
import fc from 'fast-check'
import { decodeProtectedHeader, exportJWK, type JWK, type JWTPayload, SignJWT } from 'jose'
import { type AccessTokenClaims, signAccessToken } from '../../shared/tokens/access-token.ts'
import { signIdToken } from '../../shared/tokens/id-token.ts'
import { type Keyring, readKeyring } from '../../shared/tokens/keyring.ts'
import { generateKeyring } from '../../shared/tokens/keyring-secret.ts'
import { verifyAccessToken } from '../../shared/tokens/verify-access-token.ts'
import { anyCharacter } from '../support/any-character.ts'
import { now } from '../support/families.ts'

const issuer = 'https://auth.example/demo'
const claims: AccessTokenClaims = {
  iss: issuer,
  sub: 'ada',
  aud: 'https://api.example.test',
  client_id: 'cli',
  sid: 'the session',
  scope: 'openid email',
}

let keyring: Keyring
before(async () => {
  keyring = await readKeyring(await generateKeyring(now))
})

function payloadOf(token: string): JWTPayload {
  return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as JWTPayload
}

const verify = (token: string, at = now, as = issuer) => verifyAccessToken(keyring, as, token, at)

for (const alg of ['ES256', 'RS256'] as const) {
  test(`${alg}: an access token has the header and claims of RFC 9068 and verifies`, async () => {
    const token = await signAccessToken(keyring, alg, claims, 300, now + 999)
    const { kid } = keyring.signingKey(alg, now)
    assert.deepEqual(decodeProtectedHeader(token), { typ: 'at+jwt', alg, kid })
    const { jti, ...told } = payloadOf(token)
    assert.deepEqual(told, { ...claims, iat: now / 1000, exp: now / 1000 + 300 })
    assert.match(String(jti), /^[A-Za-z0-9_-]{16}$/)
    assert.deepEqual(await verify(token), payloadOf(token))
  })

  test(`${alg}: an access token is valid from its issue to its expiry`, async () => {
    const token = await signAccessToken(keyring, alg, claims, 300, now)
    assert.ok(await verify(token, now))
    assert.ok(await verify(token, now + 299_999))
    assert.equal(await verify(token, now + 300_000), undefined)
  })
}

test('each access token has its own jti, and no scope claim without scopes', async () => {
  const { scope: _, ...bare } = claims
  const tokens = await Promise.all(Array.from({ length: 50 }, () => signAccessToken(keyring, 'ES256', bare, 60, now)))
  assert.equal(new Set(tokens.map((token) => payloadOf(token).jti)).size, 50)
  assert.ok(!('scope' in payloadOf(tokens[0]!)))
})

test('an access token of another application with the same keys is refused', async () => {
  const token = await signAccessToken(keyring, 'ES256', claims, 300, now)
  assert.equal(await verify(token, now, 'https://auth.example/other'), undefined)
  assert.equal(await verify(token, now, `${issuer}/`), undefined)
})

test('an ID token is not an access token', async () => {
  const idClaims = { iss: issuer, sub: 'ada', aud: 'cli', sid: 'the session', auth_time: 1, client_id: 'cli' }
  assert.equal(await verify(await signIdToken(keyring, 'ES256', idClaims, now)), undefined)
})

/** A token that differs in one thing alone. */
async function variant(header: Record<string, unknown>, payload: JWTPayload = {}): Promise<string> {
  const { key, kid } = keyring.signingKey('ES256', now)
  const iat = now / 1000
  const full = { ...claims, iat, exp: iat + 300, jti: 'j', ...payload }
  return new SignJWT(JSON.parse(JSON.stringify(full)) as JWTPayload)
    .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid, ...header })
    .sign(key)
}

test('an access token with type at+jwt or application/at+jwt is accepted', async () => {
  assert.ok(await verify(await variant({})))
  assert.ok(await verify(await variant({ typ: 'application/at+jwt' })))
})

test('an access token of another type, with an unknown or missing kid, or an unknown crit is refused', async () => {
  for (const header of [{ typ: 'JWT' }, { typ: undefined }, { kid: 'unknown' }, { kid: undefined }]) {
    assert.equal(await verify(await variant(header)), undefined, JSON.stringify(header))
  }
  const { key, kid } = keyring.signingKey('ES256', now)
  const critical = await new SignJWT(payloadOf(await variant({})))
    .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid, crit: ['exp'], exp: 1 })
    .sign(key, { crit: { exp: true } })
  assert.equal(await verify(critical), undefined)
})

test('an access token without a required claim of RFC 9068 is refused', async () => {
  for (const name of ['iss', 'sub', 'aud', 'client_id', 'sid', 'exp', 'iat', 'jti']) {
    assert.equal(await verify(await variant({}, { [name]: undefined })), undefined, name)
  }
})

test('an access token with the algorithm of another key is refused', async () => {
  const rsa = keyring.publicKeys.find(({ alg }) => alg === 'RS256')
  assert.equal(await verify(await variant({ kid: rsa?.kid })), undefined)
})

test('an access token with alg none, or a MAC with a public key, is refused', async () => {
  const payload = (await variant({})).split('.')[1]
  const forge = (header: object, sign: (input: string) => string) => {
    const input = `${Buffer.from(JSON.stringify(header)).toString('base64url')}.${payload}`
    return `${input}.${sign(input)}`
  }
  for (const jwk of keyring.publicKeys) {
    const none = forge({ alg: 'none', typ: 'at+jwt', kid: jwk.kid }, () => '')
    assert.equal(await verify(none), undefined)
    const octets = jwk.n ?? jwk.x ?? ''
    for (const secret of [JSON.stringify(jwk), octets, Buffer.from(octets, 'base64url'), spkiOf(jwk)]) {
      const mac = (input: string) => createHmac('sha256', secret).update(input).digest('base64url')
      assert.equal(await verify(forge({ alg: 'HS256', typ: 'at+jwt', kid: jwk.kid }, mac)), undefined)
    }
  }
})

function spkiOf(jwk: JWK): string | Buffer {
  return createPublicKey({ key: { ...jwk }, format: 'jwk' }).export({ type: 'spki', format: 'pem' })
}

test("a key in an access token's header is not trusted", async () => {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const { kid } = keyring.signingKey('ES256', now)
  const forged = await new SignJWT(payloadOf(await variant({})))
    .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid, jwk: await exportJWK(publicKey) })
    .sign(privateKey)
  assert.equal(await verify(forged), undefined)
})

test('an access token of a retired key is refused', async () => {
  const token = await variant({})
  assert.equal(await verifyAccessToken(await readKeyring(await generateKeyring(now)), issuer, token, now), undefined)
})

test('a changed access token is refused, and no text throws', async () => {
  const token = await variant({})
  const changed = fc
    .tuple(fc.nat({ max: token.length - 1 }), fc.constantFrom(...'AZaz09-_.='))
    .map(([at, character]) => {
      return `${token.slice(0, at)}${character}${token.slice(at + 1)}`
    })
  const jwtLike = fc.array(fc.base64String(), { minLength: 1, maxLength: 6 }).map((parts) => parts.join('.'))
  await fc.assert(
    fc.asyncProperty(fc.oneof(changed, jwtLike, fc.string({ unit: anyCharacter })), async (text) => {
      // The last character of a part has bits to spare, so two texts may be one signature; the claims are the same then.
      const verified = await verify(text)
      if (verified !== undefined) assert.deepEqual(verified, payloadOf(token))
    }),
    { numRuns: 300 },
  )
})

test('verifyAccessToken rethrows a fault of the broker', async () => {
  const broken = {
    ...keyring,
    get publicKeys(): never {
      throw new TypeError('broken')
    },
  }
  await assert.rejects(verifyAccessToken(broken, issuer, await variant({}), now), TypeError)
})
