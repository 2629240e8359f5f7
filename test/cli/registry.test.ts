/**
 * `apply` and `clients`, as people and pipelines run them.
 */

import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, type TestContext, test } from 'node:test'
import { type LocalDynamodb, startDynamodb } from '../../local/dynamodb.ts'
import { hashSecret } from '../../shared/http/client-authentication.ts'
import { readRegistry } from '../../shared/store/registry.ts'
import { createTableIfMissing, type Table } from '../../shared/store/table.ts'
import { type FaultProxy, startFaultProxy } from '../flows/support/fault-proxy.ts'
import { itemAt, startTable, type TestTable } from '../support/table.ts'
import { type CommandLine, commandLine, registryFile, tableVariables } from './support/command-line.ts'

let table: TestTable
let proxy: FaultProxy
before(async () => {
  table = await startTable()
  proxy = await startFaultProxy(table.endpoint)
})
beforeEach(() => proxy.heal())
after(async () => {
  await proxy.stop()
  await table.stop()
})

/** Each test has an application of its own in the one table. */
let count = 0
const newName = () => `app-${++count}`

const client = (clientId: string, changes = {}) => ({ clientId, auth: 'none', grants: ['refresh_token'], ...changes })
const application = (name: string, ...clients: object[]) => ({
  name,
  displayName: 'App',
  provider: { kind: 'oidc', issuer: 'https://idp.example', clientId: 'broker' },
  audiences: ['https://api.example.test'],
  clients,
})
const file = (t: TestContext, ...applications: object[]) => registryFile(t, { applications })
const tool = (t: TestContext, endpoint = table.endpoint): Promise<CommandLine> =>
  commandLine(t, tableVariables(endpoint, table.name))
const secretsOf = async (name: string, clientId: string) =>
  (await itemAt(table, `application#${name}`, `client#${clientId}`))?.secretHashes

describe('apply', () => {
  test('says what it adds, and does it; the same again changes nothing', async (t) => {
    const [broker, name] = [await tool(t), newName()]
    const path = await file(t, application(name, client('cli')))
    const first = await broker.run('apply', path)
    assert.equal(first.code, 0, first.stderr)
    assert.match(first.stdout, new RegExp(`\\+ application ${name}\\n.*\\+ client cli of ${name}`))
    assert.ok(await itemAt(table, `application#${name}`, 'client#cli'))
    const second = await broker.run('apply', path)
    assert.deepEqual([second.code, /Nothing to change\./.test(second.stdout)], [0, true])
  })

  test('names the members that differ, secrets by their name alone', async (t) => {
    const [broker, name] = [await tool(t), newName()]
    const web = (secret: string, graceSeconds: number) =>
      client('web', { auth: 'client_secret_post', secrets: [secret], graceSeconds })
    await broker.run('apply', await file(t, application(name, web('first-secret', 0))))
    const { stdout } = await broker.run('apply', await file(t, application(name, web('second-secret', 9))))
    assert.match(stdout, new RegExp(`~ client web of ${name}: graceSeconds, secrets|: secrets, graceSeconds`))
    assert.doesNotMatch(stdout, /(first|second)-secret/)
    assert.ok(!stdout.includes(hashSecret('second-secret')))
  })

  test('a dry run shows the same and writes nothing', async (t) => {
    const [broker, name] = [await tool(t), newName()]
    const { body, code } = await broker.json('apply', await file(t, application(name, client('cli'))), '--dry-run')
    assert.deepEqual([code, body.applied, body.dry_run], [0, false, true])
    const own = (body.changes as { application: string; kind: string }[]).filter((each) => each.application === name)
    assert.deepEqual(
      own.map(({ kind }) => kind),
      ['added', 'added'],
    )
    assert.equal(await itemAt(table, `application#${name}`, 'application'), undefined)
  })

  test('a file with mistakes changes nothing, and tells all of them with their places and no value', async (t) => {
    const [broker, name] = [await tool(t), newName()]
    const path = await file(
      t,
      application(name, client('cli'), client('web', { auth: 'magic', secrets: ['hush-hush'] })),
    )
    const { code, stderr } = await broker.run('apply', path)
    assert.equal(code, 1)
    assert.match(stderr, /clients\[1\]\.auth: /)
    assert.doesNotMatch(stderr, /hush-hush/)
    assert.equal(await itemAt(table, `application#${name}`, 'application'), undefined)
  })

  test('puts in variables, from --var before the environment; one that is missing is a mistake', async (t) => {
    const name = newName()
    const broker = await commandLine(t, { ...tableVariables(table.endpoint, table.name), SECRET: 'of the environment' })
    const variable = (of: string) => '$'.concat('{', of, '}')
    const web = (secret: string) => client('web', { auth: 'client_secret_post', secrets: [secret] })
    const path = await file(t, application(name, web(variable('SECRET'))))
    assert.equal((await broker.run('apply', path)).code, 0)
    assert.deepEqual(await secretsOf(name, 'web'), [hashSecret('of the environment')])
    assert.equal((await broker.run('apply', path, '--var', 'SECRET=a=b')).code, 0)
    assert.deepEqual(await secretsOf(name, 'web'), [hashSecret('a=b')])
    const missing = await broker.run('apply', await file(t, application(name, web(variable('NOT_THERE')))))
    assert.deepEqual([missing.code, /NOT_THERE.*no such variable/.test(missing.stderr)], [1, true])
  })

  test('shows what the file does not have, and removes it with --prune --yes alone', async (t) => {
    const [broker, name] = [await tool(t), newName()]
    await broker.run('apply', await file(t, application(name, client('cli'), client('old'))))
    const path = await file(t, ...(await everythingBut(name, 'old')))
    const kept = await broker.run('apply', path)
    assert.match(kept.stdout, new RegExp(`\\? client old of ${name} .*--prune`))
    const refused = await broker.run('apply', path, '--prune')
    assert.deepEqual([refused.code, /--yes/.test(refused.stderr)], [2, true])
    assert.ok(await itemAt(table, `application#${name}`, 'client#old'))
    assert.equal((await broker.run('apply', path, '--prune', '--yes')).code, 0)
    assert.equal(await itemAt(table, `application#${name}`, 'client#old'), undefined)
  })

  test('interrupted, it leaves a registry that is valid, exits with 4, and the same again completes it', async (t) => {
    const name = newName()
    const broker = await tool(t, proxy.endpoint)
    const clients = Array.from({ length: 150 }, (_, at) => client(`c${at}`))
    const path = await file(t, application(name, ...clients))
    const { code, stderr } = await during(broker, path)
    assert.equal(code, 4, stderr)
    const half = (await readRegistry(table)).clients.filter((each) => each.application === name)
    assert.equal(half.length, 98)
    proxy.heal()
    const again = await broker.json('apply', path)
    const added = (again.body.changes as { kind: string }[]).filter(({ kind }) => kind === 'added')
    assert.deepEqual([again.code, added.length], [0, 52])
  })
})

/** Lets the first transaction through and no other request after it. */
async function during(broker: CommandLine, path: string) {
  const child = broker.start('apply', path)
  proxy.forget()
  const watch = setInterval(() => {
    if ((proxy.counts().TransactWriteItems ?? 0) > 0) proxy.fail({ kind: 'hang-up' })
  }, 1)
  const { code } = await child.ended
  clearInterval(watch)
  return { code, ...child.output }
}

/** The table as a file would have it, but for one client. */
async function everythingBut(name: string, clientId: string): Promise<object[]> {
  const { applications, clients } = await readRegistry(table as Table)
  return applications.map((each) => ({
    ...application(each.name),
    clients: clients
      .filter((one) => one.application === each.name && !(each.name === name && one.clientId === clientId))
      .map((one) => client(one.clientId, { auth: one.auth, ...(one.auth === 'none' ? {} : { secrets: 'table' }) })),
  }))
}

describe('clients', () => {
  test('are listed with what they may and without any secret, as JSON too', async (t) => {
    const [broker, name] = [await tool(t), newName()]
    await broker.run(
      'apply',
      await file(t, application(name, client('cli'), client('web', { auth: 'client_secret_post', secrets: ['s'] }))),
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

  test('of an application that is not there are exit code 1', async (t) => {
    const { code, stderr } = await (await tool(t)).run('clients', 'list', 'nowhere')
    assert.deepEqual([code, stderr], [1, 'There is no application nowhere.\n'])
  })

  test('are created with a secret that is shown once, of which the table has a hash', async (t) => {
    const [broker, name] = [await tool(t), newName()]
    await broker.run('apply', await file(t, application(name, client('cli'))))
    const { code, stdout, stderr } = await broker.run('clients', 'create', name, 'web', '--grant', 'refresh_token')
    assert.equal(code, 0, stderr)
    assert.match(stdout, /^[\w-]{43}\n$/)
    assert.deepEqual(await secretsOf(name, 'web'), [hashSecret(stdout.trim())])
    assert.ok(!stderr.includes(stdout.trim()))
    const again = await broker.run('clients', 'create', name, 'web')
    assert.deepEqual([again.code, again.stdout], [1, ''])
  })

  test('that are created obey the rules of the file, all mistakes told', async (t) => {
    const [broker, name] = [await tool(t), newName()]
    await broker.run('apply', await file(t, application(name, client('cli'))))
    const words = ['--auth', 'magic', '--grant', 'authorization_code', '--grace-seconds', '301']
    const { code, stderr } = await broker.run('clients', 'create', name, 'web', ...words)
    assert.equal(code, 1)
    assert.match(stderr, / auth: /)
    assert.match(stderr, /redirectUris/)
    assert.match(stderr, /graceSeconds/)
    assert.equal((await broker.run('clients', 'create', 'nowhere', 'web')).code, 1)
  })

  test('get a second secret beside the first, then lose the first', async (t) => {
    const [broker, name] = [await tool(t), newName()]
    await broker.run('apply', await file(t, application(name, client('cli'))))
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

  test('keep the secrets that the table has, when the file says "table"', async (t) => {
    const [broker, name] = [await tool(t), newName()]
    const path = await file(t, application(name, client('web', { auth: 'client_secret_post', secrets: 'table' })))
    await broker.run('apply', path)
    assert.deepEqual(await secretsOf(name, 'web'), [])
    const { stdout } = await broker.run('clients', 'rotate-secret', name, 'web')
    const again = await broker.run('apply', path)
    assert.match(again.stdout, /Nothing to change/)
    assert.deepEqual(await secretsOf(name, 'web'), [hashSecret(stdout.trim())])
  })

  test('that are public have no secret to rotate', async (t) => {
    const [broker, name] = [await tool(t), newName()]
    await broker.run('apply', await file(t, application(name, client('cli'))))
    assert.equal((await broker.run('clients', 'rotate-secret', name, 'cli')).code, 1)
    assert.equal((await broker.run('clients', 'rotate-secret', name, 'nobody')).code, 1)
  })
})

describe('the table', () => {
  test('has no default: without a name it is exit code 2', async (t) => {
    const { code, stderr } = await (await commandLine(t)).run('clients', 'list')
    assert.deepEqual([code, /TABLE_NAME/.test(stderr)], [2, true])
  })

  test('that is not there is exit code 1, and out of reach 4', async (t) => {
    const nowhere = await commandLine(t, tableVariables(table.endpoint, 'no-such-table'))
    assert.equal((await nowhere.run('clients', 'list')).code, 1)
    proxy.fail({ kind: 'hang-up' })
    const { code, stderr } = await (await tool(t, proxy.endpoint)).run('clients', 'list')
    assert.deepEqual([code, /out of reach/.test(stderr)], [4, true])
  })

  test('of a stack that has just started needs nothing but its name', async (t) => {
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
