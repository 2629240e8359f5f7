/**
 * Files of the data directory: all who start at the same time agree on what is in them.
 */

import assert from 'node:assert/strict'
import { mkdir, readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { agreeOn } from '../../local/data-dir.ts'
import { setUpSecrets } from '../../local/secrets.ts'
import { providerSecretName } from '../../shared/domain/provider-identity.ts'
import { readKeyring } from '../../shared/tokens/keyring.ts'
import { anApplication } from '../support/registry.ts'
import { directory } from './support/directory.ts'

test('who comes first decides, and all of them read the same', async (t) => {
  const folder = await directory(t)
  const path = join(folder, 'file')
  const texts = await Promise.all(Array.from({ length: 50 }, (_, index) => agreeOn(path, () => `text ${index}`)))
  assert.equal(new Set(texts).size, 1)
  assert.equal(await agreeOn(path, () => 'too late'), texts[0])
  assert.deepEqual(await readdir(folder), ['file'])
})

test('who comes second gets the first one’s text, however long they had been at theirs', async (t) => {
  const path = join(await directory(t), 'file')
  const slow = Promise.withResolvers<string>()
  const second = agreeOn(path, () => slow.promise)
  assert.equal(await agreeOn(path, () => 'first'), 'first')
  slow.resolve('second')
  assert.equal(await second, 'first')
})

test('the file is its owner’s alone', async (t) => {
  const path = join(await directory(t), 'new', 'file')
  await agreeOn(path, () => 'secret')
  assert.equal((await stat(path)).mode & 0o777, 0o600)
  assert.equal((await stat(join(path, '..'))).mode & 0o777, 0o700)
})

test('what cannot be made leaves nothing behind', async (t) => {
  const folder = await directory(t)
  await assert.rejects(
    agreeOn(join(folder, 'file'), () => Promise.reject(new Error('no'))),
    /no/,
  )
  assert.deepEqual(await readdir(folder), [])
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
