/**
 * Runs the test files of a folder in one process, one after the other, each as a suite of its own. Where many files need the same
 * large packages, starting Node and warming up its code would take longer than the tests.
 */

import { readdirSync } from 'node:fs'
import { basename, join } from 'node:path'
import { describe } from 'node:test'

export function importTests(folder: string): void {
  for (const file of readdirSync(folder).sort()) {
    if (file.endsWith('.test.ts')) describe(`${basename(folder)}/${file}`, () => import(join(folder, file)))
  }
}
