/** `token --workload`: a job gets a token with what its platform gives it, and reads what is missing. */

import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { before, describe, type TestContext, test } from 'node:test'
import { decodeJwt } from 'jose'
import { sharedBroker } from '../flows/support/shared-broker.ts'
import { directory } from '../local/support/directory.ts'
import { commandLine, type Ended, type Variables } from './support/command-line.ts'
import { type Job, jobsOf } from './support/workloads.ts'

const broker = await sharedBroker()
const issuer = `${broker.url}/demo`
let jobs: Readonly<Record<string, Job>>
before(async () => {
  jobs = Object.fromEntries((await jobsOf(broker.url)).map((job) => [job.platform, job]))
})
const job = (platform: string) => jobs[platform]!
const kubernetesToken = () => readFile(job('kubernetes').variables.TOKEN_BROKER_ID_TOKEN_FILE!, 'utf8')

async function token(t: TestContext, words: string, variables: Variables): Promise<Ended> {
  const tool = await commandLine(t, { TOKEN_BROKER_URL: broker.url, ...variables })
  const ended = await tool.run('token', ...words.split(' '))
  // Neither the token of the platform nor what it is asked for with.
  if (ended.code !== 0) assert.doesNotMatch(ended.stdout + ended.stderr, /eyJ/)
  return ended
}

/** A server on this machine. @returns its address */
async function serve(t: TestContext, answer: RequestListener): Promise<string> {
  const server = createServer(answer)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => server.close())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

describe('a job gets an access token', () => {
  for (const platform of ['aws', 'github', 'kubernetes']) {
    test(`a job gets an access token with the token of ${platform}, and stores nothing`, async (t) => {
      const { clientId, variables } = job(platform)
      const tool = await commandLine(t, { TOKEN_BROKER_URL: broker.url, ...variables })
      const words = ['token', '--workload', platform, '--client-id', clientId]
      const { code, body, stderr } = await tool.json(...words, '--scope', 'reports:read')
      assert.deepEqual([code, stderr, body.scope, body.expires_in], [0, '', 'reports:read', 300])
      const { sub, iss } = decodeJwt(String(body.access_token))
      assert.deepEqual([sub, iss], [clientId, issuer])
      await assert.rejects(readFile(tool.file))
    })

    test(`${platform} is detected if no platform is named`, async (t) => {
      const { clientId, variables } = job(platform)
      const there = { ...variables, ...(platform === 'aws' && { AWS_LAMBDA_FUNCTION_NAME: 'nightly-report' }) }
      const { code, stdout, stderr } = await token(t, `--client-id ${clientId} --workload`, there)
      assert.deepEqual([code, stderr], [0, ''])
      assert.equal(decodeJwt(stdout.trim()).sub, clientId)
    })
  }

  test('a GitLab job gets an access token with its variable, which is detected', async (t) => {
    const variables = { GITLAB_CI: 'true', TOKEN_BROKER_ID_TOKEN: await kubernetesToken() }
    for (const words of ['--workload gitlab --client-id cronjob', '--client-id cronjob --workload']) {
      assert.equal((await token(t, words, variables)).code, 0)
    }
  })

  test('a job gets an access token with the token in any file', async (t) => {
    const file = join(await directory(t), 'token')
    await writeFile(file, `${await kubernetesToken()}\n`)
    assert.equal((await token(t, `--workload file=${file} --client-id cronjob`, {})).code, 0)
  })

  test('the access token is for the audience that is asked for', async (t) => {
    const { variables } = job('kubernetes')
    const good = await token(
      t,
      '--workload kubernetes --client-id cronjob --audience https://api.example.test',
      variables,
    )
    assert.equal(decodeJwt(good.stdout.trim()).aud, 'https://api.example.test')
    const bad = await token(t, '--workload kubernetes --client-id cronjob --audience https://other.test', variables)
    assert.equal(bad.code, 1)
    assert.match(bad.stderr, /invalid_target.*\n.*--audience/)
  })
})

describe('of several platforms the innermost is detected', () => {
  test('a GitHub job in a cluster in AWS is a GitHub job', async (t) => {
    const { clientId, variables } = job('github')
    const around = {
      ...job('kubernetes').variables,
      AWS_LAMBDA_FUNCTION_NAME: 'x',
      KUBERNETES_SERVICE_HOST: '10.0.0.1',
    }
    assert.equal((await token(t, `--client-id ${clientId} --workload`, { ...around, ...variables })).code, 0)
  })
})

describe('without a token of its platform, a job is told what is missing:', () => {
  const missing: readonly (readonly [name: string, words: string, variables: Variables, code: number, says: RegExp])[] =
    [
      ['a GitHub job without the permission', '', { GITHUB_ACTIONS: 'true' }, 1, /permissions:\n +id-token: write/],
      ['GitHub outside of GitHub', 'github', {}, 1, /ACTIONS_ID_TOKEN_REQUEST_URL.*missing[\s\S]*id-token: write/],
      [
        'a GitLab job without id_tokens',
        '',
        { GITLAB_CI: 'true' },
        1,
        /id_tokens:\n +TOKEN_BROKER_ID_TOKEN:\n +aud: http.*\/demo/,
      ],
      [
        'a pod without the volume',
        '',
        { KUBERNETES_SERVICE_HOST: '10.0.0.1' },
        1,
        /ENOENT[\s\S]*audience: http.*\/demo/,
      ],
      ['AWS without a region', 'aws', {}, 1, /AWS_REGION/],
      [
        'AWS without credentials',
        'aws',
        {
          AWS_REGION: 'eu-central-1',
          AWS_EC2_METADATA_DISABLED: 'true',
          AWS_CONFIG_FILE: '/nowhere',
          AWS_SHARED_CREDENTIALS_FILE: '/nowhere',
        },
        1,
        /no AWS credentials/,
      ],
      ['a file that is not there', 'file=/nowhere/token', {}, 1, /\/nowhere\/token \(ENOENT\)/],
      ['no platform at all', '', {}, 2, /could not be detected[\s\S]*--workload aws\|github\|gitlab\|kubernetes/],
      ['an unknown platform', 'azure', {}, 2, /aws, github, gitlab, kubernetes or file=PATH/],
    ]
  for (const [name, words, variables, code, says] of missing) {
    test(`${name} is told what to do`, async (t) => {
      const ended = await token(t, `--client-id cronjob --workload ${words}`.trim(), variables)
      assert.deepEqual([ended.code, ended.stdout], [code, ''])
      assert.match(ended.stderr, says)
    })
  }

  test('without a platform and a client id, one message says how to name both', async (t) => {
    const { code, stderr } = await token(t, '--workload', {})
    assert.equal(code, 2)
    for (const way of ['--client-id', '--workload aws|github|', '--workload file=', 'TOKEN_BROKER_ID_TOKEN_FILE']) {
      assert.ok(stderr.includes(way), `${way} is missing in: ${stderr}`)
    }
    const named = await token(t, '--workload github', {})
    assert.deepEqual([named.code, /--client-id/.test(named.stderr), /detected/.test(named.stderr)], [2, true, false])
  })

  test('a GitHub job whose request token is refused is told of the permission', async (t) => {
    const variables = { ...job('github').variables, ACTIONS_ID_TOKEN_REQUEST_TOKEN: 'eyJother' }
    const { code, stderr } = await token(t, '--workload github --client-id workflow', variables)
    assert.equal(code, 1)
    assert.match(stderr, /status 401[\s\S]*id-token: write/)
  })

  test('credentials that AWS does not know, or a wrong secret, are named so', async (t) => {
    const { variables } = job('aws')
    const unknown = { ...variables, AWS_ACCESS_KEY_ID: 'AKIAOTHER' }
    assert.match((await token(t, '--workload aws --client-id lambda', unknown)).stderr, /InvalidClientTokenId/)
    const wrong = { ...variables, AWS_SECRET_ACCESS_KEY: 'wrong' }
    assert.match((await token(t, '--workload aws --client-id lambda', wrong)).stderr, /SignatureDoesNotMatch/)
  })

  const refusals = [
    ['OutboundWebIdentityFederationDisabledException', /aws iam enable-outbound-web-identity-federation/],
    ['AccessDenied', /"Action": "sts:GetWebIdentityToken"[\s\S]*"sts:IdentityTokenAudience": "http.*\/demo"/],
    ['ExpiredTokenException', /expired/],
    ['SessionDurationEscalationException', /end within 300 seconds/],
  ] as const
  for (const [code, says] of refusals) {
    test(`${code} of AWS is explained`, async (t) => {
      const xml = `<ErrorResponse><Error><Code>${code}</Code><Message>eyJsecret</Message></Error></ErrorResponse>`
      const endpoint = await serve(t, (_incoming, outgoing) => outgoing.writeHead(403).end(xml))
      const variables = { ...job('aws').variables, AWS_ENDPOINT_URL_STS: endpoint }
      const ended = await token(t, '--workload aws --client-id lambda', variables)
      assert.equal(ended.code, 1)
      assert.match(ended.stderr, says)
    })
  }

  test('a platform that fails for a moment is asked again', async (t) => {
    let asked = 0
    const place = new URL(job('github').variables.ACTIONS_ID_TOKEN_REQUEST_URL!)
    const flaky = await serve(t, async (incoming, outgoing) => {
      asked += 1
      if (asked < 3) return void outgoing.writeHead(503).end()
      const { authorization = '' } = incoming.headers
      const answer = await fetch(new URL(incoming.url ?? '', place), { headers: { authorization } })
      outgoing.writeHead(answer.status).end(await answer.text())
    })
    const variables = {
      ...job('github').variables,
      ACTIONS_ID_TOKEN_REQUEST_URL: `${flaky}${place.pathname}${place.search}`,
    }
    assert.equal((await token(t, '--workload github --client-id workflow', variables)).code, 0)
    assert.equal(asked, 3)
  })

  test('a platform that is out of reach is exit code 4', async (t) => {
    const aws = { ...job('aws').variables, AWS_ENDPOINT_URL_STS: 'http://127.0.0.1:1' }
    assert.equal((await token(t, '--workload aws --client-id lambda', aws)).code, 4)
  })
})

describe('the token of the platform', () => {
  test('a token for another audience is not sent, and the error says whom it is for', async (t) => {
    const file = join(await directory(t), 'token')
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
    let asked = 0
    const other = await serve(t, (_incoming, outgoing) => {
      asked += 1
      outgoing.end()
    })
    for (const aud of [
      'https://kubernetes.default.svc',
      [`${other}/demo`, 'https://kubernetes.default.svc'],
      undefined,
    ]) {
      await writeFile(file, `${part({ alg: 'RS256' })}.${part({ aud })}.c2ln`)
      const { code, stderr } = await token(t, `--url ${other} --workload file=${file} --client-id cronjob`, {})
      assert.equal(code, 1)
      assert.match(
        stderr,
        aud === undefined ? /is for none/ : /kubernetes\.default\.svc.* not for http.*\/demo\. It was not sent/,
      )
    }
    await writeFile(file, 'a password')
    const { stderr } = await token(t, `--url ${other} --workload file=${file} --client-id cronjob`, {})
    assert.match(stderr, /not a JWT/)
    assert.doesNotMatch(stderr, /a password/)
    assert.equal(asked, 0)
  })

  test('a broker that answers 503 is asked again, with a new token of the platform', async (t) => {
    const assertions: (string | null)[] = []
    const busy = await serve(t, async (incoming, outgoing) => {
      const chunks = await incoming.toArray()
      assertions.push(new URLSearchParams(Buffer.concat(chunks).toString()).get('client_assertion'))
      const isFirst = assertions.length === 1
      outgoing.writeHead(isFirst ? 503 : 200)
      outgoing.end(JSON.stringify(isFirst ? { error: 'temporarily_unavailable' } : { access_token: 'good' }))
    })
    const words = `--url ${busy} --workload aws --client-id lambda`
    assert.deepEqual(await token(t, words, job('aws').variables), { code: 0, stdout: 'good\n', stderr: '' })
    assert.equal(new Set(assertions).size, 2)
    for (const assertion of assertions) assert.equal(decodeJwt(assertion ?? '').aud, `${busy}/demo`)
  })

  test('a token that the broker refuses is described by issuer, subject and audience', async (t) => {
    const { code, stderr } = await token(t, '--workload kubernetes --client-id lambda', job('kubernetes').variables)
    assert.equal(code, 1)
    assert.match(
      stderr,
      /invalid_client[\s\S]*\/platforms\/kubernetes\n[\s\S]*system:serviceaccount:jobs:nightly-report\n[\s\S]*\/demo\n[\s\S]*log of the broker/,
    )
  })

  test('a token on the command line is refused and not repeated', async (t) => {
    const secret = await kubernetesToken()
    for (const words of [secret, `file=${secret}`]) {
      const { code, stderr } = await token(t, `--workload ${words} --client-id cronjob`, {})
      assert.equal(code, 2)
      assert.match(stderr, /file=PATH/)
    }
  })
})

test('a client must be named, and options of a session do not go with a workload', async (t) => {
  const { variables } = job('kubernetes')
  assert.match((await token(t, '--workload', variables)).stderr, /--client-id/)
  for (const words of ['--refresh', '--valid-for 10', '--min-session-days 3']) {
    const { code, stderr } = await token(t, `--client-id cronjob ${words} --workload`, variables)
    assert.equal(code, 2)
    assert.match(stderr, /applies to a session/)
  }
  const { code, stderr } = await token(t, '--scope reports:read', variables)
  assert.deepEqual([code, /--scope needs --workload/.test(stderr)], [2, true])
})
