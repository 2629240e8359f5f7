import { importTests } from '../support/import-tests.ts'
// The browser ends after all files, not after the first that imports it.
import './browser.ts'

importTests(import.meta.dirname)
