import { importTests } from '../support/import-tests.ts'
import { shareChromium } from './browser.ts'

shareChromium()
importTests(import.meta.dirname)
