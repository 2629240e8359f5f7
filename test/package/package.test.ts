/** The package: what is in it, and that its command line and its construct work where nothing else is. */

import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { approve } from '../../local/demo/person.ts'
import { packageName } from '../../shared/version.ts'
import { sharedBroker } from '../flows/support/shared-broker.ts'
import { run } from '../local/support/child.ts'
import { directory } from '../local/support/directory.ts'
import { addCdk, commandIn, installed, node20, packed, root } from './support.ts'

const broker = await sharedBroker()
const nodes = [
  ['24', process.execPath],
  ['20', node20()],
] as const

const tarball = await packed()
/** Of a consumer, with the package and nothing else. */
const folder = await installed(tarball.path)

/** A program in the consumer's folder. */
async function ran(program: string, words: readonly string[], variables: Readonly<Record<string, string>> = {}) {
  const child = run(program, words, variables, folder)
  const { code } = await child.ended
  return { code, ...child.output }
}

describe('the tarball', () => {
  test('is smaller than 5 MB and holds no source, test or path of the machine that built it', () => {
    assert.ok(tarball.bytes < 5_000_000, `it has ${tarball.bytes} bytes`)
    const strays = tarball.files.filter((path) => /(^|\/)(test|node_modules)\/|(?<!\.d)\.ts$|\.map$/.test(path))
    assert.deepEqual(strays, [])
    const holder = tarball.files.filter((path) => readFileSync(join(inPackage(), path), 'utf8').includes(root))
    assert.deepEqual(holder, [])
  })

  test('has no dependencies; the CDK is a peer that the command line does without', () => {
    const manifest = JSON.parse(readFileSync(join(inPackage(), 'package.json'), 'utf8'))
    assert.deepEqual([manifest.dependencies, manifest.optionalDependencies, manifest.scripts], Array(3).fill(undefined))
    const peers = Object.keys(manifest.peerDependencies)
    assert.deepEqual(peers, ['aws-cdk-lib', 'constructs'])
    for (const peer of peers) assert.equal(manifest.peerDependenciesMeta[peer].optional, true)
    assert.deepEqual(readdirSync(join(folder, 'node_modules')).sort(), ['.bin', '.package-lock.json', '@token-broker'])
  })

  test('lists the licences of the packages that are bundled', () => {
    const notices = readFileSync(join(inPackage(), 'THIRD-PARTY-NOTICES.txt'), 'utf8')
    // One each of the command line, the functions and the pages of the API's description.
    for (const name of ['commander', 'jose', '@middy/core', '@aws-sdk/client-dynamodb', 'swagger-ui-dist']) {
      assert.match(notices, new RegExp(`^${name} [\\d.]+ \\((MIT|Apache-2.0)\\)$`, 'm'))
    }
  })
})

const inPackage = () => join(folder, 'node_modules', packageName)

for (const [major, node] of nodes) {
  const unavailable = (t: TestContext) => t.skip(`There is no Node ${major} (NODE${major} names one)`)

  describe(`on Node ${major}`, { concurrency: true }, () => {
    test('the command line signs in, prints a token, and says nothing about Node', async (t) => {
      if (node === undefined) return unavailable(t)
      const variables = { TOKEN_BROKER_URL: broker.url, TOKEN_BROKER_HOME: await directory(t) }
      const child = run(node, [commandIn(folder), 'login', '--json'], variables, folder)
      const [, address = ''] = await child.until(/"verification_uri_complete":"([^"]+)"/)
      await approve(address, 'alice')
      assert.deepEqual(await child.ended, { code: 0, signal: null })
      const { code, stdout, stderr } = await ran(node, [commandIn(folder), 'token'], variables)
      assert.deepEqual([code, stderr], [0, ''])
      assert.equal(stdout.split('.').length, 3)
    })

    test('the command line finds proxies, AWS credentials and tables without being told more than their names', async (t) => {
      if (node === undefined) return unavailable(t)
      const nowhere = 'http://127.0.0.1:1'
      const credentials = { AWS_ACCESS_KEY_ID: 'key', AWS_SECRET_ACCESS_KEY: 'secret', AWS_REGION: 'eu-central-1' }
      const behindProxy = ran(node, [commandIn(folder), 'sessions', 'list', '--application', 'demo'], {
        ...credentials,
        TOKEN_BROKER_URL: 'https://broker.example.test',
        HTTPS_PROXY: nowhere,
      })
      if (major === '20') {
        const local = await ran(node, [commandIn(folder), 'keys', 'list', '--data-dir', folder])
        assert.deepEqual(
          [local.code, local.stderr.split('\n')[0]],
          [1, 'To work with the keys of a local stack, run this command on Node 24 or newer.'],
        )
      }
      const ofTable = ran(node, [commandIn(folder), 'clients', 'list', 'demo'], {
        ...{ ...credentials, AWS_MAX_ATTEMPTS: '1' },
        TABLE_NAME: 'token-broker',
        AWS_ENDPOINT_URL_DYNAMODB: nowhere,
      })
      for (const { code, stderr } of await Promise.all([behindProxy, ofTable])) {
        assert.equal(code, 4, stderr)
        assert.match(stderr, /ECONNREFUSED/)
        assert.doesNotMatch(stderr, /Warning/)
      }
    })
  })
}

describe('the construct', { concurrency: true }, () => {
  /** A stack of somebody's own, in either kind of module. `npm run synth` validates the template, which takes ten seconds. */
  const app = `
const app = new App({ outdir: process.env.OUTDIR, analyticsReporting: false, builtinCloudFormationValidation: false })
const stack = new Stack(app, 'Auth', { env: { region: 'eu-central-1' } })
const registry = Registry.fromObject({ applications: [] })
const broker = new TokenBroker(stack, 'Broker', { keepData: false, registry })
new CfnOutput(stack, 'BillingIssuer', { value: broker.issuer('billing') })
app.synth()
`
  const [cdk, ours] = ["'aws-cdk-lib'", `'${packageName}/cdk'`]
  const imports = `import { App, CfnOutput, Stack } from ${cdk}\nimport { Registry, TokenBroker } from ${ours}\n`

  /** Without esbuild or another package at hand than the CDK. */
  async function synthesizes(t: TestContext, node: string, file: string): Promise<void> {
    const outdir = await directory(t)
    const { code, stderr } = await ran(node, [file], { OUTDIR: outdir })
    assert.deepEqual([code, stderr], [0, ''])
    const { Resources } = JSON.parse(readFileSync(join(outdir, 'Auth.template.json'), 'utf8')) as {
      Resources: Readonly<Record<string, { Type: string; Properties: Readonly<Record<string, string>> }>>
    }
    const names = Object.values(Resources).flatMap(({ Type, Properties }) =>
      Type === 'AWS::Lambda::Function' ? (Properties.FunctionName ?? []) : [],
    )
    assert.equal(names.filter((name) => name.endsWith('-refresh')).length, 1)
    const assets = readdirSync(outdir).filter((name) => existsSync(join(outdir, name, 'index.mjs')))
    assert.equal(assets.length, names.length)
  }

  test('an app in JavaScript synthesizes a broker on Node 20', async (t) => {
    const node = node20() ?? t.skip('There is no Node 20 (NODE20 names one)')
    if (node === undefined) return
    addCdk(folder)
    writeFileSync(join(folder, 'app.mjs'), imports + app)
    await synthesizes(t, node, 'app.mjs')
  })

  test('an app in TypeScript is checked against the types, and synthesizes a broker as CommonJS', async (t) => {
    addCdk(folder)
    writeFileSync(join(folder, 'app.cts'), imports + app)
    writeFileSync(join(folder, 'app.mts'), imports + app)
    writeFileSync(join(folder, 'wrong.mts'), `${imports}new TokenBroker(new Stack(), 'Broker', { keepdata: false })\n`)
    const options = ['--module', 'nodenext', '--target', 'es2022', '--strict', '--skipLibCheck', '--types', 'node']
    const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
    const { stdout } = await ran(process.execPath, [tsc, ...options, 'app.cts', 'app.mts', 'wrong.mts'])
    assert.match(stdout, /^wrong\.mts\(3,\d+\): error TS2561: .*'keepData'\?\s*$/)
    await synthesizes(t, process.execPath, 'app.cjs')
  })
})
