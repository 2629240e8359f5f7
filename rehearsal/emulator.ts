/** Installs MiniStack, an emulator of AWS, and runs it on this machine. */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { open } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from '../local/ports.ts'
import { installPythonPackages } from '../scripts/python-packages.ts'
import type { Log } from '../scripts/run-command.ts'

/** MiniStack runs functions as processes of the `node` on its PATH, without containers. */
const packages = { ministack: '1.5.33', awscli: '1.46.3' } as const
const startsWithinMs = 60_000

export const account = '111111111111'
export const region = 'eu-central-1'

/** @property programs the folder that contains `python` and `aws` */
export type Installed = { readonly programs: string }

/** @throws {CannotRun} */
export async function installEmulator(log: Log): Promise<Installed> {
  return { programs: await installPythonPackages({ purpose: 'rehearsal', command: 'npm run rehearse', packages, log }) }
}

export type Emulator = {
  readonly port: number
  /** Environment variables for the AWS tools. */
  readonly environment: Readonly<Record<string, string>>
  /** The corrections to the published MiniStack, in words. */
  readonly corrections: readonly string[]
  /** Ends it and the functions' processes. */
  stop(): Promise<void>
}

/** @param folder for its files */
export async function startEmulator({ programs }: Installed, folder: string): Promise<Emulator> {
  const port = await freePort()
  // In MiniStack, a numeric access key selects the account. Do not use one: the key changes when the CDK assumes its role.
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
    // Starts a process group, which also contains the functions' processes.
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
