/** The recipes of docs/jobs.md, taken from the page and run. Only addresses and folders are put in the place of the page's own. */

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { dirname, join } from 'node:path'
import { after, before, describe, type TestContext, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { StoredSession } from '../../cli/credentials-file.ts'
import { maxRefreshMs, neededGraceSeconds, recommendedGraceSeconds, refreshPlan } from '../../cli/refresh-plan.ts'
import { call, str } from '../../local/demo/program.ts'
import { sharedBroker } from '../flows/support/shared-broker.ts'
import { connectDevice } from '../flows/support/tenant.ts'
import { type Child, root, run } from '../local/support/child.ts'
import { directory } from '../local/support/directory.ts'
import { type CommandLine, commandLine, signedIn } from './support/command-line.ts'

const page = readFileSync(fileURLToPath(new URL('../../docs/jobs.md', import.meta.url)), 'utf8')
const blocks = [...page.matchAll(/^```(\w+)\n(.*?)^```/gms)].map(([, kind = '', text = '']) => ({ kind, text }))

const broker = await sharedBroker()
/** What the recipes call; it answers 401 unless there is a bearer token. */
let api: Server
const calls: string[] = []
before(async () => {
  api = createServer((request, response) => {
    calls.push(request.headers.authorization ?? 'nothing')
    response.writeHead(/^Bearer eyJ/.test(request.headers.authorization ?? '') ? 200 : 401).end('the report\n')
  })
  await new Promise<void>((resolve) => api.listen(0, '127.0.0.1', resolve))
})
after(() => api.close())
const apiUrl = () => `http://127.0.0.1:${(api.address() as AddressInfo).port}/report`

/** A block as it stands, with this test's addresses and folders. */
function block(kind: string, holding: string, bin = ''): string {
  const found = blocks.filter((each) => each.kind === kind && each.text.includes(holding))
  assert.equal(found.length, 1, `one ${kind} block with ${holding}`)
  return found[0]!.text
    .replaceAll('http://127.0.0.1:8787/demo/oauth/userinfo', apiUrl())
    .replaceAll('http://127.0.0.1:8787', broker.url)
    .replaceAll('/usr/local/bin', bin || '/usr/local/bin')
}

type Host = {
  readonly tool: CommandLine
  readonly bin: string
  readonly variables: Readonly<Record<string, string>>
  /** Makes a script of the page a program. */
  install(name: string): Promise<string>
  start(script: string, more?: Readonly<Record<string, string>>): Child
}

/** A machine with `token-broker` on its PATH. */
async function host(t: TestContext): Promise<Host> {
  const tool = await commandLine(t)
  const bin = join(await directory(t), 'bin')
  await mkdir(bin)
  const program = async (name: string, text: string) => {
    await writeFile(join(bin, name), text)
    await chmod(join(bin, name), 0o755)
    return join(bin, name)
  }
  await program('token-broker', `#!/bin/sh\nexec '${process.execPath}' '${join(root, 'cli/token-broker.ts')}' "$@"\n`)
  const variables = {
    PATH: `${bin}:/usr/local/bin:/usr/bin:/bin`,
    TOKEN_BROKER_HOME: tool.home,
    TOKEN_BROKER_URL: broker.url,
    TOKEN_BROKER_APPLICATION: 'demo',
    TOKEN_BROKER_CLIENT_ID: 'nightly',
    TOKEN_FILE: join(dirname(bin), 'token'),
    API_URL: apiUrl(),
  }
  const start = (script: string, more = {}) => {
    const child = run('sh', [script], { ...variables, ...more })
    t.after(() => child.process.kill('SIGKILL'))
    return child
  }
  return { tool, bin, variables, install: (name) => program(name, block('sh', `# ${name}:`, bin)), start }
}

const nightly = (tool: CommandLine, told: Partial<StoredSession> = {}) =>
  signedIn(tool, broker.url, { clientId: 'nightly', ...told })
const sessionsIn = async ({ file }: CommandLine) =>
  (JSON.parse(await readFile(file, 'utf8')) as { sessions: StoredSession[] }).sessions

describe('the script of docs/jobs.md', () => {
  test('the script calls the API with a fresh token, also five at the same time', async (t) => {
    const { tool, install, start } = await host(t)
    const { refreshToken } = await nightly(tool)
    const script = await install('nightly-report')
    const runs = Array.from({ length: 5 }, () => start(script))
    for (const each of runs) assert.equal((await each.ended).code, 0, each.output.stderr)
    assert.deepEqual(new Set(runs.map(({ output }) => output.stdout)), new Set(['the report\n']))
    assert.notEqual((await sessionsIn(tool))[0]?.refreshToken, refreshToken)
  })

  test('the script never calls the API without a token, and shows the cause at every run', async (t) => {
    const { tool, install, start } = await host(t)
    await nightly(tool, { accessToken: '', ended: { atSeconds: 1, why: 'laptop stolen' } })
    const script = await install('nightly-report')
    const before = calls.length
    for (let at = 0; at < 2; at += 1) {
      const child = start(script)
      assert.equal((await child.ended).code, 3)
      assert.match(
        child.output.stderr,
        /laptop stolen[\s\S]*token-broker login .*--application demo --client-id nightly/,
      )
    }
    assert.equal(calls.length, before)
  })

  test('the script shows no token on any command line', async (t) => {
    const { bin, tool, install, start } = await host(t)
    await nightly(tool)
    const script = await install('nightly-report')
    // In the place of curl: what each process of this machine shows to others. One may end before it is read.
    const shows = '#!/bin/sh\ncat >/dev/null\ncat /proc/[0-9]*/cmdline 2>/dev/null || :\n'
    await writeFile(join(bin, 'curl'), shows, { mode: 0o755 })
    const child = start(script)
    assert.equal((await child.ended).code, 0, child.output.stderr)
    const [session] = await sessionsIn(tool)
    assert.ok(child.output.stdout.includes('nightly-report'))
    assert.ok(!child.output.stdout.includes(session!.accessToken))
  })
})

test('the crontab of docs/jobs.md runs the script with what it needs', async (t) => {
  const { bin, tool, install } = await host(t)
  await nightly(tool)
  await install('nightly-report')
  const lines = block('crontab', 'nightly-report', bin).trim().split('\n')
  const variables = lines.flatMap((line) => /^(\w+)=(.*)$/.exec(line)?.slice(1, 3) ?? [])
  const [, command = ''] = /^15 3 \* \* \* (.*)$/.exec(lines.at(-1) ?? '') ?? []
  const home = await directory(t)
  const environment = Object.fromEntries(
    variables.flatMap((name, at) => (at % 2 === 0 ? [[name, variables[at + 1] ?? '']] : [])),
  )
  // cron gives a job little else, and Node is found where this test's is.
  const child = run('sh', ['-c', command], { ...environment, HOME: home, TOKEN_BROKER_HOME: tool.home })
  assert.equal((await child.ended).code, 0)
  assert.equal(await readFile(join(home, 'nightly-report.log'), 'utf8'), 'the report\n')
})

describe('the units of docs/jobs.md', () => {
  test('the systemd units run the script with what it needs', async (t) => {
    const { bin, tool, install } = await host(t)
    await nightly(tool)
    await install('nightly-report')
    const unit = block('ini', '[Service]', bin).replaceAll('/var/lib/nightly-report', tool.home)
    const settings = [...unit.matchAll(/^Environment=(\w+)=(.*)$/gm)].map(([, name, value]) => [name, value])
    const [, command = ''] = /^ExecStart=(.*)$/m.exec(unit) ?? []
    const child = run(command, [], { ...Object.fromEntries(settings), PATH: `${bin}:/usr/bin:/bin` })
    assert.equal((await child.ended).code, 0, child.output.stderr)
    assert.equal(child.output.stdout, 'the report\n')
  })

  test('systemd accepts the units', async (t) => {
    if (spawnSync('systemd-analyze', ['--version']).status !== 0) return t.skip('systemd-analyze is not installed')
    const { bin, install } = await host(t)
    await install('nightly-report')
    const folder = await directory(t)
    const names = { '[Service]': 'nightly-report.service', '[Timer]': 'nightly-report.timer' }
    for (const [section, name] of Object.entries(names)) {
      await writeFile(join(folder, name), block('ini', section, bin))
    }
    const files = Object.values(names).map((name) => join(folder, name))
    const { status, stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', ...files], { encoding: 'utf8' })
    assert.deepEqual([status, stderr.split('\n').filter((line) => line.includes('nightly-report'))], [0, []], stderr)
  })
})

describe('the entrypoint of docs/jobs.md', () => {
  test('the entrypoint calls repeatedly, and a signal ends it after a refresh is stored', async (t) => {
    const { tool, install, start } = await host(t)
    const { refreshToken } = await nightly(tool, { graceSeconds: 0 })
    const child = start(await install('entrypoint'), { EVERY_SECONDS: '0.1' })
    await child.until(/the report\nthe report\n/)
    child.process.kill('SIGTERM')
    assert.deepEqual(await child.ended, { code: 143, signal: null })
    const [session] = await sessionsIn(tool)
    assert.notEqual(session?.refreshToken, refreshToken)
  })

  test('the entrypoint ends with the exit code and the cause if there is no session', async (t) => {
    const { install, start } = await host(t)
    const child = start(await install('entrypoint'))
    assert.equal((await child.ended).code, 3)
    assert.match(child.output.stderr, /not signed in[\s\S]*login .*--client-id nightly/)
  })
})

describe('the scripts for several instances of docs/jobs.md', () => {
  test('the holder hands its token to the instances, and they keep the last one if it has none', async (t) => {
    const { tool, install, start, variables } = await host(t)
    await nightly(tool)
    const [publish, instance] = [await install('publish-token'), await install('instance')]
    assert.equal((await start(publish).ended).code, 0)
    const child = start(instance)
    assert.deepEqual([(await child.ended).code, child.output.stdout], [0, 'the report\n'])
    const published = await readFile(variables.TOKEN_FILE!, 'utf8')
    await tool.run('logout', '--only-forget')
    assert.equal((await start(publish).ended).code, 3)
    assert.equal(await readFile(variables.TOKEN_FILE!, 'utf8'), published)
  })

  test('an instance exchanges the token of the holder for that of the provider', async (t) => {
    const { install, start, variables } = await host(t)
    const oauth = `${broker.url}/wiremock/oauth`
    const asked = { client_id: 'worker-host', scope: 'openid offline_access' }
    const started = await call(`${oauth}/device_authorization`, asked)
    await connectDevice(str(started, 'verification_uri_complete'))
    await pause(6_500)
    const tokens = await call(`${oauth}/token`, {
      client_id: 'worker-host',
      grant_type: 'urn:ietf:params:oauth:grant-type:device_code',
      device_code: str(started, 'device_code'),
    })
    await writeFile(variables.TOKEN_FILE!, `${str(tokens, 'access_token')}\n`)
    const child = start(await install('exchange'), { WORKER_SECRET: 'worker-secret' })
    assert.equal((await child.ended).code, 0, child.output.stderr)
    assert.match(child.output.stdout, /"issued_token_type"/)
  })
})

test('the table of times in docs/jobs.md is what the command line does', () => {
  const seconds = (ms: number) => `${Math.round(ms / 100) / 10} s`
  const rowOf = (grace: number) => {
    const { lastBeginMs, timeoutsMs } = refreshPlan(grace)
    return `| ${seconds(timeoutsMs[0])} | ${seconds(timeoutsMs[1])} | ${seconds(lastBeginMs)} at most | ${seconds(maxRefreshMs)} at most |`
  }
  assert.ok(page.includes(`| 0 | ${seconds(refreshPlan(0).timeoutsMs[0])} | none |`))
  assert.ok(page.includes(`| 10 ${rowOf(10)}`), rowOf(10))
  assert.ok(page.includes(`| ${neededGraceSeconds} and more ${rowOf(neededGraceSeconds)}`), rowOf(neededGraceSeconds))
  assert.ok(page.includes(`"graceSeconds": ${recommendedGraceSeconds}`))
})
