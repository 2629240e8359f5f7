/** `apply` and `check`, as people and pipelines run them. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { providerSecretName } from '../../shared/domain/provider-identity.ts'
import { hashSecret } from '../../shared/domain/secret.ts'
import { readRegistry } from '../../shared/store/registry.ts'
import type { Table } from '../../shared/store/table.ts'
import { startSecretsManager } from '../support/secrets-manager.ts'
import { itemAt } from '../support/table.ts'
import { type CommandLine, commandLine, onTerminal, tableVariables } from './support/command-line.ts'
import { application, client, file, newName, provider } from './support/registrations.ts'
import { startRegistryTable } from './support/registry-table.ts'

const { table, proxy, tool, secretsOf } = await startRegistryTable()
const variable = (of: string) => '$'.concat('{', of, '}')

describe('apply', () => {
  test('apply shows and writes what it adds; repeating it changes nothing', async (t) => {
    const [broker, name] = [await tool(t), newName()]
    const path = await file(t, application(name, client('cli')))
    const first = await broker.run('apply', path, '--yes')
    assert.equal(first.code, 0, first.stderr)
    assert.match(first.stdout, new RegExp(`\\+ application ${name}\\n[^]*\\+ client cli of ${name}`))
    assert.ok(await itemAt(table, `application#${name}`, 'client#cli'))
    const second = await broker.run('apply', path, '--yes')
    assert.deepEqual([second.code, /Nothing to change\./.test(second.stdout)], [0, true])
  })

  test('apply shows old and new values of a change, but of a secret only that it changed', async (t) => {
    const [broker, name] = [await tool(t), newName()]
    const web = (secret: string, graceSeconds: number, scopes: string[]) =>
      client('web', { auth: 'client_secret_post', secrets: [secret], graceSeconds, scopes })
    await broker.run('apply', await file(t, application(name, web('first-secret', 10, ['openid']))), '--yes')
    const path = await file(t, application(name, web('second-secret', 60, ['openid', 'email'])))
    const { body } = await broker.json('apply', path, '--dry-run')
    const { stdout } = await broker.run('apply', path, '--yes')
    assert.match(stdout, new RegExp(`~ client web of ${name}\n`))
    assert.match(stdout, /graceSeconds: 10 → 60\n/)
    assert.match(stdout, /scopes: \["openid"\] → \["openid","email"\]\n/)
    assert.match(stdout, /secrets: changed\n/)
    const [, change] = ownChanges(body, name)
    assert.deepEqual(
      change?.differences?.find(({ member }) => member === 'secrets'),
      { member: 'secrets', hidden: true },
    )
    for (const text of [stdout, JSON.stringify(body)]) {
      assert.doesNotMatch(text, /(first|second)-secret/)
      assert.ok(!text.includes(hashSecret('first-secret')) && !text.includes(hashSecret('second-secret')))
    }
  })

  test('apply asks on a terminal, and without one writes only with --yes', async (t) => {
    const [broker, name] = [await tool(t), newName()]
    const path = await file(t, application(name, client('cli')))
    const refused = await broker.run('apply', path)
    assert.deepEqual([refused.code, /--yes/.test(refused.stderr)], [2, true])
    assert.equal(await itemAt(table, `application#${name}`, 'application'), undefined)
    const asked = onTerminal(t, `apply ${path}`, tableVariables(table.endpoint, table.name))
    await asked.until(/Write 2 changes\?/)
    asked.process.kill()
    await asked.ended
    assert.equal(await itemAt(table, `application#${name}`, 'application'), undefined)
    assert.equal((await broker.run('apply', path, '--yes')).code, 0)
  })

  test('apply names a change of provider and ends its sessions, unless --keep-sessions is passed', async (t) => {
    const [broker, name] = [await tool(t), newName()]
    const at = (issuer: string) => file(t, { ...application(name, client('cli')), provider: provider({ issuer }) })
    await broker.run('apply', await at('https://one.example'), '--yes')
    const revokedBefore = async () => Number((await itemAt(table, `application#${name}`, 'application'))?.revokedBefore)
    const before = await revokedBefore()
    const kept = await broker.run('apply', await at('https://two.example'), '--keep-sessions', '--yes')
    assert.match(kept.stdout, /sessions of app-\d+ go on/)
    assert.equal(await revokedBefore(), before)
    const startedAt = Date.now()
    const path = await at('https://three.example')
    const { body } = await broker.json('apply', path, '--dry-run')
    assert.deepEqual(ownChanges(body, name)[0]?.provider_change, {
      from: 'oidc https://two.example, client broker',
      to: 'oidc https://three.example, client broker',
      sessions: 'end',
    })
    const ended = await broker.run('apply', path, '--yes')
    assert.match(ended.stdout, /from oidc https:\/\/two\.example.*\n +to +oidc https:\/\/three\.example/)
    assert.match(ended.stdout, /All sessions of app-\d+ end/)
    assert.match(ended.stdout, new RegExp(`provider/${name}/[0-9a-f]{32}`), 'where its secret is read from')
    assert.ok((await revokedBefore()) >= startedAt)
  })

  for (const [days, which] of [
    [1, 'a day ahead'],
    [-1, 'a day behind'],
  ] as const) {
    test(`apply ends sessions by the clock of DynamoDB if that of the machine is ${which}`, async (t) => {
      const [broker, name] = [await tool(t, proxy.endpoint), newName()]
      const at = (issuer: string) => file(t, { ...application(name, client('cli')), provider: provider({ issuer }) })
      const realNow = Date.now
      t.mock.method(Date, 'now', () => realNow() + days * 86_400_000)
      assert.equal((await broker.run('apply', await at('https://one.example'), '--yes')).code, 0)
      assert.equal((await broker.run('apply', await at('https://two.example'), '--yes')).code, 0)
      const { revokedBefore, addedAt } = (await itemAt(table, `application#${name}`, 'application'))!
      // A second for the `Date` of an answer, and a minute for the test.
      assert.ok(Math.abs(Number(revokedBefore) - realNow() - 10_000) < 61_000, String(revokedBefore))
      assert.ok(Math.abs(Number(addedAt) - realNow()) < 61_000, String(addedAt))
    })
  }

  test('apply warns of a missing secret, with the command that creates it, and of too short a grace', async (t) => {
    const name = newName()
    const secrets = await startSecretsManager()
    t.after(() => secrets.stop())
    const variables = {
      ...tableVariables(table.endpoint, table.name),
      AWS_ENDPOINT_URL_SECRETS_MANAGER: secrets.endpoint,
    }
    const broker = await commandLine(t, variables)
    const grants = ['urn:ietf:params:oauth:grant-type:device_code', 'refresh_token']
    const path = await file(t, application(name, client('job', { grants, graceSeconds: 1 })))
    const secret = `token-broker/test/${providerSecretName({ name, provider: provider() as never })}`
    const first = await broker.run('apply', path, '--secrets', 'token-broker/test', '--yes')
    assert.equal(first.code, 0, 'a warning stops nothing')
    assert.ok(first.stderr.includes(`aws secretsmanager create-secret --name ${secret} `), first.stderr)
    assert.match(first.stderr, new RegExp(`${name}/job has graceSeconds 1`))
    secrets.secrets.set(secret, 'the secret')
    const second = await broker.run('apply', path, '--secrets', 'token-broker/test', '--yes')
    assert.doesNotMatch(second.stderr, /create-secret/)
  })

  test('a dry run of apply shows the changes and writes nothing', async (t) => {
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

  test('apply of a file with mistakes changes nothing and lists all of them with their places and without values', async (t) => {
    const [broker, name] = [await tool(t), newName()]
    const path = await file(
      t,
      application(name, client('cli'), client('web', { auth: 'magic', secrets: ['hush-hush'] })),
    )
    const { code, stderr } = await broker.run('apply', path, '--yes')
    assert.equal(code, 1)
    assert.match(stderr, /clients\[1\]\.auth: /)
    assert.doesNotMatch(stderr, /hush-hush/)
    assert.equal(await itemAt(table, `application#${name}`, 'application'), undefined)
  })

  test('apply replaces only variables that the command line names', async (t) => {
    const name = newName()
    const broker = await commandLine(t, { ...tableVariables(table.endpoint, table.name), SECRET: 'of the environment' })
    const web = (secret: string) => client('web', { auth: 'client_secret_post', secrets: [secret] })
    const path = await file(t, application(name, web(variable('SECRET'))))
    const unnamed = await broker.run('apply', path, '--yes')
    assert.deepEqual([unnamed.code, /SECRET.*no such variable/.test(unnamed.stderr)], [1, true])
    assert.match(unnamed.stderr, /--var-env/)
    assert.equal((await broker.run('apply', path, '--var-env', 'SECRET', '--yes')).code, 0)
    assert.deepEqual(await secretsOf(name, 'web'), [hashSecret('of the environment')])
    assert.equal((await broker.run('apply', path, '--var', 'SECRET=a=b', '--yes')).code, 0)
    assert.deepEqual(await secretsOf(name, 'web'), [hashSecret('a=b')])
    const missing = await broker.run('apply', path, '--var-env', 'NOT_THERE', '--yes')
    assert.deepEqual([missing.code, /NOT_THERE/.test(missing.stderr)], [2, true])
  })

  test('apply refuses short client secrets for a stack that others can reach', async (t) => {
    const web = (secret: string) => client('web', { auth: 'client_secret_post', secrets: [secret] })
    const deployed = await commandLine(t, tableVariables('https://dynamodb.eu-central-1.amazonaws.com', table.name))
    const { code, stderr } = await deployed.run('apply', await file(t, application(newName(), web('s'.repeat(31)))))
    assert.equal(code, 1)
    assert.match(stderr, /applications\[0\]\.clients\[0\]\.secrets\[0\]: must have 32 characters/)
    assert.doesNotMatch(stderr, /sss/)
  })

  test('apply shows what is not in the file, and removes it only with --prune --yes', async (t) => {
    const [broker, name] = [await tool(t), newName()]
    await broker.run('apply', await file(t, application(name, client('cli'), client('old'))), '--yes')
    const path = await file(t, ...(await everythingBut(name, 'old')))
    const kept = await broker.run('apply', path, '--yes')
    assert.match(kept.stdout, new RegExp(`\\? client old of ${name} .*--prune`))
    const refused = await broker.run('apply', path, '--prune')
    assert.deepEqual([refused.code, /--yes/.test(refused.stderr)], [2, true])
    assert.ok(await itemAt(table, `application#${name}`, 'client#old'))
    assert.equal((await broker.run('apply', path, '--prune', '--yes')).code, 0)
    assert.equal(await itemAt(table, `application#${name}`, 'client#old'), undefined)
  })

  test('an interrupted apply leaves a valid registry and exits with 4; repeating it completes it', async (t) => {
    const name = newName()
    const broker = await tool(t, proxy.endpoint)
    const clients = Array.from({ length: 150 }, (_, at) => client(`c${at}`))
    const path = await file(t, application(name, ...clients))
    const { code, stderr } = await during(broker, path)
    assert.equal(code, 4, stderr)
    const half = (await readRegistry(table)).clients.filter((each) => each.application === name)
    // The first transaction: the application and 97 clients, beside the version and the history.
    assert.equal(half.length, 97)
    proxy.heal()
    const again = await broker.json('apply', path, '--yes')
    const added = (again.body.changes as { kind: string }[]).filter(({ kind }) => kind === 'added')
    assert.deepEqual([again.code, added.length], [0, 53])
  })
})

type ChangeInJson = {
  readonly application: string
  readonly differences?: readonly { readonly member: string }[]
  readonly provider_change?: object
}

function ownChanges(body: Readonly<Record<string, unknown>>, name: string): ChangeInJson[] {
  return (body.changes as ChangeInJson[]).filter((change) => change.application === name)
}

/** Lets the first transaction through and no other request after it. */
async function during(broker: CommandLine, path: string) {
  const child = broker.start('apply', path, '--yes')
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

describe('check', () => {
  const web = (secret: string) => client('web', { auth: 'client_secret_post', secrets: [secret] })

  test('check needs no table, and names the secret that each provider needs', async (t) => {
    const broker = await commandLine(t)
    const path = await file(t, { ...application('billing', client('cli')), $schema: undefined })
    const { code, stdout, stderr } = await broker.run('check', path)
    assert.equal(code, 0, stderr)
    const name = providerSecretName({ name: 'billing', provider: provider() as never })
    assert.ok(stdout.includes(`token-broker/<stage>/${name}`), stdout)
    const { body } = await broker.json('check', path)
    assert.equal((body.applications as { clients: number }[])[0]?.clients, 1)
  })

  test('check warns of a grace that is too short for jobs, and still passes', async (t) => {
    const broker = await commandLine(t)
    const grants = ['urn:ietf:params:oauth:grant-type:device_code', 'refresh_token']
    const path = await file(t, application('billing', client('job', { grants, graceSeconds: 1 })))
    const { code, stderr } = await broker.run('check', path)
    assert.deepEqual([code, /billing\/job has graceSeconds 1\./.test(stderr)], [0, true], stderr)
    const { body } = await broker.json('check', path)
    assert.equal((body.warnings as string[]).length, 1)
  })

  test('check and apply warn of a workload identity that is wide', async (t) => {
    const name = newName()
    const broker = await commandLine(t, tableVariables(table.endpoint, table.name))
    const identities = [{ issuer: 'https://gitlab.com', claims: { project_id: '7', ref: 'main' } }]
    const path = await file(t, application(name, client('deploy', { auth: 'workload_identity', identities })))
    const warning = `${name}/deploy, identities[0]: everybody who may push can make a branch or tag of this name`
    for (const words of [
      ['check', path],
      ['apply', path, '--yes'],
    ]) {
      const { code, stderr } = await broker.run(...words)
      assert.deepEqual([code, stderr.includes(warning)], [0, true], stderr)
    }
  })

  test('check lists every mistake; short secrets pass only with --local', async (t) => {
    const broker = await commandLine(t)
    const wrong = await broker.run('check', await file(t, application('billing', client('cli', { auth: 'magic' }))))
    assert.deepEqual([wrong.code, /clients\[0\]\.auth: /.test(wrong.stderr)], [1, true])
    const short = await file(t, application('billing', web('web-secret')))
    assert.equal((await broker.run('check', short)).code, 1)
    assert.equal((await broker.run('check', short, '--local')).code, 0)
    assert.equal(
      (await broker.run('check', 'local/registry.json', '--local', '--var', 'IDP_URL=http://127.0.0.1:1')).code,
      0,
    )
  })
})
