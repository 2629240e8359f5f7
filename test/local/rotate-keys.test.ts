/**
 * Rotating and retiring keys in a data directory, by several processes at once.
 */

import assert from 'node:assert/strict'
import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { Problem } from '../../local/problem.ts'
import { listLocalKeys, retireLocalKeys, rotateLocalKeys } from '../../local/rotate-keys.ts'
import { setUpSecrets } from '../../local/secrets.ts'
import { parseKeyring } from '../../shared/tokens/keyring-secret.ts'
import { directory } from './support/directory.ts'

const quarter = 900_000

async function dataDir(context: TestContext) {
  const folder = await directory(context)
  await setUpSecrets(folder, [])
  const path = join(folder, 'secrets', 'keyring')
  return { folder, path, secret: async () => parseKeyring(await readFile(path, 'utf8')) }
}

test('the keyring in the data directory is rotated, and stays its owner’s alone', async (t) => {
  const { folder, path, secret } = await dataDir(t)
  const at = Date.now() + quarter
  const { used_from, keys } = await rotateLocalKeys(folder, at)
  assert.ok(Math.abs(new Date(used_from).getTime() - at - quarter) < 1_000)
  assert.deepEqual(await listLocalKeys(folder, at), keys)
  assert.equal(keys.length, 13)
  assert.equal((await secret()).serial, 2)
  assert.equal((await stat(path)).mode & 0o777, 0o600)
  assert.deepEqual(await readdir(join(path, '..')), ['keyring'])
})

test('of ten that rotate at once one does, and the others are told that it is too early', async (t) => {
  const { folder, secret } = await dataDir(t)
  const outcomes = await Promise.allSettled(
    Array.from({ length: 10 }, () => rotateLocalKeys(folder, Date.now() + quarter)),
  )
  assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 1)
  for (const outcome of outcomes) {
    if (outcome.status === 'rejected') assert.match(String(outcome.reason), /must have been for 15 minutes/)
  }
  assert.equal((await secret()).serial, 2)
})

test('of two retirements and a rotation at once none undoes another', async (t) => {
  const { folder, secret } = await dataDir(t)
  const at = Date.now() + quarter
  const before = await secret()
  const [signing, seal] = [before.signing[0]!.kid, before.seal[0]!.kid]
  const outcomes = await Promise.allSettled([
    retireLocalKeys(folder, [signing], at),
    rotateLocalKeys(folder, at),
    retireLocalKeys(folder, [seal], at),
  ])
  const done = outcomes.filter(({ status }) => status === 'fulfilled').length
  const { serial, ...after } = await secret()
  assert.equal(serial, 1 + done)
  assert.ok(outcomes[0].status === 'fulfilled' && outcomes[2].status === 'fulfilled')
  assert.ok(!after.signing.some(({ kid }) => kid === signing))
  assert.ok(!after.seal.some(({ kid }) => kid === seal))
})

test('what is refused says why, and changes nothing', async (t) => {
  const { folder, path } = await dataDir(t)
  const before = await readFile(path, 'utf8')
  await assert.rejects(rotateLocalKeys(folder, Date.now()), Problem)
  await assert.rejects(retireLocalKeys(folder, ['mac-9'], Date.now()), /no key "mac-9"/)
  await assert.rejects(listLocalKeys(join(folder, 'elsewhere'), Date.now()), /no keyring in .*elsewhere/)
  assert.equal(await readFile(path, 'utf8'), before)
})
