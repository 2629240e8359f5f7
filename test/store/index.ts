import { after } from 'node:test'
import { importTests } from '../support/import-tests.ts'
import { startTable } from '../support/table.ts'

// The DynamoDB stops with the last table in use, so this one keeps it running from file to file.
const table = await startTable()
after(() => table.stop())

importTests(import.meta.dirname)
