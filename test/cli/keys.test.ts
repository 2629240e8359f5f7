/** `keys list` and `keys rotate`, of a local stack and of a function. */

import assert from 'node:assert/strict'
import { mkdir, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { listen } from '../../local/ports.ts'
import { generateKeyring } from '../../shared/tokens/keyring-secret.ts'
import { directory } from '../local/support/directory.ts'
import { commandLine } from './support/command-line.ts'

describe('keys', () => {
  test('keys of a local stack are listed, rotated and retired, and their material is never shown', async (t) => {
    const folder = await directory(t)
    const keyring = await generateKeyring(Date.now() - 3_600_000)
    await mkdir(join(folder, 'secrets'), { recursive: true })
    await writeFile(join(folder, 'secrets', 'keyring'), keyring)
    const tool = await commandLine(t, { DATA_DIR: folder })
    const before = await tool.json('keys', 'list')
    assert.equal(before.code, 0, before.stderr)
    const statuses = (body: Readonly<Record<string, unknown>>) =>
      (body.keys as { kind: string; status: string }[]).map(({ kind, status }) => `${kind} ${status}`)
    assert.ok(statuses(before.body).includes('signing next'))
    const rotated = await tool.json('keys', 'rotate')
    assert.equal(rotated.code, 0, rotated.stderr)
    assert.ok(statuses(rotated.body).includes('mac previous'))
    const refused = await tool.run('keys', 'rotate')
    assert.equal(refused.code, 1)
    const shown = await tool.run('keys', 'list')
    assert.match(shown.stdout, /^KEY +KIND +ALGORITHM +STATUS +IN USE/)
    const words = ['--emergency', 'all', '--reason', 'seen in a log']
    assert.equal((await tool.run('keys', 'rotate', ...words)).code, 2)
    const retired = await tool.json('keys', 'rotate', ...words, '--yes')
    assert.equal(retired.code, 0, retired.stderr)
    assert.ok((retired.body.retired as unknown[]).length > 0)
    const all = [before, rotated, shown, retired].map(({ stdout }) => stdout).join('')
    for (const [, material = ''] of keyring.matchAll(/"(?:d|k|secret|key)": ?"([\w-]{20,})"/g))
      assert.ok(!all.includes(material))
  })

  test('keys of a stack are read and rotated by its function, with requests signed for Lambda', async (t) => {
    const asked: string[] = []
    const server = createServer(async (request, response) => {
      let body = ''
      for await (const chunk of request) body += chunk
      asked.push(`${request.url} ${/\/lambda\/aws4_request/.test(String(request.headers.authorization))} ${body}`)
      if (body.includes('rotate')) response.setHeader('x-amz-function-error', 'Unhandled')
      response.end(body.includes('rotate') ? '{"errorMessage":"It is too soon."}' : '{"keys":[]}')
    })
    const port = await listen(server, 0, 'PORT')
    t.after(() => server.close())
    const tool = await commandLine(t, {
      ...{ AWS_ENDPOINT_URL_LAMBDA: `http://127.0.0.1:${port}`, AWS_REGION: 'eu-central-1' },
      ...{ AWS_ACCESS_KEY_ID: 'AKID', AWS_SECRET_ACCESS_KEY: 'secret', TOKEN_BROKER_KEYS_FUNCTION: 'rotate-keys' },
    })
    assert.deepEqual((await tool.json('keys', 'list')).body, { keys: [] })
    const { code, stderr } = await tool.run('keys', 'rotate')
    assert.deepEqual([code, stderr], [1, 'rotate-keys: It is too soon.\n'])
    const path = '/2015-03-31/functions/rotate-keys/invocations'
    assert.deepEqual(asked, [`${path} true {"list":true}`, `${path} true {"rotate":true}`])
  })

  test('AWS_ENDPOINT_URL names the endpoint of every AWS service that has no variable of its own', async (t) => {
    const server = createServer((_, response) => response.end('{"keys":[]}'))
    const port = await listen(server, 0, 'PORT')
    t.after(() => server.close())
    const tool = await commandLine(t, {
      ...{ AWS_ENDPOINT_URL: `http://127.0.0.1:${port}`, AWS_REGION: 'eu-central-1' },
      ...{ AWS_ACCESS_KEY_ID: 'AKID', AWS_SECRET_ACCESS_KEY: 'secret', TOKEN_BROKER_KEYS_FUNCTION: 'rotate-keys' },
    })
    assert.deepEqual((await tool.json('keys', 'list')).body, { keys: [] })
  })
})
