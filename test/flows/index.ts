import { importTests } from '../support/import-tests.ts'
import { expectDescribed } from './support/described.ts'
import { observers } from './support/wire.ts'

observers.push(expectDescribed)
importTests(import.meta.dirname)
