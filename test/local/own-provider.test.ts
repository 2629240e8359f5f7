/**
 * The local stack with a provider of one's own.
 */

import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { deviceGrant } from '../../local/commands.ts'
import { approve } from '../../local/demo/person.ts'
import { call, str } from '../../local/demo/program.ts'
import { startLocalStack } from '../../local/stack.ts'
import { run } from './support/child.ts'
import { directory } from './support/directory.ts'

const form = { client_id: 'cli', scope: 'openid offline_access' }

test('people sign in at a provider of one’s own, whose secret is in the environment', async (t) => {
  const own = await startLocalStack({ functionLog: () => {}, providerSecret: () => 'the-secret-over-there' })
  const path = join(await directory(t), 'registry.json')
  const file = readFileSync('local/registry.json', 'utf8').replaceAll(['$', '{IDP_URL}'].join(''), own.idpUrl)
  const { applications } = JSON.parse(file) as { applications: { name: string }[] }
  writeFileSync(path, JSON.stringify({ applications: applications.filter(({ name }) => name === 'demo') }))
  t.after(() => own.close())

  const start = async (variables: Readonly<Record<string, string>>) => {
    const child = run(process.execPath, ['local/start.ts'], { PORT: '0', IDP_PORT: '0', REGISTRY: path, ...variables })
    t.after(() => child.process.kill('SIGTERM'))
    const [, url = ''] = await child.until(/^ready (\S+)$/m)
    return { url, output: child.output }
  }
  const signIn = async (url: string) => {
    const started = await call(`${url}/demo/oauth/device_authorization`, form)
    const { status } = await approve(str(started, 'verification_uri_complete'), 'alice')
    const poll = { client_id: 'cli', grant_type: deviceGrant, device_code: str(started, 'device_code') }
    return { page: status, tokens: (await call(`${url}/demo/oauth/token`, poll)).status }
  }

  const told = await start({ PROVIDER_SECRET_DEMO: 'the-secret-over-there' })
  assert.doesNotMatch(told.output.stderr, /PROVIDER_SECRET/)
  assert.deepEqual(told.output.stdout.match(/(?<=Identity provider +)\S.*/g), [`${own.idpUrl}  for demo`])
  assert.deepEqual(await signIn(told.url), { page: 200, tokens: 200 })

  const untold = await start({})
  assert.match(
    untold.output.stderr,
    /^The provider of demo is http\S+\. Set PROVIDER_SECRET_DEMO to the secret of the client token-broker-demo there/m,
  )
  assert.equal((await signIn(untold.url)).tokens, 400)
})
