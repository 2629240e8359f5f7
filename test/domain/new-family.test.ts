import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createCodeFamily, createDeviceFamily, type NewDeviceFamily } from '../../shared/domain/new-family.ts'
import { now, person, saltHash, second, sid } from '../support/families.ts'

const opening: NewDeviceFamily = {
  ...{
    sid,
    saltHash,
    writeId: 'opened',
    application: 'demo',
    clientId: 'cli',
    audiences: ['https://api.example.test'],
  },
  ...{
    scopes: ['openid', 'offline_access'],
    startedFrom: '192.0.2.7',
    codeLifetimeSeconds: 900,
    intervalSeconds: 5,
    now,
  },
  limits: { accessTokenSeconds: 300, idleSeconds: 100, absoluteSeconds: 1000, graceSeconds: 0 },
}

const both = {
  ...{
    sid,
    saltHash,
    writeId: 'opened',
    application: 'demo',
    clientId: 'cli',
    audiences: ['https://api.example.test'],
  },
  lingerSeconds: 1000 + 300 + 86_400,
  ...{ version: 1, generation: 0, createdAt: now, startedFrom: '192.0.2.7', codeExpiresAt: now + 900 * second },
  expires: now / 1000 + 900 + 86_400,
}

test('a new device family is pending, and its first poll is never too early', () => {
  assert.deepEqual(createDeviceFamily(opening), {
    ...both,
    ...{
      flow: 'device',
      state: 'pending',
      scopes: ['openid', 'offline_access'],
      sessionLifetimeMs: 1000 * second,
      lingerSeconds: 1000 + 300 + 86_400,
    },
    ...{ pollIntervalMs: 5 * second, nextPollAt: 0 },
  })
})

test('a new code family holds the person and the bindings of the code', () => {
  const { intervalSeconds: _, ...code } = opening
  const bound = { person, redirectUri: 'https://app.example/cb', codeChallenge: 'c'.repeat(43), nonce: 'n' }
  assert.deepEqual(createCodeFamily({ ...code, ...bound }), {
    ...both,
    ...bound,
    ...{
      flow: 'code',
      state: 'approved',
      subject: 'demo ada',
      scopes: opening.scopes,
      sessionLifetimeMs: 1000 * second,
    },
  })
})

test('a new code family without challenge and nonce has no such attributes', () => {
  const { intervalSeconds: _, ...code } = opening
  const plain = createCodeFamily({
    ...code,
    person,
    redirectUri: 'https://app.example/cb',
    codeChallenge: undefined,
    nonce: undefined,
  })
  assert.ok(!('codeChallenge' in plain))
  assert.ok(!('nonce' in plain))
})

test('without offline_access a session lasts as long as its access token, and its item a day longer', () => {
  const { sessionLifetimeMs, lingerSeconds } = createDeviceFamily({ ...opening, scopes: ['openid'] })
  assert.deepEqual([sessionLifetimeMs, lingerSeconds], [300 * second, 300 + 300 + 86_400])
})

test('a new code family names its vault if tokens are stored', () => {
  const { intervalSeconds: _, ...code } = opening
  const open = (vault?: string) => createCodeFamily({ ...code, person, redirectUri: 'https://app.example/cb', vault })
  assert.equal(open('v'.repeat(11)).vault, 'v'.repeat(11))
  assert.ok(!('vault' in open()))
})

test("a new device family holds the sealed device code of the provider's device flow", () => {
  assert.deepEqual(createDeviceFamily({ ...opening, deviceLogin: 'sealed' }), {
    ...createDeviceFamily(opening),
    deviceLogin: 'sealed',
  })
  assert.ok(!('deviceLogin' in createDeviceFamily({ ...opening, deviceLogin: undefined })))
})
