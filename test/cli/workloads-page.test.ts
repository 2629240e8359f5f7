/** docs/workloads.md and its examples, run as they stand. Only addresses are put in the place of the page's own. */

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { after, before, describe, type TestContext, test } from 'node:test'
import { decodeJwt } from 'jose'
import { parse, parseAllDocuments } from 'yaml'
import { projectedTokenPath as projectedPath } from '../../cli/platforms/kubernetes.ts'
import { parseRegistry } from '../../shared/registry-file.ts'
import { sharedBroker } from '../flows/support/shared-broker.ts'
import { root, run } from '../local/support/child.ts'
import { directory } from '../local/support/directory.ts'
import type { Variables } from './support/command-line.ts'
import { type Job, jobsOf } from './support/workloads.ts'

const page = readFileSync(join(root, 'docs/workloads.md'), 'utf8')
const example = (name: string) => readFileSync(join(root, 'docs/examples', name), 'utf8')
const blocks = (kind: string) =>
  [...page.matchAll(new RegExp(`^\`\`\`${kind}\\n(.*?)^\`\`\``, 'gms'))].map(([, text = '']) => text)

const broker = await sharedBroker()
const issuer = `${broker.url}/demo`
const jobs = await jobsOf(broker.url)
const job = (platform: string): Job => jobs.find((each) => each.platform === platform)!

/** What the examples call: it answers who was let in. */
let api: Server
const tokens = new Set<string>()
before(async () => {
  api = createServer((request, response) => {
    const [, token = ''] = /^Bearer (eyJ.*)$/.exec(request.headers.authorization ?? '') ?? []
    if (token === '') return void response.writeHead(401).end()
    tokens.add(token)
    const { sub, scope } = decodeJwt(token)
    response.end(JSON.stringify({ sub, scope }))
  })
  await new Promise<void>((resolve) => api.listen(0, '127.0.0.1', resolve))
})
after(() => api.close())
const apiUrl = () => `http://127.0.0.1:${(api.address() as AddressInfo).port}/report`

function inLambda(): Variables {
  // The command for a person's shell also takes out a profile, which boto3 does not understand.
  const { AWS_PROFILE: _, ...aws } = job('aws').variables
  // Lambda sets the region under both names.
  return { ...aws, AWS_DEFAULT_REGION: aws.AWS_REGION ?? '', ISSUER: issuer, CLIENT_ID: 'lambda', API_URL: apiUrl() }
}

/** Runs a program to its end. @returns its stdout */
async function stdoutOf(t: TestContext, file: string, words: readonly string[], variables: Variables): Promise<string> {
  const child = run(file, words, variables)
  t.after(() => child.process.kill('SIGKILL'))
  assert.equal((await child.ended).code, 0, child.output.stderr)
  return child.output.stdout.trim()
}

/** GetWebIdentityToken is of November 2025, and 1.42 is newer. Only the version is read, since loading boto3 takes half a second. */
const boto3 = spawnSync('python3', ['-c', 'import importlib.metadata as m; print(m.version("boto3"))'], {
  encoding: 'utf8',
})
const [major = 0, minor = 0] = (boto3.stdout ?? '').split('.').map(Number)
const isWithoutPython = boto3.status !== 0 || major < 1 || (major === 1 && minor < 42)

describe('a Lambda function in Node', () => {
  test('the two lines of docs/workloads.md for Node get an access token', async (t) => {
    const [lines = ''] = blocks('js')
    assert.equal(lines.trim().split('\n').length, 2)
    const program = `import { GetWebIdentityTokenCommand, STSClient } from '@aws-sdk/client-sts'
      const issuer = process.env.ISSUER
      ${lines}
      console.log(access_token)`
    const token = await stdoutOf(t, process.execPath, ['--input-type=module', '--eval', program], inLambda())
    assert.deepEqual([decodeJwt(token).sub, decodeJwt(token).scope], ['lambda', 'reports:read'])
  })

  test('lambda.mjs calls the API twice with one token', async (t) => {
    const program = `import { handler } from './docs/examples/lambda.mjs'
      console.log(JSON.stringify([await handler(), await handler()]))`
    tokens.clear()
    const told = await stdoutOf(t, process.execPath, ['--input-type=module', '--eval', program], inLambda())
    assert.deepEqual(JSON.parse(told), Array(2).fill({ sub: 'lambda', scope: 'reports:read' }))
    assert.equal(tokens.size, 1)
  })
})

describe('a Lambda function in Python', () => {
  test('the two lines of docs/workloads.md for Python get an access token', async (t) => {
    if (isWithoutPython) return t.skip('python3 with a boto3 of 2026 is not installed')
    const [lines = ''] = blocks('python')
    assert.equal(lines.trim().split('\n').length, 2)
    const program = `import boto3, json, os, urllib.parse, urllib.request\nissuer = os.environ["ISSUER"]\n${lines}print(access_token)`
    assert.equal(decodeJwt(await stdoutOf(t, 'python3', ['-c', program], inLambda())).sub, 'lambda')
  })

  test('lambda_function.py calls the API twice with one token', async (t) => {
    if (isWithoutPython) return t.skip('python3 with a boto3 of 2026 is not installed')
    const program = 'import json, lambda_function as f\nprint(json.dumps([f.handler({}, None), f.handler({}, None)]))'
    tokens.clear()
    const variables = { ...inLambda(), PYTHONPATH: 'docs/examples', PYTHONDONTWRITEBYTECODE: '1' }
    const told = await stdoutOf(t, 'python3', ['-c', program], variables)
    assert.deepEqual(JSON.parse(told), Array(2).fill({ sub: 'lambda', scope: 'reports:read' }))
    assert.equal(tokens.size, 1)
  })
})

/** A PATH with `token-broker` on it. */
async function withCommand(t: TestContext): Promise<string> {
  const bin = join(await directory(t), 'bin')
  await mkdir(bin)
  const text = `#!/bin/sh\nexec '${process.execPath}' '${join(root, 'cli/token-broker.ts')}' "$@"\n`
  await writeFile(join(bin, 'token-broker'), text)
  await chmod(join(bin, 'token-broker'), 0o755)
  return `${bin}:/usr/local/bin:/usr/bin:/bin`
}

/** The addresses of this test in the place of the example's. */
const here = (variables: Variables): Variables => ({ ...variables, TOKEN_BROKER_URL: broker.url, API_URL: apiUrl() })

test('github-workflow.yml lets the job have a token, and its step calls the API and masks the token', async (t) => {
  const workflow = parse(example('github-workflow.yml'))
  assert.equal(workflow.permissions['id-token'], 'write')
  const { environment, steps } = workflow.jobs.report
  assert.equal(environment, 'production')
  const { run: script } = steps.at(-1)
  const variables = { ...here(workflow.env), ...job('github').variables, PATH: await withCommand(t) }
  // As GitHub runs a step without a shell of its own.
  const told = await stdoutOf(t, 'bash', ['-e', '-c', script], variables)
  assert.match(told, /^::add-mask::eyJ.*\n\{"sub":"workflow","scope":"reports:read"\}$/)
})

test('kubernetes-cronjob.yml mounts a token for the issuer where the command looks, and its script calls the API', async (t) => {
  const [account, cronJob] = parseAllDocuments(example('kubernetes-cronjob.yml')).map((each) => each.toJS())
  const pod = cronJob.spec.jobTemplate.spec.template.spec
  const [container] = pod.containers
  const [{ projected, name: volume }] = pod.volumes
  const [{ serviceAccountToken }] = projected.sources
  const environment: Variables = Object.fromEntries(
    container.env.map(({ name, value }: { name: string; value: string }) => [name, value]),
  )
  const { TOKEN_BROKER_URL, TOKEN_BROKER_APPLICATION } = environment
  assert.equal(serviceAccountToken.audience, `${TOKEN_BROKER_URL}/${TOKEN_BROKER_APPLICATION}`)
  const [mount] = container.volumeMounts
  assert.deepEqual([mount.name, `${mount.mountPath}/${serviceAccountToken.path}`], [volume, projectedPath])
  const subject = `system:serviceaccount:${cronJob.metadata.namespace}:${pod.serviceAccountName}`
  assert.equal(account.metadata.name, pod.serviceAccountName)
  assert.ok(page.includes(`"subject": "${subject}"`))
  const variables = { ...here(environment), ...job('kubernetes').variables, PATH: await withCommand(t) }
  const [command, ...words] = [...container.command, ...container.args]
  assert.equal(await stdoutOf(t, command, words, variables), '{"sub":"cronjob","scope":"reports:read"}')
})

test('the job of docs/workloads.md for GitLab gets a token from its variable', async (t) => {
  const { report } = parse(blocks('yaml').join(''))
  const [name = ''] = Object.keys(report.id_tokens)
  const { TOKEN_BROKER_ID_TOKEN_FILE: file = '' } = job('kubernetes').variables
  const variables = {
    ...here({ GITLAB_CI: 'true', TOKEN_BROKER_CLIENT_ID: 'cronjob' }),
    ...{ [name]: readFileSync(file, 'utf8'), PATH: await withCommand(t) },
  }
  const script = [...report.script, 'echo "$token"'].join('\n')
  assert.equal(decodeJwt(await stdoutOf(t, 'sh', ['-ec', script], variables)).sub, 'cronjob')
})

test('every identity of docs/workloads.md can be registered', () => {
  const given = blocks('json').map((text) => JSON.parse(text))
  const identities = given.flatMap((each) => each.identities ?? (each.issuer === undefined ? [] : [each]))
  assert.equal(identities.length, 4)
  const client = { clientId: 'job', auth: 'workload_identity', identities, grants: ['client_credentials'] }
  const provider = { kind: 'oidc', issuer: 'https://idp.example', clientId: 'broker' }
  const application = {
    name: 'demo',
    displayName: 'Demo',
    provider,
    audiences: ['https://api.example'],
    clients: [client],
  }
  assert.equal(parseRegistry(JSON.stringify({ applications: [application] }), { variables: {} }).ok, true)
})

test('the commands of docs/workloads.md are those that npm start prints', () => {
  for (const platform of ['aws', 'github']) {
    const { command } = job(platform)
    const idp = /http:\/\/127\.0\.0\.1:\d+(?=\/platforms)/.exec(command)?.[0] ?? ''
    const usual = command.replaceAll(idp, 'http://127.0.0.1:8788').replace(` --url ${broker.url}`, '')
    assert.ok(blocks('sh').includes(`${usual}\n`), usual)
  }
})
