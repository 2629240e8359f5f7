/** Installs MiniStack, an emulator of AWS, and runs it on this machine. */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, open, rm } from 'node:fs/promises'
import { homedir } from 'node:os'
import { delimiter, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from '../local/ports.ts'
import { attempt, type Log } from './run-command.ts'

/** Its functions run as processes of the `node` on its PATH, without containers. */
const packages = { ministack: '1.5.33', awscli: '1.46.3' } as const
const startsWithinMs = 60_000

export const account = '111111111111'
export const region = 'eu-central-1'

/** The rehearsal cannot run on this machine. */
export class CannotRun extends Error {}

/** @property programs folder with `python` and `aws` */
export type Installed = { readonly programs: string }

/**
 * Installs the packages into the user's cache, once for each version.
 *
 * @throws {CannotRun}
 */
export async function installEmulator(log: Log): Promise<Installed> {
  const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'token-broker')
  const folder = join(cache, `rehearsal-${packages.ministack}-${packages.awscli}`)
  const programs = join(folder, 'bin')
  const ready = join(folder, 'ready')
  if (existsSync(ready)) return { programs }
  const needs = 'npm run rehearse needs Python 3.10 or newer with venv and pip'
  const tried = await attempt(log, [
    'python3',
    '-c',
    'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 10))',
  ])
    .then(({ code }) => code === 0)
    .catch(() => false)
  if (!tried) throw new CannotRun(`${needs}, as python3.`)
  await rm(folder, { recursive: true, force: true })
  await mkdir(cache, { recursive: true })
  const names = Object.entries(packages).map(([name, version]) => `${name}==${version}`)
  for (const words of [
    ['python3', '-m', 'venv', folder],
    [join(programs, 'python'), '-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', ...names],
  ]) {
    const { code, output } = await attempt(log, words)
    const [last = ''] = output.trim().split('\n').slice(-1)
    if (code !== 0) throw new CannotRun(`${needs}, and its package index: ${last}`)
  }
  await (await open(ready, 'w')).close()
  return { programs }
}

export type Emulator = {
  readonly port: number
  /** For the AWS tools. */
  readonly environment: Readonly<Record<string, string>>
  /** How it differs from MiniStack as it is published. */
  readonly corrections: readonly string[]
  /** Ends it and the functions' processes. */
  stop(): Promise<void>
}

/** @param folder for its files */
export async function startEmulator({ programs }: Installed, folder: string): Promise<Emulator> {
  const port = await freePort()
  // A numeric access key would choose the account, which changes when the CDK assumes its role.
  const caller = { AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test', AWS_REGION: region }
  const output = await open(join(folder, 'emulator.log'), 'w+')
  const child = spawn(join(programs, 'python'), ['-u', join(import.meta.dirname, 'emulator.py')], {
    env: {
      ...process.env,
      ...caller,
      PATH: [join(process.execPath, '..'), process.env.PATH].join(delimiter),
      TMPDIR: folder,
      // Verifies signatures and evaluates IAM policies.
      AUTH: 'true',
      BIND_HOST: '127.0.0.1',
      MINISTACK_HOST: '127.0.0.1',
      GATEWAY_PORT: String(port),
      MINISTACK_ACCOUNT_ID: account,
      MINISTACK_REGION: region,
      IOT_MTLS_ENABLED: '0',
    },
    stdio: ['pipe', output.fd, output.fd],
    // Leads a process group, which holds the functions' processes too.
    detached: true,
  })
  const ended = once(child, 'close')
  const stop = async () => {
    child.stdin?.end()
    await ended
    await output.close()
  }
  const endpoint = `http://127.0.0.1:${port}`
  const until = Date.now() + startsWithinMs
  const isUp = () =>
    fetch(`${endpoint}/_ministack/health`).then(
      ({ ok }) => ok,
      () => false,
    )
  while (!(await isUp())) {
    if (child.exitCode !== null || Date.now() > until)
      throw new Error(`MiniStack does not start: see ${folder}/emulator.log`)
    await sleep(200)
  }
  const text = (await output.read({ position: 0, buffer: Buffer.alloc(10_000) })).buffer.toString()
  return {
    port,
    environment: { ...caller, AWS_DEFAULT_REGION: region, AWS_ENDPOINT_URL: endpoint },
    corrections: [...text.matchAll(/^corrected: (.*)$/gm)].map(([, what = '']) => what),
    stop,
  }
}
