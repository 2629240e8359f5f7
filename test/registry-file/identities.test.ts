/** How the registry file declares the platform tokens that a client authenticates with. */

import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { describe, test } from 'node:test'
import { parseClient } from '../../shared/registry-file.ts'
import { anApplication } from '../support/registry.ts'
import { application, client, file, inClient, type Json, registryOf } from '../support/registry-file.ts'

const identity = { issuer: 'https://platform.example', subject: 'nightly' }
const withIdentities = (...identities: unknown[]): Json => ({ auth: 'workload_identity', identities })
const whysIn = (...identities: unknown[]) => inClient(withIdentities(...identities)).map(({ why }) => why)

describe('identities', () => {
  test('are kept as they are declared, nested and namespaced claims included', () => {
    const key = generateKeyPairSync('ec', { namedCurve: 'P-384' }).publicKey.export({ format: 'jwk' })
    const all = {
      ...{ ...identity, audience: 'broker', maxAgeSeconds: 600, jwks: { keys: [{ ...key, kid: 'a' }] } },
      claims: { 'https://sts.amazonaws.com/': { aws_account: '12' }, constructor: 'x', protected: true, level: 3 },
    }
    const { clients } = registryOf(
      file(application({}, client({ ...withIdentities(all, identity), singleUseAssertions: true }))),
    )
    assert.deepEqual(clients[0]?.identities, [all, identity])
    assert.equal(clients[0]?.singleUseAssertions, true)
  })

  test('of a client of another kind are not there at all, so that no client of before changes', () => {
    const { clients } = registryOf(file(application()))
    assert.deepEqual(
      Object.keys(clients[0] ?? {}).filter((name) => /identities|singleUse/.test(name)),
      [],
    )
  })

  test('are needed for workload_identity, and refused for any other auth or beside a secret', () => {
    assert.match(JSON.stringify(inClient({ auth: 'workload_identity' })), /needs an identity/)
    assert.match(JSON.stringify(inClient({ auth: 'none', identities: [identity] })), /workload_identity.* alone/)
    assert.match(JSON.stringify(inClient({ auth: 'none', singleUseAssertions: true })), /workload_identity.* alone/)
    assert.match(JSON.stringify(inClient({ ...withIdentities(identity), secrets: 'table' })), /no secrets/)
    assert.equal(whysIn().length > 0, true)
    assert.equal(whysIn(...Array(9).fill(identity)).length, 1)
  })

  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const wrong: Record<string, Json> = {
    'no issuer': { subject: 'x' },
    'an issuer without TLS': { ...identity, issuer: 'http://platform.example' },
    'an issuer with a query': { ...identity, issuer: 'https://platform.example/?a' },
    'an unknown member': { ...identity, sub: 'x' },
    'an empty subject': { ...identity, subject: '' },
    'no claim among the claims': { ...identity, claims: {} },
    'a list as a claim': { ...identity, claims: { groups: ['a'] } },
    'null as a claim': { ...identity, claims: { a: null } },
    'an empty text as a claim': { ...identity, claims: { a: '' } },
    'claims that are too deep': { ...identity, claims: { a: { b: { c: { d: { e: 'x' } } } } } },
    'a standard claim': { ...identity, claims: { sub: 'x' } },
    'a prototype among the claims': { ...identity, claims: JSON.parse('{"__proto__": {"a": "b"}, "c": "d"}') },
    'too many claims': {
      ...identity,
      claims: Object.fromEntries(Array.from({ length: 33 }, (_, at) => [`c${at}`, 'x'])),
    },
    'a private key': { ...identity, jwks: { keys: [privateKey.export({ format: 'jwk' })] } },
    'no key in jwks': { ...identity, jwks: { keys: [] } },
    'an issuer inside a cluster, and no keys': {
      issuer: 'https://kubernetes.default.svc.cluster.local',
      subject: 'system:serviceaccount:jobs:nightly',
    },
    'an age of a week': { ...identity, maxAgeSeconds: 604_800 },
  }
  for (const [name, one] of Object.entries(wrong)) {
    test(`with ${name} are refused`, () => assert.notDeepEqual(whysIn(one), []))
  }
})

test('an identity that trusts too much is refused in the file and for a single client, with place and reason', () => {
  const open = { issuer: 'https://token.actions.githubusercontent.com', subject: 'repo:octo@1/app@2:pull_request' }
  const [mistake, ...more] = inClient(withIdentities(identity, open))
  assert.deepEqual(more, [])
  assert.equal(mistake?.where, 'applications[0].clients[0].identities[1]')
  assert.match(mistake?.why ?? '', /pull request/)
  const audiences = ['https://api.example.test']
  const parsed = parseClient(anApplication(), [], { clientId: 'ci', audiences, ...withIdentities(open) })
  assert.equal(parsed.ok, false)
  assert.match(JSON.stringify(parsed), /pull request/)
})
