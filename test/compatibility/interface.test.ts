/** docs/compatibility.md: what a release has promised is there in the next one. */

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { currentInterface, type Interface, requiredSection } from './interface.ts'

/** As the release of this series recorded it. */
const released = JSON.parse(readFileSync(new URL('interface-0.2.json', import.meta.url), 'utf8')) as Interface
const current = await currentInterface()

for (const [section, names] of Object.entries(released)) {
  if (requiredSection.test(section)) {
    test(`compatibility: nothing is added to the ${section}`, () => {
      const added = Object.entries(names).flatMap(([of, list]) => missing(current[section]?.[of], list, of))
      assert.deepEqual(added, [])
    })
  } else {
    test(`compatibility: nothing is removed from the ${section}`, () => {
      const removed = Object.entries(names).flatMap(([of, list]) => {
        const present = current[section]?.[of]
        return present === undefined ? [of] : missing(list, present, of)
      })
      assert.deepEqual(removed, [])
    })
  }
}

test('compatibility: each kind of promise is recorded', () => {
  assert.deepEqual(Object.keys(released), Object.keys(current))
  for (const [section, names] of Object.entries(released)) assert.ok(Object.keys(names).length > 0, section)
})

function missing(expected: readonly string[] = [], present: readonly string[], of: string): string[] {
  return expected.filter((name) => !present.includes(name)).map((name) => `${of}: ${name}`)
}
