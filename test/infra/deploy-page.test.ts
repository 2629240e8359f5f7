/** docs/deploy.md against the construct, and the pipeline that it names. */

import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { App, Stack } from 'aws-cdk-lib'
import { parse } from 'yaml'
import { bundlesContext } from '../../infra/deployed-functions.ts'
import { propNames } from '../../infra/settings.ts'
import { sharedBroker } from '../flows/support/shared-broker.ts'
import { synthesized } from './support/shapes.ts'
import { emptyBundles, registryWith } from './support/template.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const page = readFileSync(join(root, 'docs/deploy.md'), 'utf8')

/** The first column of the table below a heading. */
function namesBelow(heading: string): string[] {
  const [, section = ''] = new RegExp(`\\n##+ ${heading}\\n([\\s\\S]*?)\\n##`).exec(page) ?? []
  return [...section.matchAll(/^\| (`.*?`) \|/gm)].flatMap(([, cell = '']) =>
    [...cell.matchAll(/`([^`]+)`/g)].map(([, name]) => name!),
  )
}

test('docs/deploy.md lists every prop', () => {
  const listed = namesBelow('Props').map((name) => name.split('.')[0]!)
  assert.deepEqual([...new Set(listed)].sort(), [...propNames].sort())
})

test('docs/deploy.md lists every output', () => {
  const outputs = (['with a registry', 'behind a proxy, with a custom domain whose DNS is elsewhere'] as const).flatMap(
    (shape) => Object.keys(synthesized(shape).template.toJSON().Outputs),
  )
  assert.deepEqual(namesBelow('Deploy it').sort(), [...new Set(outputs)].sort())
})

test('the first app of docs/deploy.md is valid as it stands', async () => {
  const [, code = ''] = /```ts\n([\s\S]*?)\n```/.exec(page) ?? []
  const folder = mkdtempSync(join(tmpdir(), 'token-broker-app-'))
  const before = process.cwd()
  try {
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
    writeFileSync(join(folder, 'registry.json'), JSON.stringify(registryWith()))
    const construct = new URL('../../infra/index.ts', import.meta.url)
    const app = `${code.replace('@token-broker/token-broker/cdk', construct.href)}\nexport { app }\n`
    writeFileSync(join(folder, 'app.mts'), app)
    process.chdir(folder)
    process.env.CDK_CONTEXT_JSON = JSON.stringify({ [bundlesContext]: emptyBundles() })
    const { app: built } = (await import(pathToFileURL(join(folder, 'app.mts')).href)) as { app: App }
    const stack = built.node.findChild('Auth') as Stack
    assert.equal(stack.terminationProtection, true)
    assert.ok(stack.node.findChild('Broker').node.findAll().length > 100)
  } finally {
    process.chdir(before)
    delete process.env.CDK_CONTEXT_JSON
    rmSync(folder, { recursive: true })
  }
})

type Step = {
  readonly name?: string
  readonly run?: string
  readonly uses?: string
  readonly with?: Readonly<Record<string, unknown>>
}
type PipelineJob = {
  readonly needs?: string
  readonly environment?: string
  readonly permissions?: Readonly<Record<string, string>>
  readonly 'timeout-minutes': number
  readonly steps: readonly Step[]
}
const pipeline = parse(readFileSync(join(root, 'docs/examples/pipeline.yml'), 'utf8')) as {
  readonly permissions: Readonly<Record<string, string>>
  readonly jobs: Readonly<Record<string, PipelineJob>>
}

test('the pipeline deploys to a test account and then to production, what it has built once', () => {
  const { build, test: trial, production } = pipeline.jobs
  assert.deepEqual([trial?.needs, production?.needs], ['build', 'test'])
  assert.deepEqual([trial?.environment, production?.environment], ['test', 'production'])
  assert.deepEqual(trial?.steps, production?.steps)
  const built = build?.steps.find(({ uses }) => uses?.startsWith('actions/upload-artifact'))
  const deployed = trial?.steps.find(({ uses }) => uses?.startsWith('actions/download-artifact'))
  assert.deepEqual(built?.with, deployed?.with)
})

test('only the jobs of the pipeline that deploy get a token of GitHub, and no AWS key is stored', () => {
  assert.deepEqual(pipeline.permissions, { contents: 'read' })
  const withToken = Object.entries(pipeline.jobs).filter(([, { permissions }]) => permissions?.['id-token'] === 'write')
  assert.deepEqual(
    withToken.map(([name]) => name),
    ['test', 'production'],
  )
  assert.doesNotMatch(JSON.stringify(pipeline), /secrets\.|access-key/i)
})

test('each script of the pipeline is valid for bash, and each job has a time limit', () => {
  for (const [name, { steps, 'timeout-minutes': minutes }] of Object.entries(pipeline.jobs)) {
    assert.ok(minutes > 0, name)
    for (const { run } of steps) {
      if (run === undefined) continue
      const { status, stderr } = spawnSync('bash', ['-n'], { input: run, encoding: 'utf8' })
      assert.equal(status, 0, `${run}\n${stderr}`)
    }
  }
})

test('the smoke test of the pipeline passes at a broker, and fails where none is', async (t) => {
  if (spawnSync('jq', ['--version']).status !== 0) return t.diagnostic('jq is missing, so the smoke test was not run.')
  const broker = await sharedBroker()
  const smoke = pipeline.jobs.test?.steps.find(({ name }) => name === 'Smoke test')?.run ?? ''
  const statusAt = (issuer: string) => {
    const env = { ...process.env, ISSUER: issuer, CLIENT_ID: 'cli' }
    const child = spawn('bash', ['-e', '-o', 'pipefail', '-c', smoke.replace('--retry 5', '')], {
      env,
      stdio: 'ignore',
    })
    return new Promise<number | null>((resolve) => child.once('exit', resolve))
  }
  assert.equal(await statusAt(`${broker.url}/demo`), 0)
  assert.notEqual(await statusAt(`${broker.url}/nobody`), 0)
})
