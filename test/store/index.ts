import { after } from 'node:test'
import { shareStore } from '../support/dynamodb.ts'
import { importTests } from '../support/import-tests.ts'

// Keeps the shared DynamoDB running from file to file.
const store = await shareStore()
after(() => store.stop())

importTests(import.meta.dirname)
