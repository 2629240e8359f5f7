/**
 * docs/providers.md: its set-ups are registry files that the broker takes, and each failure that it speaks of is shown by
 * the test that it names.
 */

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { certificateForLoopback } from '../support/certificate.ts'
import { application, file, type Json, mistakesIn } from '../support/registry-file.ts'

const page = fileURLToPath(new URL('../../docs/providers.md', import.meta.url))
const text = readFileSync(page, 'utf8')

test('docs/providers.md: every JSON example is a valid registry file', () => {
  const blocks = [...text.matchAll(/^```json\n(.*?)^```/gms)].map(([, block = '']) => JSON.parse(block) as Json)
  assert.ok(blocks.length >= 8)
  const variables = { DIRECTORY_CA: certificateForLoopback().authority }
  for (const block of blocks) {
    const whole = 'provider' in block ? block : application({ provider: block })
    assert.deepEqual(mistakesIn(file(whole), variables), [], JSON.stringify(block))
  }
})

test('docs/providers.md: every failure links a test that exists under that name', () => {
  const [, failures = ''] = text.split(/^## When something goes wrong\n/m)
  const rows = (failures.split(/^## /m)[0] ?? '').split('\n').filter((line) => /^\| (?!what happens|--)/.test(line))
  const links = rows.flatMap((row) => [...row.matchAll(/\[([^\]]+)\]\((\.\.\/test\/[^)]+)\)/g)])
  assert.ok(links.length > 30)
  assert.deepEqual(
    rows.filter((row) => !row.includes('](../test/')),
    [],
    'rows without a test',
  )
  const missing = links.filter(([, name = '', path = '']) => !namesIn(path).some((known) => known.includes(name)))
  assert.deepEqual(
    missing.map(([link]) => link),
    [],
  )
})

function namesIn(path: string): string[] {
  const source = readFileSync(resolve(dirname(page), path), 'utf8')
  return [...source.matchAll(/\b(?:test|describe)\(\s*(['"`])(.*?)\1,/g)].map(([, , name = '']) => name)
}
