/**
 * docs/cases.md names a test file for each requirement, which must hold a test with its number.
 */

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

const page = fileURLToPath(new URL('../docs/cases.md', import.meta.url))

type Claim = { readonly number: string; readonly file: string }

/** A row names its test's file, or the text above its table does. */
function claims(): Claim[] {
  const found: Claim[] = []
  let above = ''
  for (const line of readFileSync(page, 'utf8').split('\n')) {
    if (line.startsWith('#')) above = ''
    const files = [...line.matchAll(/\]\((\.\.\/test\/[^)]+)\)/g)].map(([, path = '']) => path)
    const [, number] = /^\| ([WP]\d+) \|/.exec(line) ?? []
    if (number === undefined) above = files[0] ?? above
    else found.push(...(files.length > 0 ? files : [above]).map((file) => ({ number, file })))
  }
  return found
}

function testNames(file: string): string[] {
  const text = readFileSync(resolve(dirname(page), file), 'utf8')
  return [...text.matchAll(/\btest\(\s*['"`]([^'"`]*)/g)].map(([, name = '']) => name)
}

test('docs/cases.md: every requirement has a test with its number in the file that its row links', () => {
  const told = claims()
  assert.ok(told.length > 40)
  const missing = told.filter(({ number, file }) => {
    const numbers = testNames(file).flatMap((name) => /^(?:[A-Z]\d+ )+/.exec(name)?.[0].trim().split(' ') ?? [])
    return !numbers.includes(number)
  })
  assert.deepEqual(missing, [])
})
