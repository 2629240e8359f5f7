import { after } from 'node:test'
import { shareStore } from '../support/dynamodb.ts'
import { importTests } from '../support/import-tests.ts'
import { expectDescribed } from './support/described.ts'
import { observers } from './support/wire.ts'

// Keeps the shared DynamoDB running from file to file.
const store = await shareStore()
after(() => store.stop())

observers.push(expectDescribed)
importTests(import.meta.dirname)
