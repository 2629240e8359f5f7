/** `clients`, as people and pipelines run them. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type LocalDynamodb, startDynamodb } from '../../local/dynamodb.ts'
import { hashSecret } from '../../shared/domain/secret.ts'
import { createRegistered } from '../../shared/store/registered.ts'
import { createRegistrations } from '../../shared/store/registrations.ts'
import { createTableIfMissing } from '../../shared/store/table.ts'
import { itemAt, putItem } from '../support/table.ts'
import { commandLine, tableVariables } from './support/command-line.ts'
import { application, client, file, newName } from './support/registrations.ts'
import { startRegistryTable } from './support/registry-table.ts'

const { table, proxy, tool, secretsOf } = await startRegistryTable()

describe('clients', () => {
  test('clients list shows registrations without secrets, also as JSON', async (t) => {
    const [broker, name] = [await tool(t), newName()]
    await broker.run(
      'apply',
      await file(t, application(name, client('cli'), client('web', { auth: 'client_secret_post', secrets: ['s'] }))),
      '--yes',
    )
    const { stdout, code } = await broker.run('clients', 'list', name)
    assert.equal(code, 0)
    assert.match(stdout, /^APPLICATION +CLIENT .*\n.* cli .* none .*refresh_token.*\n.* web .*client_secret_post +1 /)
    const { body } = await broker.json('clients', 'list', name)
    const listed = body.clients as { clientId: string; secrets: number }[]
    assert.deepEqual(
      listed.map(({ clientId, secrets }) => [clientId, secrets]),
      [
        ['cli', 0],
        ['web', 1],
      ],
    )
    assert.ok(!JSON.stringify(body).includes(hashSecret('s')))
  })

  test('clients list of an unknown application is exit code 1', async (t) => {
    const { code, stderr } = await (await tool(t)).run('clients', 'list', 'nowhere')
    assert.equal(code, 1)
    assert.match(stderr, /^There is no application nowhere\.\n.*applications list/)
  })

  test('clients create shows the secret once, and the table has only its hash', async (t) => {
    const [broker, name] = [await tool(t), newName()]
    await broker.run('apply', await file(t, application(name, client('cli'))), '--yes')
    const { code, stdout, stderr } = await broker.run('clients', 'create', name, 'web', '--grant', 'refresh_token')
    assert.equal(code, 0, stderr)
    assert.match(stdout, /^[\w-]{43}\n$/)
    assert.deepEqual(await secretsOf(name, 'web'), [hashSecret(stdout.trim())])
    assert.ok(!stderr.includes(stdout.trim()))
    const again = await broker.run('clients', 'create', name, 'web')
    assert.deepEqual([again.code, again.stdout], [1, ''])
  })

  test('clients show lists members in the order of the registry file', async (t) => {
    const [broker, name] = [await tool(t), newName()]
    await broker.run('apply', await file(t, application(name, client('cli'))), '--yes')
    const { stdout } = await broker.run('clients', 'show', name, 'cli')
    assert.match(stdout, new RegExp(`^application +${name}\nclientId +cli\ndisplayName .*\nauth +none\nsecrets +0\n`))
  })

  test('clients show has revokedBefore only after an operator has ended the sessions', async (t) => {
    const [broker, name] = [await tool(t), newName()]
    await broker.run('apply', await file(t, application(name, client('cli'))), '--yes')
    const shown = async () => (await broker.json('clients', 'show', name, 'cli')).body
    const endedOf = async () =>
      (await broker.run('applications', 'list')).stdout.match(new RegExp(`^${name} .* (\\S+)$`, 'm'))
    assert.ok(!('revokedBefore' in (await shown())) && (await shown()).addedAt !== undefined)
    assert.equal((await endedOf())?.[1], '–')
    await broker.run('clients', 'delete', name, 'cli', '--yes')
    await broker.run('clients', 'create', name, 'cli', '--auth', 'none', '--audience', 'https://api.example.test')
    assert.ok(!('revokedBefore' in (await shown())), 'registered again')
    const ended = new Date(Date.now() + 20_000).toISOString()
    await createRegistered(table, createRegistrations(table)).revokeUpTo(name, 'cli', Date.parse(ended))
    assert.equal((await shown()).revokedBefore, ended)
  })

  test('clients create has flags for consent and ID tokens', async (t) => {
    const [broker, name] = [await tool(t), newName()]
    await broker.run('apply', await file(t, application(name, client('cli'))), '--yes')
    const words = ['--auth', 'none', '--no-consent', '--id-token-on-refresh', '--claims-in-id-token']
    assert.equal((await broker.run('clients', 'create', name, 'app', ...words)).code, 0)
    const stored = await itemAt(table, `application#${name}`, 'client#app')
    assert.deepEqual([stored?.consent, stored?.idTokenOnRefresh, stored?.claimsInIdToken], [false, true, true])
  })

  test('clients create does not publish the scopes of a client that acts for itself', async (t) => {
    const [broker, name] = [await tool(t), newName()]
    await broker.run('apply', await file(t, application(name, client('cli', { scopes: ['openid'] }))), '--yes')
    const words = ['--scope', 'reports:read', '--grant', 'client_credentials']
    assert.equal((await broker.run('clients', 'create', name, 'robot', ...words)).code, 0)
    const stored = await itemAt(table, `application#${name}`, 'application')
    assert.deepEqual(stored?.scopes, ['openid'])
  })

  test('clients delete makes public only what is left', async (t) => {
    const [broker, name] = [await tool(t), newName()]
    await broker.run('apply', await file(t, application(name, client('cli'))), '--yes')
    const exchanging = ['--grant', 'token_exchange', '--set', 'exchangesFor=["cli"]']
    assert.equal((await broker.run('clients', 'create', name, 'worker', ...exchanging)).code, 0)
    const derived = async () => [
      (await itemAt(table, `application#${name}`, 'application'))?.offersTokenExchange,
      (await itemAt(table, `application#${name}`, 'client#cli'))?.keepsProviderTokens,
    ]
    assert.deepEqual(await derived(), [true, true])
    assert.equal((await broker.run('clients', 'delete', name, 'worker', '--yes')).code, 0)
    assert.deepEqual(await derived(), [undefined, false])
  })

  test('clients create takes a lifetime of access tokens, and no --set of what it knows', async (t) => {
    const [broker, name] = [await tool(t), newName()]
    await broker.run('apply', await file(t, application(name, client('cli'))), '--yes')
    const made = await broker.run('clients', 'create', name, 'app', '--auth', 'none', '--access-token-seconds', '60')
    assert.equal(made.code, 0, made.stderr)
    assert.equal((await itemAt(table, `application#${name}`, 'client#app'))?.accessTokenSeconds, 60)
    for (const set of ['auth=5', 'clientId=other', 'secrets=["s"]']) {
      assert.equal((await broker.run('clients', 'create', name, 'web', '--set', set)).code, 2, set)
    }
  })

  test("clients create refuses sessions that outlive the seals of the provider's tokens", async (t) => {
    const [broker, name] = [await tool(t), newName()]
    const long = { absoluteSeconds: 2 * 31_536_000 }
    await broker.run('apply', await file(t, application(name, client('cli', long))), '--yes')
    const words = [
      '--auth',
      'none',
      '--absolute-seconds',
      String(long.absoluteSeconds),
      '--set',
      'accessToken=provider',
    ]
    const kept = await broker.run('clients', 'create', name, 'app', ...words)
    assert.deepEqual([kept.code, /absoluteSeconds: must not be above/.test(kept.stderr)], [1, true])
    const exchanging = ['--grant', 'token_exchange', '--set', 'exchangesFor=["cli"]']
    const worker = await broker.run('clients', 'create', name, 'worker', ...exchanging)
    assert.deepEqual([worker.code, /exchangesFor: names cli/.test(worker.stderr)], [1, true])
    const item = await itemAt(table, `application#${name}`, 'client#cli')
    await putItem(table, { ...item, accessToken: 'provider', keepsProviderTokens: true })
    const other = await broker.run('clients', 'create', name, 'other', '--auth', 'none')
    assert.equal(other.code, 0, 'what others were registered for is no mistake of this one')
  })

  test('clients create registers a workload identity, warns if it is wide, and refuses it if it trusts too much', async (t) => {
    const [broker, name] = [await tool(t), newName()]
    await broker.run('apply', await file(t, application(name, client('cli'))), '--yes')
    const create = (clientId: string, claims: object) => {
      const identities = [{ issuer: 'https://token.actions.githubusercontent.com', claims }]
      const words = [
        '--grant',
        'client_credentials',
        '--scope',
        'deploy',
        '--set',
        `identities=${JSON.stringify(identities)}`,
      ]
      return broker.json('clients', 'create', name, clientId, '--auth', 'workload_identity', ...words)
    }
    const exact = await create('exact', { repository_id: '34', ref: 'refs/heads/main' })
    assert.deepEqual([exact.code, exact.body.client_secret, exact.body.warnings], [0, undefined, undefined])
    const wide = await create('wide', { repository_owner_id: '12', ref: 'refs/heads/main' })
    assert.match(String(wide.body.warnings), /wide, identities\[0\]: every repository of the owner is accepted/)
    const open = await create('open', { repository_id: '34' })
    assert.deepEqual(
      [open.code, /identities\[0\].*every branch and pull request/.test(open.stderr)],
      [1, true],
      open.stderr,
    )
    assert.equal(await itemAt(table, `application#${name}`, 'client#open'), undefined)
  })

  test('clients create warns if the grace of a client for jobs is too short for a lost answer', async (t) => {
    const [broker, name] = [await tool(t), newName()]
    await broker.run('apply', await file(t, application(name, client('cli'))), '--yes')
    const words = [
      '--auth',
      'none',
      '--grant',
      'device_code',
      '--grant',
      'refresh_token',
      '--audience',
      'https://a.test',
    ]
    const short = await broker.run('clients', 'create', name, 'short', ...words, '--grace-seconds', '10')
    assert.deepEqual([short.code, /short has graceSeconds 10.*60/.test(short.stderr)], [0, true])
    const long = await broker.run('clients', 'create', name, 'long', ...words, '--grace-seconds', '60')
    assert.deepEqual([long.code, /graceSeconds/.test(long.stderr.replace(/For the registry file.*/, ''))], [0, false])
  })

  test('clients create applies the rules of the registry file and lists all mistakes', async (t) => {
    const [broker, name] = [await tool(t), newName()]
    await broker.run('apply', await file(t, application(name, client('cli'))), '--yes')
    const words = ['--auth', 'magic', '--grant', 'authorization_code', '--grace-seconds', '301']
    const { code, stderr } = await broker.run('clients', 'create', name, 'web', ...words)
    assert.equal(code, 1)
    assert.match(stderr, / auth: /)
    assert.doesNotMatch(stderr, /needs a secret/, 'an auth that does not exist needs none')
    assert.match(stderr, /redirectUris/)
    assert.match(stderr, /graceSeconds/)
    assert.equal((await broker.run('clients', 'create', 'nowhere', 'web')).code, 1)
  })

  test('clients rotate-secret adds a second secret, and retire-secret removes the first', async (t) => {
    const [broker, name] = [await tool(t), newName()]
    await broker.run('apply', await file(t, application(name, client('cli'))), '--yes')
    const first = await broker.run('clients', 'create', name, 'web')
    const second = await broker.json('clients', 'rotate-secret', name, 'web')
    const hashes = [String(second.body.client_secret), first.stdout.trim()].map(hashSecret)
    assert.deepEqual(await secretsOf(name, 'web'), hashes)
    const third = await broker.run('clients', 'rotate-secret', name, 'web')
    assert.deepEqual([third.code, third.stdout, /retire-secret/.test(third.stderr)], [1, '', true])
    assert.equal((await broker.json('clients', 'retire-secret', name, 'web')).body.retired, true)
    assert.deepEqual(await secretsOf(name, 'web'), hashes.slice(0, 1))
    assert.equal((await broker.json('clients', 'retire-secret', name, 'web')).body.retired, false)
    const alone = await broker.run('clients', 'rotate-secret', name, 'web', '--retire-old')
    assert.deepEqual(await secretsOf(name, 'web'), [hashSecret(alone.stdout.trim())])
  })

  describe('a lost answer still shows the secret', () => {
    const commands = [
      { words: ['clients', 'rotate-secret'], clientId: 'old', check: 'registry history' },
      { words: ['clients', 'rotate-secret', '--retire-old'], clientId: 'leaked', check: 'registry history' },
      { words: ['clients', 'create'], clientId: 'new', check: 'clients show' },
    ]
    for (const { words, clientId, check } of commands) {
      test(`a lost answer still shows the secret of ${words.join(' ')}`, async (t) => {
        const [broker, name] = [await tool(t, proxy.endpoint), newName()]
        const secrets = { auth: 'client_secret_post', secrets: 'table' }
        await broker.run(
          'apply',
          await file(t, application(name, client('old', secrets), client('leaked', secrets))),
          '--yes',
        )
        proxy.fail({ kind: 'lose-answer' }, { since: 'TransactWriteItems' })
        const { code, stdout, stderr } = await broker.run(...words, name, clientId)
        proxy.heal()
        assert.equal(code, 4)
        assert.deepEqual(await secretsOf(name, clientId), [hashSecret(stdout.trim())])
        assert.match(stderr, new RegExp(`may be in effect[^]*${check}`))
        assert.ok(!stderr.includes(stdout.trim()))
      })
    }

    test('a lost answer shows the secret as JSON, too', async (t) => {
      const [broker, name] = [await tool(t, proxy.endpoint), newName()]
      const web = client('web', { auth: 'client_secret_post', secrets: 'table' })
      await broker.run('apply', await file(t, application(name, web)), '--yes')
      proxy.fail({ kind: 'lose-answer' }, { since: 'TransactWriteItems' })
      const rotated = await broker.json('clients', 'rotate-secret', name, 'web')
      proxy.heal()
      assert.deepEqual([rotated.code, rotated.body.in_effect], [4, 'unknown'])
      assert.deepEqual(await secretsOf(name, 'web'), [hashSecret(String(rotated.body.client_secret))])
      proxy.fail({ kind: 'lose-answer' }, { since: 'TransactWriteItems' })
      const created = await broker.json('clients', 'create', name, 'new')
      proxy.heal()
      assert.deepEqual([created.code, created.body.in_effect], [4, 'unknown'])
      assert.deepEqual(await secretsOf(name, 'new'), [hashSecret(String(created.body.client_secret))])
    })

    test('a table that refuses the new secret makes no command show one', async (t) => {
      const nowhere = await commandLine(t, tableVariables(table.endpoint, 'no-such-table'))
      const { code, stdout } = await nowhere.run('clients', 'rotate-secret', 'app', 'web')
      assert.deepEqual([code, stdout], [1, ''])
    })
  })

  test('apply keeps the secrets in the table if the file says "table"', async (t) => {
    const [broker, name] = [await tool(t), newName()]
    const path = await file(t, application(name, client('web', { auth: 'client_secret_post', secrets: 'table' })))
    await broker.run('apply', path, '--yes')
    assert.deepEqual(await secretsOf(name, 'web'), [])
    const { stdout } = await broker.run('clients', 'rotate-secret', name, 'web')
    const again = await broker.run('apply', path, '--yes')
    assert.match(again.stdout, /Nothing to change/)
    assert.deepEqual(await secretsOf(name, 'web'), [hashSecret(stdout.trim())])
  })

  test('clients rotate-secret refuses a public client', async (t) => {
    const [broker, name] = [await tool(t), newName()]
    await broker.run('apply', await file(t, application(name, client('cli'))), '--yes')
    assert.equal((await broker.run('clients', 'rotate-secret', name, 'cli')).code, 1)
    assert.equal((await broker.run('clients', 'rotate-secret', name, 'nobody')).code, 1)
  })
})

describe('the table', () => {
  test('without the name of a table a command is exit code 2', async (t) => {
    const { code, stderr } = await (await commandLine(t)).run('clients', 'list')
    assert.deepEqual([code, /TABLE_NAME/.test(stderr)], [2, true])
  })

  test('a missing table is exit code 1, a table out of reach is exit code 4', async (t) => {
    const nowhere = await commandLine(t, tableVariables(table.endpoint, 'no-such-table'))
    assert.equal((await nowhere.run('clients', 'list')).code, 1)
    proxy.fail({ kind: 'hang-up' })
    const { code, stderr } = await (await tool(t, proxy.endpoint)).run('clients', 'list')
    assert.deepEqual([code, /out of reach/.test(stderr)], [4, true])
  })

  test('a table that was just created works at once', async (t) => {
    const database: LocalDynamodb = await startDynamodb({ log: () => {} })
    t.after(() => database.stop())
    const before = process.env.AWS_ENDPOINT_URL_DYNAMODB
    process.env.AWS_ENDPOINT_URL_DYNAMODB = database.endpoint
    await createTableIfMissing('empty')
    process.env.AWS_ENDPOINT_URL_DYNAMODB = before
    const { code, body } = await (await commandLine(t, tableVariables(database.endpoint, 'empty'))).json(
      'clients',
      'list',
    )
    assert.deepEqual([code, body], [0, { clients: [] }])
  })
})
