/** Secrets in files and in Secrets Manager, which a small server plays. */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { after, afterEach, before, describe, test } from 'node:test'
import { createKeyring } from '../../functions/create-keyring.ts'
import { sink } from '../../shared/log.ts'
import { secretsAt } from '../../shared/secrets.ts'
import { readKeyring } from '../../shared/tokens/keyring.ts'
import { Unavailable } from '../../shared/unavailable.ts'
import { expectSchema, readLine } from '../support/log-lines.ts'

const refused =
  (part: string, needsOperator = false) =>
  (error: unknown) =>
    error instanceof Unavailable && error.part === part && error.needsOperator === needsOperator

describe('files', () => {
  let folder: string
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'token-broker-test-'))
    await mkdir(join(folder, 'provider'))
    await writeFile(join(folder, 'keyring'), 'the keyring')
    await writeFile(join(folder, 'provider', 'demo'), 'the secret')
  })
  after(() => rm(folder, { recursive: true }))

  test('a secret is read from the file of its name', async () => {
    const secrets = secretsAt(`file:${folder}`)
    assert.equal(await secrets.read('keyring'), 'the keyring')
    assert.equal(await secrets.read('provider/demo'), 'the secret')
  })

  test('a missing file of a secret is Unavailable, and needs an operator', async () => {
    await assert.rejects(secretsAt(`file:${folder}`).read('provider/other'), refused('secrets', true))
    await assert.rejects(secretsAt(`file:${folder}`).read('provider'), refused('secrets'))
  })

  test('SECRETS with an unknown scheme is refused', () => {
    for (const place of ['', 'file:', 'env:X', folder]) assert.throws(() => secretsAt(place), /SECRETS must be/, place)
  })
})

describe('Secrets Manager', () => {
  type Asked = { SecretId: string; SecretString?: string; ClientRequestToken?: string }
  const kept = new Map<string, string>()
  /** By the token that a version was written under. */
  const versions = new Map<string, string>()
  let broken: ((response: ServerResponse) => void) | undefined
  const server = createServer(async (request, response) => {
    const { SecretId, SecretString, ClientRequestToken = '' } = JSON.parse(await text(request)) as Asked
    if (broken !== undefined) return broken(response)
    if (String(request.headers['x-amz-target']).endsWith('PutSecretValue')) {
      const there = versions.get(ClientRequestToken)
      if (there !== undefined && there !== SecretString) {
        return answer(response, 400, { __type: 'ResourceExistsException', message: 'secret' })
      }
      versions.set(ClientRequestToken, SecretString ?? '')
      kept.set(SecretId, SecretString ?? '')
      return answer(response, 200, { Name: SecretId })
    }
    const value = kept.get(SecretId)
    if (value === undefined) return answer(response, 400, { __type: 'ResourceNotFoundException', message: 'secret' })
    return answer(response, 200, value === 'binary' ? { SecretBinary: 'AA==' } : { SecretString: value })
  })
  before(async () => {
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    Object.assign(process.env, {
      AWS_ENDPOINT_URL_SECRETS_MANAGER: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      ...{ AWS_REGION: 'eu-central-1', AWS_ACCESS_KEY_ID: 'local', AWS_SECRET_ACCESS_KEY: 'local' },
    })
  })
  afterEach(() => {
    kept.clear()
    versions.clear()
    broken = undefined
  })
  after(() => {
    server.closeAllConnections()
    server.close()
  })

  const secrets = secretsAt('secretsmanager:prod/broker/')

  test('a secret is read from Secrets Manager by prefix and name', async () => {
    kept.set('prod/broker/provider/demo', 'the secret')
    assert.equal(await secrets.read('provider/demo'), 'the secret')
  })

  test('a missing, empty or unreachable secret is Unavailable; a missing one needs an operator', async () => {
    await assert.rejects(secrets.read('keyring'), refused('secrets', true))
    kept.set('prod/broker/keyring', 'binary')
    await assert.rejects(secrets.read('keyring'), refused('secrets'))
    broken = (response) => answer(response, 500, { __type: 'InternalServiceError' })
    await assert.rejects(secrets.read('keyring'), refused('secrets'))
  })

  const deployed = async () => {
    const lines: string[] = []
    const before = sink.write
    sink.write = (line) => void lines.push(line)
    try {
      const { created } = await createKeyring()
      return { created, log: expectSchema(readLine(lines[0] ?? '{}')), lines }
    } finally {
      sink.write = before
    }
  }

  test('the first deployment generates the keyring, and later ones keep it', async () => {
    process.env.SECRETS = 'secretsmanager:prod/broker/'
    const first = await deployed()
    const drawn = kept.get('prod/broker/keyring') ?? ''
    assert.deepEqual([first.created, first.log.event], [true, 'keyring.created'])
    assert.equal((await readKeyring(drawn)).publicKeys.length, 4)
    const second = await deployed()
    assert.deepEqual(
      [second.created, second.log.event, kept.get('prod/broker/keyring')],
      [false, 'keyring.kept', drawn],
    )
    assert.ok(!first.lines.join().includes(drawn.slice(20, 60)))
  })

  test('of two concurrent deployments one generates the keyring', async () => {
    process.env.SECRETS = 'secretsmanager:prod/broker/'
    const before = sink.write
    sink.write = () => {}
    const outcomes = await Promise.all([createKeyring(), createKeyring(), createKeyring()])
    sink.write = before
    assert.equal(outcomes.filter(({ created }) => created).length, 1)
    assert.equal(versions.size, 1)
  })

  test('a deployment does not replace an unreadable keyring, and is refused with file secrets', async () => {
    process.env.SECRETS = 'secretsmanager:prod/broker/'
    broken = (response) => answer(response, 400, { __type: 'AccessDeniedException' })
    await assert.rejects(deployed())
    assert.equal(kept.size, 0)
    process.env.SECRETS = 'file:/x'
    await assert.rejects(deployed(), /SECRETS must be secretsmanager/)
  })
})

function answer(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' }).end(JSON.stringify(body))
}
