import assert from 'node:assert/strict'
import { test } from 'node:test'
import { tokenExchange } from '../../shared/domain/derived-members.ts'
import type { Registry } from '../../shared/domain/registration.ts'
import { type Change, changesBetween, isClient, type StoredRegistry } from '../../shared/domain/registry-changes.ts'
import { aClient, anApplication } from '../support/registry.ts'

const stored = (registry: Partial<StoredRegistry>): StoredRegistry => ({
  applications: [],
  clients: [],
  version: 1,
  removed: {},
  ...registry,
})
const told = (before: StoredRegistry, after: Registry, prune = false) =>
  changesBetween(before, after, prune).map(inWords)
const inWords = ({ kind, record, members }: Change) =>
  [kind, isClient(record) ? record.clientId : record.name, ...members].join(' ')

test('against an empty table every record is added, each application before its clients', () => {
  const other = anApplication({ name: 'other' })
  assert.deepEqual(
    told(stored({}), {
      applications: [anApplication(), other],
      clients: [aClient(), aClient({ application: 'other', clientId: 'web' })],
    }),
    ['added demo', 'added cli', 'added other', 'added web'],
  )
})

test('records are unchanged whatever the order of members and the time of a revocation', () => {
  const { provider, ...rest } = anApplication({ revokedBefore: 7 })
  const turned = { provider: Object.fromEntries(Object.entries(provider).reverse()), ...rest } as typeof rest & {
    provider: typeof provider
  }
  const before = stored({ applications: [turned], clients: [aClient({ revokedBefore: 9 })] })
  assert.deepEqual(told(before, { applications: [anApplication()], clients: [aClient()] }), [
    'unchanged demo',
    'unchanged cli',
  ])
})

test('a changed record names the members that differ, missing ones too', () => {
  const before = stored({ applications: [anApplication()], clients: [aClient({ displayName: 'Old' })] })
  const { displayName: _, ...client } = aClient({ graceSeconds: 30 })
  const after = { applications: [anApplication({ displayName: 'New' })], clients: [client] }
  const [application, changed] = changesBetween(before, after as unknown as Registry, false)
  assert.deepEqual(application?.members, ['displayName'])
  assert.deepEqual([...changed!.members].sort(), ['displayName', 'graceSeconds'])
})

test('a changed order in a list is a change of the record', () => {
  const before = stored({ clients: [aClient({ audiences: ['a', 'b'] })] })
  assert.deepEqual(told(before, { applications: [], clients: [aClient({ audiences: ['b', 'a'] })] }), [
    'changed cli audiences',
  ])
})

test('secrets that a file leaves to the table are no change', () => {
  const before = stored({ clients: [aClient({ secretHashes: ['x', 'y'] })] })
  const { secretHashes: _, ...client } = aClient()
  assert.deepEqual(told(before, { applications: [], clients: [client] }), ['unchanged cli'])
})

test('a record that the file lacks stays, or is removed with prune', () => {
  const before = stored({
    applications: [anApplication(), anApplication({ name: 'gone' })],
    clients: [aClient(), aClient({ clientId: 'old' }), aClient({ application: 'gone', clientId: 'its' })],
  })
  const after = { applications: [anApplication()], clients: [aClient()] }
  assert.deepEqual(told(before, after), [
    'unchanged demo',
    'unchanged cli',
    'undeclared old',
    'undeclared gone',
    'undeclared its',
  ])
  assert.deepEqual(told(before, after, true), [
    'unchanged demo',
    'unchanged cli',
    'removed old',
    'removed gone',
    'removed its',
  ])
})

test('an application keeps the scopes of clients that stay although the file lacks them', () => {
  const application = anApplication({ scopes: ['openid'] })
  const client = aClient({ scopes: ['openid'] })
  const before = stored({
    applications: [{ ...application, scopes: ['openid', 'reports:read'] }],
    clients: [client, aClient({ clientId: 'old', scopes: ['reports:read'], grants: ['refresh_token'] })],
  })
  const after = { applications: [application], clients: [client] }
  assert.deepEqual(told(before, after), ['unchanged demo', 'unchanged cli', 'undeclared old'])
  assert.deepEqual(told(before, after, true), ['changed demo scopes', 'unchanged cli', 'removed old'])
})

test('the scopes of a service that stays do not become public', () => {
  const service = aClient({ clientId: 'service', scopes: ['reports:read'], grants: ['client_credentials'] })
  const before = stored({ applications: [anApplication()], clients: [aClient(), service] })
  const after = { applications: [anApplication()], clients: [aClient()] }
  assert.deepEqual(told(before, after), ['unchanged demo', 'unchanged cli', 'undeclared service'])
})

test('a client keeps the tokens that a client outside of the file exchanges', () => {
  const worker = aClient({ clientId: 'worker', grants: [tokenExchange], exchangesFor: ['worker', 'cli'] })
  const before = stored({
    applications: [anApplication({ offersTokenExchange: true })],
    clients: [aClient({ keepsProviderTokens: true }), worker],
  })
  const after = { applications: [anApplication()], clients: [aClient()] }
  assert.deepEqual(told(before, after), ['unchanged demo', 'unchanged cli', 'undeclared worker'])
  assert.deepEqual(told(before, after, true), [
    'changed demo offersTokenExchange',
    'changed cli keepsProviderTokens',
    'removed worker',
  ])
})
