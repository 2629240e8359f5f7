/** The tests of the parts, in one process: loading the broker's code takes longer than most of them. */

import { join } from 'node:path'
import { importTests } from './support/import-tests.ts'
import { parts } from './support/parts.ts'

for (const part of parts) importTests(join(import.meta.dirname, part))
