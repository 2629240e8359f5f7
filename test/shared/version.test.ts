/** What package.json says of the package, and what its code repeats. */

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { packageName, version } from '../../shared/version.ts'

const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))

test('the name and the version in the code are those of package.json', () => {
  assert.deepEqual([packageName, version], [manifest.name, manifest.version])
})
