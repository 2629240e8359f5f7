/** `sessions history` and `registry history`: who did what, from the log and from the table. */

import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { after, before, describe, type TestContext, test } from 'node:test'
import { call } from '../../local/demo/program.ts'
import { listen } from '../../local/ports.ts'
import { type BrokerHere, startBrokerHere } from '../flows/support/broker-here.ts'
import { putItem, startTable, type TestTable } from '../support/table.ts'
import { commandLine, registryFile, signedIn, tableVariables } from './support/command-line.ts'

let table: TestTable
let broker: BrokerHere
before(async () => {
  table = await startTable()
  broker = await startBrokerHere()
})
after(async () => {
  await broker.stop()
  await table.stop()
})

describe('sessions history', () => {
  test('sessions history of a local broker shows the log lines of the session, oldest first', async (t) => {
    const ops = await commandLine(t, { TOKEN_BROKER_URL: broker.url })
    const person = `history-${process.pid}`
    const { refreshToken } = await signedIn(await commandLine(t), broker.url, { clientId: 'cli', person })
    const refresh = { client_id: 'cli', grant_type: 'refresh_token', refresh_token: refreshToken ?? '' }
    await call(`${broker.url}/demo/oauth/token`, refresh)
    const [{ sid }] = (await ops.json('sessions', 'list', '--subject', person)).body.sessions as [{ sid: string }]
    await ops.run('sessions', 'revoke', sid, '--yes', '--reason', 'laptop lost')
    const { body } = await ops.json('sessions', 'history', sid)
    const events = (body.history as { event: string }[]).map(({ event }) => event)
    assert.deepEqual(events, [
      'session.opened',
      'session.approved',
      'session.redeemed',
      'session.rotated',
      'session.revoked',
    ])
    const { code, stdout } = await ops.run('sessions', 'history', sid)
    assert.equal(code, 0)
    assert.match(stdout, /^WHEN \(UTC\) +EVENT +GEN +CLIENT +FROM +WHY\n/)
    assert.match(stdout, /session\.revoked +2 +cli +127\.0\.0\.1 +ops, .*user\/local, laptop lost$/m)
  })

  test('sessions history of a stack runs its query in CloudWatch Logs Insights to the end', async (t) => {
    const query = {
      log_groups: ['/token-broker/prod/token'],
      query: 'fields @timestamp',
      from: '2026-01-15T12:00:00.000Z',
    }
    const row = [
      { field: '@timestamp', value: '2026-01-15 12:00:00.007' },
      { field: 'event', value: 'session.rotated' },
      { field: 'generation', value: '2' },
      { field: '@ptr', value: 'x' },
    ]
    const asked: { target: string; body: Record<string, unknown> }[] = []
    const answers = [
      { audit_query: query, session: {} },
      { queryId: 'q-1' },
      { status: 'Running', results: [] },
      { status: 'Complete', results: [row] },
    ]
    const url = await answering(t, asked, answers)
    const ops = await commandLine(t, {
      ...{ TOKEN_BROKER_URL: url, AWS_ENDPOINT_URL_CLOUDWATCH_LOGS: url, AWS_REGION: 'eu-central-1' },
      ...{ AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE', AWS_SECRET_ACCESS_KEY: 'a-secret' },
    })
    const { code, body, stderr } = await ops.json('sessions', 'history', 'A'.repeat(22))
    assert.equal(code, 0, stderr)
    assert.deepEqual(body.history, [{ time: '2026-01-15T12:00:00.007', event: 'session.rotated', generation: '2' }])
    assert.deepEqual(
      asked.map(({ target }) => target),
      ['', 'Logs_20140328.StartQuery', 'Logs_20140328.GetQueryResults', 'Logs_20140328.GetQueryResults'],
    )
    const { endTime, ...started } = asked[1]!.body
    assert.deepEqual(started, { logGroupNames: query.log_groups, queryString: query.query, startTime: 1_768_478_400 })
    assert.ok(Number(endTime) > 1_768_478_400)
  })
})

async function answering(
  t: TestContext,
  asked: { target: string; body: Record<string, unknown> }[],
  answers: readonly object[],
): Promise<string> {
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const target = String(request.headers['x-amz-target'] ?? '')
    asked.push({ target, body: JSON.parse(Buffer.concat(chunks).toString() || '{}') as Record<string, unknown> })
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answers[asked.length - 1]))
  })
  const port = await listen(server, 0, 'PORT')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${port}`
}

const client = (clientId: string, more: object = {}) => ({
  clientId,
  auth: 'none',
  grants: ['urn:ietf:params:oauth:grant-type:device_code', 'refresh_token'],
  ...more,
})
const worker = {
  ...{ clientId: 'worker', auth: 'client_secret_basic', secrets: ['a'.repeat(40)] },
  ...{ grants: ['urn:ietf:params:oauth:grant-type:token-exchange'], exchangesFor: ['job'] },
}
const registry = (name: string, ...clients: readonly object[]) => ({
  applications: [
    {
      ...{ name, displayName: 'Billing', audiences: ['https://api.example.test'], clients },
      provider: { kind: 'oidc', issuer: 'https://id.example.test', clientId: 'broker' },
    },
  ],
})

describe('the registry', () => {
  test('registry history shows who changed which members by which command, and never a secret', async (t) => {
    const ops = await commandLine(t, tableVariables(table.endpoint, table.name))
    const ran = async (...words: readonly string[]) => {
      const ended = await ops.run(...words)
      assert.equal(ended.code, 0, ended.stderr)
      return ended.stdout
    }
    await ran('apply', await registryFile(t, registry('billing', client('cli'))), '--yes')
    await ran('apply', await registryFile(t, registry('billing', client('cli', { graceSeconds: 60 }))), '--yes')
    const web = [
      'clients',
      'create',
      'billing',
      'web',
      '--grant',
      'authorization_code',
      '--redirect-uri',
      'https://a.example/cb',
    ]
    const secrets = [await ran(...web), await ran('clients', 'rotate-secret', 'billing', 'web')]
    await ran('clients', 'retire-secret', 'billing', 'web')
    await ran('clients', 'delete', 'billing', 'web', '--yes')
    const { body, stdout } = await ops.json('registry', 'history', '--application', 'billing')
    const told = (body.history as { actor: string; command: string; changes: Record<string, unknown>[] }[]).toReversed()
    assert.deepEqual(
      told.map(({ command, changes }) => [
        command,
        ...changes
          .filter(({ client_id }) => client_id !== undefined)
          .map(({ kind, client_id, members }) => [kind, client_id, ...(members as string[])].join(' ')),
      ]),
      [
        ['apply', 'added cli'],
        ['apply', 'changed cli graceSeconds'],
        ['clients create', 'added web'],
        ['clients rotate-secret', 'changed web secrets'],
        ['clients retire-secret', 'changed web secrets'],
        ['clients delete', 'removed web'],
      ],
    )
    for (const { actor } of told) assert.match(actor, /^local:./)
    for (const secret of secrets) assert.ok(!stdout.includes(secret.trim().split('\n')[0]!))
    assert.match((await ops.run('registry', 'history')).stdout, /clients delete +removed client web of billing/)
  })

  test('applications list and clients show find records, and suggest a client id that differs in case', async (t) => {
    const ops = await commandLine(t, tableVariables(table.endpoint, table.name))
    await ops.run('apply', await registryFile(t, registry('payroll', client('cli'), client('job'))), '--yes')
    const { applications } = (await ops.json('applications', 'list')).body
    const payroll = (applications as { name: string; clients: number }[]).find(({ name }) => name === 'payroll')
    assert.equal(payroll?.clients, 2)
    assert.match(
      (await ops.run('applications', 'list')).stdout,
      /payroll +Billing +2 +oidc +https:\/\/id\.example\.test/,
    )
    const shown = await ops.run('clients', 'show', 'payroll', 'job')
    assert.match(shown.stdout, /^clientId +job$/m)
    assert.doesNotMatch(shown.stdout, /secretHashes/)
    const missed = await ops.run('clients', 'show', 'payroll', 'Job')
    assert.deepEqual(
      [missed.code, /There is a client job; client ids are case-sensitive/.test(missed.stderr)],
      [1, true],
    )
  })

  test('registry history finds the changes of an application behind those of others', async (t) => {
    const ops = await commandLine(t, tableVariables(table.endpoint, table.name))
    await ops.run('apply', await registryFile(t, registry('quiet', client('cli'))), '--yes')
    const changes = [{ kind: 'added', application: 'loud', members: [] }]
    const later = Date.now() + 1_000
    for (let count = 0; count < 120; count += 1) {
      const entry = { at: later + count, actor: 'ada', command: 'apply', changes }
      await putItem(table, { pk: 'registry#history', sk: `${new Date(entry.at).toISOString()}#${count}`, ...entry })
    }
    const { stdout } = await ops.run('registry', 'history', '--application', 'quiet', '--limit', '1')
    assert.match(stdout, /added application quiet/)
  })

  test('clients delete needs a yes, ends the sessions, and is refused while another client exchanges its tokens', async (t) => {
    const ops = await commandLine(t, tableVariables(table.endpoint, table.name))
    await ops.run('apply', await registryFile(t, registry('archive', client('cli'), client('job'), worker)), '--yes')
    assert.equal((await ops.run('clients', 'delete', 'archive', 'job')).code, 2)
    assert.equal((await ops.run('clients', 'delete', 'archive', 'nobody', '--yes')).code, 1)
    const needed = await ops.run('clients', 'delete', 'archive', 'job', '--yes')
    assert.deepEqual([needed.code, /worker exchanges tokens of job/.test(needed.stderr)], [1, true])
    assert.equal((await ops.run('clients', 'delete', 'archive', 'worker', '--yes')).code, 0)
    const { code, stdout } = await ops.run('clients', 'delete', 'archive', 'job', '--yes')
    assert.equal(code, 0)
    assert.match(stdout, /its sessions can no longer refresh\.\nIts last access tokens expire by .*\d\d:\d\d/)
    const { clients } = (await ops.json('clients', 'list', 'archive')).body
    assert.deepEqual(
      (clients as { clientId: string }[]).map(({ clientId }) => clientId),
      ['cli'],
    )
  })
})
