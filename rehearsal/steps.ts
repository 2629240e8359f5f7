/**
 * The steps of the rehearsal, in order. Each follows the instructions of docs/deploy.md and docs/operations.md, and
 * checks what these and docs/contract.md promise.
 */

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { tokenRevocation } from 'openid-client'
import { codeFlow, deviceFlow, isRefusal, redirectUri, refresh, refusesRefresh, type Session } from './caller.ts'
import { account, region } from './emulator.ts'
import { addressHeaders, type Front, publicName } from './front.ts'
import { inventory, isLoggingRole, isProviderSecret } from './inventory.ts'
import { leftOut } from './left-out.ts'
import { type Operator, type Outputs, type Settings, stackName, stage } from './operator.ts'
import type { Step } from './report.ts'

export type Surroundings = {
  readonly operator: Operator
  readonly front: Front
  /** The address of the identity provider, and the broker's client secret there. */
  readonly provider: { readonly url: string; readonly secret: string }
  /** A folder for files of the steps. */
  readonly folder: string
}

type Variables = Readonly<Record<string, string>>

const publicUrl = `https://${publicName}`
const issuer = `${publicUrl}/demo`
const restoredTable = `${stackName}-restored`
const webSecret = randomBytes(32).toString('base64url')

export function stepsWith({ operator, front, provider, folder }: Surroundings): readonly Step[] {
  const registryFile = join(folder, 'registry.json')
  const signIn = (person: string) => deviceFlow(issuer, 'cli', person)

  let outputs: Outputs = {}
  let settings: Settings = { inFront: { url: publicUrl, addressHeader: addressHeaders[0] } }
  /** Deploys the stage with these settings in addition to the earlier ones; undefined removes one. */
  const deployWith = async (changes: Settings) => {
    settings = Object.fromEntries(
      Object.entries({ ...settings, ...changes }).filter(([, value]) => value !== undefined),
    )
    await operator.set(settings)
    outputs = await operator.deploy()
    front.origin = new URL(outputs.ApiUrl ?? '')
  }

  /** Creates a user with a policy. @returns the credentials */
  const userWith = async (name: string, ...policy: readonly string[]): Promise<Variables> => {
    await operator.aws('iam', 'create-user', '--user-name', name)
    if (policy.length > 0) await operator.aws('iam', ...policy, '--user-name', name)
    const { AccessKey } = (await operator.aws('iam', 'create-access-key', '--user-name', name)) as {
      AccessKey: { AccessKeyId: string; SecretAccessKey: string }
    }
    return { AWS_ACCESS_KEY_ID: AccessKey.AccessKeyId, AWS_SECRET_ACCESS_KEY: AccessKey.SecretAccessKey }
  }
  let registrar: Variables = {}
  let ops: Variables = {}

  const succeeds = async (words: readonly string[], variables: Variables = {}): Promise<string> => {
    const { code, stdout, output } = await operator.tokenBroker(words, variables)
    assert.equal(code, 0, `token-broker ${words.join(' ')}: ${output}`)
    return stdout
  }
  const apply = async () => {
    const variables = { ...registrar, TABLE_NAME: outputs.TableName ?? '' }
    await succeeds(['apply', registryFile, '--secrets', `token-broker/${stage}/`, '--yes'], variables)
  }
  const sessions = (...words: readonly string[]) =>
    succeeds(['sessions', ...words], { ...ops, TOKEN_BROKER_URL: (outputs.ApiUrl ?? '').replace(/\/$/, '') })

  /** A session that outlives the rotation of the keys, the update and the change of the table. */
  let early: Session
  /** The table that a failed first deployment leaves, if it leaves one. */
  const leftBehind: string[] = []

  return [
    {
      name: 'Check that the emulator still lacks what is left out',
      act: async () => {
        for (const [index, { type, what, sample }] of leftOut.entries()) {
          const template = JSON.stringify({ Resources: { Sample: { Type: type, Properties: sample } } })
          const name = `sample-${index}`
          const isCreated = await operator
            .aws('cloudformation', 'create-stack', '--stack-name', name, '--template-body', template)
            .then(() => operator.aws('cloudformation', 'wait', 'stack-create-complete', '--stack-name', name))
            .then(() => true)
            .catch(() => false)
          await operator.aws('cloudformation', 'delete-stack', '--stack-name', name)
          assert.ok(!isCreated, `MiniStack deploys ${what} now: remove its entry from rehearsal/left-out.ts`)
        }
        return `${leftOut.length} kinds of resource`
      },
    },
    {
      name: 'Bootstrap the account for the CDK',
      act: async () => {
        await operator.bootstrap(account, region)
        // The policy refuses requests without TLS, but the emulator has no TLS.
        await operator.aws('s3api', 'delete-bucket-policy', '--bucket', `cdk-hnb659fds-assets-${account}-${region}`)
        return 'without the policy of the staging bucket, which requires TLS'
      },
    },
    {
      name: 'A first deployment that fails, at an alarm that the emulator refuses',
      act: async () => {
        // The template must differ from that of the next step, because the CDK uploads a template of the same content
        // only once.
        await operator.set({ ...settings, reauthenticationsIn5Minutes: 21 })
        const failures = await operator.deployAndFail()
        assert.match(failures, /CREATE_FAILED.*AWS::CloudWatch::Alarm/)
        const found = await inventory(operator)
        leftBehind.push(...found.filter((one) => one.startsWith('table ')))
        assert.deepEqual(
          found.filter((one) => !isLoggingRole(one) && one !== `stack ${stackName}` && !leftBehind.includes(one)),
          [],
        )
        // The stack is protected from deletion from the beginning (docs/deploy.md).
        const words = ['--no-enable-termination-protection', '--stack-name', stackName]
        await operator.aws('cloudformation', 'update-termination-protection', ...words)
        return `rolled back; ${leftBehind.length === 0 ? 'no table stays' : `left behind: ${leftBehind.join(', ')}`}`
      },
    },
    {
      name: 'A first deployment that succeeds',
      act: async () => {
        await deployWith({})
        assert.equal(outputs.Issuer, `${publicUrl}/{application}`)
        return `outputs ${Object.keys(outputs).sort().join(', ')}`
      },
    },
    {
      name: "Store the provider's secret, and apply a registry",
      act: async () => {
        await writeFile(registryFile, JSON.stringify(registryFor(provider.url)))
        const checked = await succeeds(['check', registryFile, '--secrets', `token-broker/${stage}/`])
        const [name] = /token-broker\/\S+\/provider\/demo\/[0-9a-f]{32}/.exec(checked) ?? []
        assert.ok(name !== undefined, checked)
        await operator.aws(
          ...['secretsmanager', 'create-secret', '--name', name, '--kms-key-id', outputs.SecretsKeyArn ?? ''],
          ...['--secret-string', provider.secret],
        )
        const rights = ['--policy-name', 'apply', '--policy-document', applyPolicy(outputs.TableName ?? '')]
        registrar = await userWith('registrar', 'put-user-policy', ...rights)
        await apply()
        return 'as a user with the rights of docs/deploy.md'
      },
    },
    {
      name: 'Device flow, with a sign-in at the provider',
      act: async () => {
        early = await signIn('ada')
        const { refresh_token, id_token, expires_in } = early.tokens
        assert.ok(refresh_token && id_token)
        return `access token for ${expires_in} s, refresh token, ID token`
      },
    },
    {
      name: 'Code flow with PKCE, with a sign-in at the provider',
      act: async () => {
        const { tokens } = await codeFlow(issuer, 'web', webSecret, 'grace')
        assert.ok(tokens.refresh_token && tokens.id_token)
        return `scope ${tokens.scope ?? ''}`
      },
    },
    {
      name: 'Refresh; reuse ends the session; revoke',
      act: async () => {
        const session = await signIn('ada')
        const second = await refresh(session)
        const third = await refresh(second)
        await refusesRefresh(session)
        await refusesRefresh(third)
        const other = await signIn('ada')
        await tokenRevocation(other.config, other.tokens.refresh_token ?? '')
        await refusesRefresh(other)
        return 'two refreshes; a spent token ended the session, and so did its client'
      },
    },
    {
      name: 'Sessions, by signed requests',
      act: async () => {
        ops = await userWith('operator', 'attach-user-policy', '--policy-arn', outputs.OpsPolicyArn ?? '')
        const { sessions: listed } = JSON.parse(
          await sessions('list', '--application', 'demo', '--subject', 'ada', '--json'),
        ) as { sessions: { sid: string; state: string }[] }
        const states = listed.map(({ state }) => state).sort()
        assert.deepEqual(states, ['active', 'revoked', 'revoked'])
        const session = await signIn('mallory')
        await sessions('revoke', '--application', 'demo', '--subject', 'mallory', '--reason', 'rehearsal', '--yes')
        await refusesRefresh(session)
        const stranger = await userWith('stranger')
        const refused = await operator.tokenBroker(['sessions', 'list', '--application', 'demo'], {
          ...stranger,
          TOKEN_BROKER_URL: (outputs.ApiUrl ?? '').replace(/\/$/, ''),
        })
        assert.equal(refused.code, 1, refused.output)
        const unsigned = await fetch(`${outputs.ApiUrl}demo/sessions`)
        assert.equal(unsigned.status, 403, await unsigned.text())
        return 'listed and revoked with the policy OpsPolicyArn; refused without it, and without a signature'
      },
    },
    {
      name: 'Rotate the keys',
      act: async () => {
        const variables = { TOKEN_BROKER_KEYS_FUNCTION: outputs.RotateKeysFunctionName ?? '' }
        const tooSoon = await operator.tokenBroker(['keys', 'rotate', '--yes'], variables)
        assert.match(tooSoon.output, /must have been for 15 minutes/)
        await makeOlder(operator, outputs.KeyringSecretName ?? '')
        await succeeds(['keys', 'rotate', '--yes'], variables)
        const { keys } = JSON.parse(await succeeds(['keys', 'list', '--json'], variables)) as {
          keys: { status: string }[]
        }
        assert.ok(keys.some(({ status }) => status === 'previous'))
        early = await refresh(early)
        await signIn('ada')
        return 'refused in the first 15 minutes; then rotated a keyring made older by hand: an earlier session and a new one work'
      },
    },
    {
      name: 'Update the stack while sessions refresh',
      act: async (progress) => {
        const people = ['ada', 'grace', 'alan']
        const load = new RefreshLoad(await Promise.all(people.map((person) => deviceFlow(issuer, 'job', person))))
        // The changes affect the environment of every function and the routes of the API.
        const changes = { inFront: { url: publicUrl, addressHeader: addressHeaders[1] }, apiDocs: true }
        const telling = setInterval(() => progress(`${load.count} refreshes, ${load.failures.length} failed`), 1_000)
        try {
          await deployWith(changes)
          await sleep(1_000)
        } finally {
          clearInterval(telling)
          await load.stop()
        }
        assert.deepEqual(load.failures, [])
        assert.ok(load.cut.length <= people.length, load.cut.join('\n'))
        assert.equal((await fetch(`${publicUrl}/apidocs/`)).status, 200)
        const cut = load.cut.length === 0 ? '' : ` (MiniStack cut off ${load.cut.length}; the next try succeeded)`
        return `${load.count} refreshes, none failed${cut}; /apidocs/ appeared`
      },
    },
    {
      name: 'Restore: close, and restore the table',
      act: async () => {
        const words = (command: string) => ['dynamodb', command, '--table-name', restoredTable]
        await deployWith({ maintenance: true })
        const { status } = await fetch(`${issuer}/oauth/token`, { method: 'POST' })
        assert.equal(status, 400, 'MiniStack closes functions now: expect 503 here, and correct rehearsal/left-out.ts')
        await sessions('list', '--application', 'demo', '--limit', '1', '--json')
        await operator.aws(
          ...['dynamodb', 'restore-table-to-point-in-time', '--source-table-name', outputs.TableName ?? ''],
          ...['--target-table-name', restoredTable, '--restore-date-time', new Date().toISOString()],
        )
        await operator.aws('dynamodb', 'wait', 'table-exists', '--table-name', restoredTable)
        const expiry = ['--time-to-live-specification', 'Enabled=true,AttributeName=expires']
        await operator.aws(...words('update-time-to-live'), ...expiry)
        const recovery = ['--point-in-time-recovery-specification', 'PointInTimeRecoveryEnabled=true']
        await operator.aws(...words('update-continuous-backups'), ...recovery)
        await operator.aws(...words('update-table'), '--deletion-protection-enabled')
        const query = ['--query', 'Table.[TableStatus,GlobalSecondaryIndexes[].[IndexName,IndexStatus]]']
        const [table, indexes] = (await operator.aws(...words('describe-table'), ...query)) as [string, string[][]]
        const names = ['by-client', 'by-email', 'by-subject', 'revocations-due']
        assert.deepEqual([table, indexes.sort()], ['ACTIVE', names.map((name) => [name, 'ACTIVE'])])
        return `${restoredTable} is active, and so are its indexes`
      },
    },
    {
      name: 'Restore: replace the table, end what was active, open',
      act: async () => {
        await deployWith({ restoredTable })
        assert.equal(outputs.TableName, restoredTable)
        const rights = ['--policy-name', 'apply', '--policy-document', applyPolicy(restoredTable)]
        await operator.aws('iam', 'put-user-policy', '--user-name', 'registrar', ...rights)
        await apply()
        // This works because the emulator does not stop the functions during maintenance.
        early = await refresh(early)
        await sessions('revoke', '--all', '--application', 'demo', '--reason', 'restored from backup', '--yes')
        await deployWith({ maintenance: undefined })
        await refusesRefresh(early)
        await refresh(await signIn('ada'))
        return 'an earlier session refreshed from the restored table until it was ended; a new one refreshes'
      },
    },
    {
      name: 'Destroy, with nothing left',
      act: async () => {
        const refused = await operator.destroy()
        assert.notEqual(refused.code, 0, `a protected stack was destroyed: ${refused.output}`)
        await deployWith({ keepData: false })
        await operator.aws(
          ...['iam', 'detach-user-policy', '--user-name', 'operator', '--policy-arn', outputs.OpsPolicyArn ?? ''],
        )
        const destroyed = await operator.destroy()
        assert.equal(destroyed.code, 0, destroyed.output)
        const kept = await inventory(operator)
        const isRestored = (one: string) => one === `table ${restoredTable}`
        const strays = kept.filter((one) => ![isLoggingRole, isProviderSecret, isRestored].some((is) => is(one)))
        assert.deepEqual(strays, leftBehind)
        for (const one of kept) await remove(operator, one)
        assert.deepEqual(await inventory(operator), [])
        return `refused while protected; then destroyed, except for what the docs list, removed by hand: ${kept.join(', ')}`
      },
    },
  ]
}

/** Removes what outlives the stack (docs/deploy.md, Take down). */
async function remove(operator: Operator, one: string): Promise<void> {
  const [, kind, name = ''] = /^(table|secret|role) (.*)$/.exec(one) ?? []
  if (kind === 'table') {
    await operator.aws('dynamodb', 'update-table', '--table-name', name, '--no-deletion-protection-enabled')
    await operator.aws('dynamodb', 'delete-table', '--table-name', name)
  } else if (kind === 'secret') {
    await operator.aws('secretsmanager', 'delete-secret', '--secret-id', name, '--force-delete-without-recovery')
  } else if (kind === 'role') {
    const policy = 'arn:aws:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs'
    await operator.aws('iam', 'detach-role-policy', '--role-name', name, '--policy-arn', policy)
    await operator.aws('iam', 'delete-role', '--role-name', name)
  } else assert.fail(`The rehearsal does not know how to remove ${one}.`)
}

/** Moves the times in the keyring back by an hour. */
async function makeOlder(operator: Operator, secret: string): Promise<void> {
  const words = ['--secret-id', secret, '--query', 'SecretString']
  const text = (await operator.aws('secretsmanager', 'get-secret-value', ...words)) as string
  const older = text.replace(/(?<=Seconds":)\d+/g, (seconds) => String(Number(seconds) - 3600))
  assert.notEqual(older, text)
  await operator.aws('secretsmanager', 'put-secret-value', '--secret-id', secret, '--secret-string', older)
}

/** Refreshes several sessions in parallel, each again and again. */
class RefreshLoad {
  count = 0
  readonly failures: string[] = []
  /** Refreshes that were under way when the function was updated. AWS lets them finish, MiniStack kills the function. */
  readonly cut: string[] = []
  #isOver = false
  readonly #loops: readonly Promise<void>[]

  constructor(sessions: readonly Session[]) {
    this.#loops = sessions.map((session) => this.#loop(session))
  }

  async stop(): Promise<void> {
    this.#isOver = true
    await Promise.all(this.#loops)
  }

  async #loop(first: Session): Promise<void> {
    for (let session = first; !this.#isOver; this.count += 1) {
      try {
        session = await this.#refreshed(session)
      } catch (error) {
        this.failures.push(String(error))
        // Without an answer, this session may have no valid token to continue with.
        return
      }
      await sleep(200)
    }
  }

  /** A client with grace that got no answer sends its refresh token again. */
  async #refreshed(session: Session): Promise<Session> {
    try {
      return await refresh(session)
    } catch (error) {
      if (isRefusal(error)) throw error
      this.cut.push(String(error))
      return refresh(session)
    }
  }
}

function registryFor(providerUrl: string): object {
  const grants = ['authorization_code', 'urn:ietf:params:oauth:grant-type:device_code', 'refresh_token']
  return {
    applications: [
      {
        name: 'demo',
        displayName: 'Rehearsal',
        provider: { kind: 'oidc', issuer: providerUrl, clientId: 'token-broker' },
        audiences: ['https://api.example.test'],
        clients: [
          { clientId: 'cli', auth: 'none', grants: grants.slice(1) },
          { clientId: 'job', auth: 'none', grants: grants.slice(1), graceSeconds: 60 },
          {
            clientId: 'web',
            auth: 'client_secret_basic',
            secrets: [webSecret],
            grants: [grants[0], grants[2]],
            redirectUris: [redirectUri],
          },
        ],
      },
    ],
  }
}

/** docs/deploy.md, The registry. */
function applyPolicy(table: string): string {
  const items = ['GetItem', 'Query', 'PutItem', 'UpdateItem', 'DeleteItem'].map((action) => `dynamodb:${action}`)
  return JSON.stringify({
    Version: '2012-10-17',
    Statement: [
      { Effect: 'Allow', Action: items, Resource: `arn:aws:dynamodb:${region}:${account}:table/${table}` },
      {
        Effect: 'Allow',
        Action: 'secretsmanager:DescribeSecret',
        Resource: `arn:aws:secretsmanager:${region}:${account}:secret:token-broker/${stage}/provider/*`,
      },
    ],
  })
}
