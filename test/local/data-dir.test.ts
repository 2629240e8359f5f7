/**
 * The data directory: its lock, and the secrets in it.
 */

import assert from 'node:assert/strict'
import { mkdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { lock } from '../../local/data-dir.ts'
import { setUpSecrets } from '../../local/secrets.ts'
import { providerSecretName } from '../../shared/domain/provider-identity.ts'
import { readKeyring } from '../../shared/tokens/keyring.ts'
import { anApplication } from '../support/registry.ts'
import { directory } from './support/directory.ts'

test('brokers that set up their secrets at the same time get the same ones', async (t) => {
  const folder = await directory(t)
  const all = await Promise.all(Array.from({ length: 8 }, () => setUpSecrets(folder, [anApplication()])))
  assert.equal(new Set(all.map(({ providerSecrets }) => providerSecrets.get('demo'))).size, 1)
})

test('secrets are readable by their owner alone', async (t) => {
  const folder = await directory(t)
  await setUpSecrets(folder, [])
  assert.equal((await stat(join(folder, 'secrets', 'keyring'))).mode & 0o777, 0o600)
  assert.equal((await stat(join(folder, 'secrets'))).mode & 0o777, 0o700)
})

test('a lock that one has is given to the next when it is freed, and not before', async (t) => {
  const path = join(await directory(t), 'lock')
  const free = await lock(path, 0)
  assert.equal(await lock(path, 0), undefined)
  const next = lock(path, 5_000)
  free?.()
  const freeAgain = await next
  assert.ok(freeAgain)
  freeAgain()
})

test('the secrets are a keyring and one of its own for each application, the same at the next start', async (t) => {
  const folder = await directory(t)
  const applications = [anApplication(), anApplication({ name: 'other' })]
  const { place, providerSecrets } = await setUpSecrets(folder, applications)
  assert.equal(place, `file:${join(folder, 'secrets')}`)
  await readKeyring(await readFile(join(folder, 'secrets', 'keyring'), 'utf8'))
  assert.equal(
    providerSecrets.get('demo'),
    await readFile(join(folder, 'secrets', providerSecretName(anApplication())), 'utf8'),
  )
  assert.match(providerSecrets.get('demo') ?? '', /^[\w-]{43}$/)
  assert.notEqual(providerSecrets.get('demo'), providerSecrets.get('other'))
  assert.deepEqual((await setUpSecrets(folder, applications)).providerSecrets, providerSecrets)
})

test('a folder of secrets that others could read is closed to them', async (t) => {
  const folder = await directory(t)
  await mkdir(join(folder, 'secrets'), { mode: 0o755 })
  await setUpSecrets(folder, [])
  assert.equal((await stat(join(folder, 'secrets'))).mode & 0o777, 0o700)
})
