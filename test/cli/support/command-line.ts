/** Runs `token-broker` with a home folder of its own, in this process or in one of its own. */

import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { changeSessions, type StoredSession } from '../../../cli/credentials-file.ts'
import { runCommand } from '../../../cli/program.ts'
import { output } from '../../../cli/terminal.ts'
import { approve } from '../../../local/demo/person.ts'
import { call, str } from '../../../local/demo/program.ts'
import { type Child, inherited, run } from '../../local/support/child.ts'
import { directory } from '../../local/support/directory.ts'

export type Variables = Readonly<Record<string, string>>
export type Ended = { readonly code: number | null; readonly stdout: string; readonly stderr: string }

export type CommandLine = {
  /** Folder of the credentials file, which is not there yet. */
  readonly home: string
  /** The credentials file. */
  readonly file: string
  /** Runs to the end in this process. */
  run(...words: readonly string[]): Promise<Ended>
  /** The same, whose stdout is JSON. */
  json(...words: readonly string[]): Promise<Ended & { readonly body: Body }>
  /** Starts a process: for signals, locks and what else only processes have. */
  start(...words: readonly string[]): Child
  /** The same, to its end. */
  runProcess(...words: readonly string[]): Promise<Ended>
}

/** Any JSON; the tests assert what has to be there. */
type Body = Readonly<Record<string, unknown>>

export async function commandLine(t: TestContext, variables: Variables = {}): Promise<CommandLine> {
  const home = join(await directory(t), 'home')
  const settings = { TOKEN_BROKER_HOME: home, ...variables }
  const start = (...words: readonly string[]) => {
    const child = run(process.execPath, ['cli/token-broker.ts', ...words], settings)
    // A failed test leaves no process behind.
    t.after(() => child.process.kill('SIGKILL'))
    return child
  }
  return {
    home,
    file: join(home, 'sessions.json'),
    run: (...words) => runHere(words, settings),
    json: async (...words) => {
      const ended = await runHere([...words, '--json'], settings)
      return { ...ended, body: JSON.parse(ended.stdout || '{}') as Body }
    },
    start,
    runProcess: async (...words) => {
      const child = start(...words)
      const { code } = await child.ended
      return { code, ...child.output }
    },
  }
}

let last: Promise<unknown> = Promise.resolve()

/** One command at a time, because this process has one environment. A start of Node costs more than most commands. */
function runHere(words: readonly string[], variables: Variables): Promise<Ended> {
  const ended = last.then(async () => {
    const written = { stdout: '', stderr: '' }
    const before = { env: process.env, ...output }
    process.env = { ...inherited, ...variables }
    for (const name of ['stdout', 'stderr'] as const) {
      output[name] = {
        write: (text) => {
          written[name] += text
          return true
        },
      }
    }
    try {
      return { code: await runCommand(words), ...written }
    } finally {
      process.env = before.env
      Object.assign(output, { stdout: before.stdout, stderr: before.stderr })
    }
  })
  last = ended.catch(() => {})
  return ended
}

/** On a terminal of its own, by `script` of util-linux. */
export function onTerminal(t: TestContext, words: string, variables: Variables): Child {
  const command = `stty cols 120 rows 50; exec ${process.execPath} cli/token-broker.ts ${words}`
  const child = run('script', ['-qefc', command, '/dev/null'], { TERM: 'xterm-256color', ...variables })
  t.after(() => child.process.kill('SIGKILL'))
  return child
}

/** Variables that make a command use this table. */
export function tableVariables(endpoint: string, name = 'token-broker'): Variables {
  return {
    TABLE_NAME: name,
    AWS_ENDPOINT_URL_DYNAMODB: endpoint,
    AWS_REGION: 'eu-central-1',
    AWS_ACCESS_KEY_ID: 'local',
    AWS_SECRET_ACCESS_KEY: 'local',
  }
}

type SignedIn = Partial<StoredSession> & { readonly person?: string; readonly expired?: boolean }

/** Stores a session of alice as `login` does, without its wait of five seconds; expired by default. */
export async function signedIn(
  { file }: CommandLine,
  url: string,
  { clientId = 'job', person = 'alice', expired = true, issuer = `${url}/demo`, ...told }: SignedIn = {},
): Promise<StoredSession> {
  const started = await call(`${url}/demo/oauth/device_authorization`, {
    client_id: clientId,
    scope: 'openid offline_access',
  })
  const page = await approve(str(started, 'verification_uri_complete'), person)
  assert.equal(page.status, 200, page.html)
  const tokens = await call(`${url}/demo/oauth/token`, {
    client_id: clientId,
    grant_type: 'urn:ietf:params:oauth:grant-type:device_code',
    device_code: str(started, 'device_code'),
  })
  assert.equal(tokens.status, 200, JSON.stringify(tokens.body))
  const nowSeconds = Math.floor(Date.now() / 1000)
  const session = {
    issuer,
    clientId,
    accessToken: str(tokens, 'access_token'),
    accessTokenExpiresAtSeconds: expired ? nowSeconds : nowSeconds + 300,
    accessTokenSeconds: 300,
    refreshToken: str(tokens, 'refresh_token'),
    sub: person,
    signedInAtSeconds: nowSeconds,
    ...told,
  }
  await changeSessions(file, ({ stored, write }) => write({ ...stored, sessions: [...stored.sessions, session] }))
  return session
}

/** A registry file. @returns its path */
export async function registryFile(t: TestContext, registry: object): Promise<string> {
  const path = join(await directory(t), 'registry.json')
  await writeFile(path, JSON.stringify(registry))
  return path
}
