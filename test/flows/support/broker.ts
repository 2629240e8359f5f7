/**
 * A broker as people start it: the local stack in a process of its own, spoken to over HTTP.
 *
 * Owns the child process, its environment and its end. Must not import the broker's code.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { partOfDynamodbLocal } from '../../support/dynamodb.ts'
import { usedRightsVariable } from '../../support/rights.ts'
import { rsaKeysVariable } from '../../support/rsa-keys.ts'
import { freePort, isFree } from './ports.ts'

/** What the flows need of a broker, wherever it runs. */
export type Broker = {
  /** `{base}` of contract.md §1, without a trailing slash. */
  readonly url: string
}

export type BrokerProcess = Broker & {
  /** All that was written to stdout and stderr so far: the log. */
  output(): string
  stop(): Promise<void>
  /** As kill -9 does: without a word. */
  kill(): Promise<void>
}

export type BrokerSettings = {
  /** DynamoDB's endpoint; the stack starts one of its own without it. */
  readonly dynamodb?: string
  readonly shared?: Shared
  /** Path of a registry file. */
  readonly registry?: string
  /** Further variables, such as a clock's (moved-clock.ts). */
  readonly environment?: Readonly<Record<string, string>>
}

/** What brokers have in common, as warm Lambdas do: keys and identity provider. Two at a time need a DynamoDB as well. */
export type Shared = { readonly dataDir: string; readonly idpPort: number }

export async function newShared(): Promise<Shared> {
  return { dataDir: newDirectory(), idpPort: await freePort() }
}

const root = fileURLToPath(new URL('../../..', import.meta.url))
const startWithinMs = 60_000
/** local-stack.md says 2 s; a machine that is busy with other tests gets some more. */
const stopWithinMs = 6_000

export async function startBroker(given: BrokerSettings = {}): Promise<BrokerProcess> {
  const { settings, stopStore } = await withStore(given)
  const child = spawn(process.execPath, ['local/start.ts'], {
    cwd: root,
    env: held({ ...surroundings(), ...counting(), ...(await environment(settings)) }),
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  // A group of tests that hangs is ended, and nobody else would end its brokers.
  const kill9 = () => child.kill('SIGKILL')
  process.once('exit', kill9)
  child.once('exit', () => {
    process.off('exit', kill9)
    void stopStore()
  })
  const chunks: string[] = []
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => chunks.push(chunk))
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => chunks.push(chunk))
  const output = () => chunks.join('')
  const url = await readyUrl(child, output)
  return { url, output, stop: () => stop(child), kill: () => kill(child) }
}

/** Where tests run on DynamoDB Local, a broker that names no DynamoDB has a part of it: that of its data directory, if it has one. */
export async function withStore<Settings extends BrokerSettings>(
  settings: Settings,
): Promise<{ readonly settings: Settings; stopStore(): Promise<void> }> {
  const part = settings.dynamodb === undefined ? await partOfDynamodbLocal(settings.shared?.dataDir) : undefined
  if (part === undefined) return { settings, stopStore: async () => {} }
  return { settings: { ...settings, dynamodb: part.endpoint }, stopStore: part.stop }
}

/** A temporary directory of the test's own, gone when the test's process is. */
export function newDirectory(): string {
  const path = mkdtempSync(join(tmpdir(), 'token-broker-flows-'))
  if (directories.length === 0) process.once('exit', removeDirectories)
  directories.push(path)
  return path
}

const directories: string[] = []

function removeDirectories(): void {
  for (const path of directories) rmSync(path, { recursive: true, force: true })
}

async function environment(settings: BrokerSettings): Promise<Record<string, string>> {
  const { dynamodb, shared, registry, environment: further } = settings
  return {
    ...{ PORT: '0', IDP_PORT: '0' },
    ...(dynamodb === undefined ? {} : { AWS_ENDPOINT_URL_DYNAMODB: dynamodb }),
    ...(registry === undefined ? {} : { REGISTRY: registry }),
    ...(shared === undefined ? {} : await sharing(shared, registry)),
    ...further,
  }
}

/** The identity provider of the first broker is everybody's: the registry names it by its address. */
async function sharing(
  { dataDir, idpPort }: Shared,
  registry = 'local/registry.json',
): Promise<Record<string, string>> {
  const text = readFileSync(resolve(root, registry), 'utf8').replaceAll(idpVariable, `http://127.0.0.1:${idpPort}`)
  const path = join(newDirectory(), 'registry.json')
  writeFileSync(path, text)
  return { DATA_DIR: dataDir, REGISTRY: path, IDP_PORT: (await isFree(idpPort)) ? String(idpPort) : '0' }
}

/** As registry files write the address of the local identity provider. */
const idpVariable = ['$', '{IDP_URL}'].join('')

const preloads = ['rights-guard.ts', 'broker-keys.ts'].map((file) => new URL(`../../support/${file}`, import.meta.url))

/** Limits the functions to their rights, and takes the RSA keys of the run. */
function held(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const { NODE_OPTIONS = '' } = environment
  const variables = [usedRightsVariable, rsaKeysVariable].flatMap((name) => {
    const value = process.env[name]
    return value === undefined ? [] : [[name, value] as const]
  })
  return {
    ...environment,
    ...Object.fromEntries(variables),
    NODE_OPTIONS: `${preloads.map((url) => `--import=${url.href}`).join(' ')} ${NODE_OPTIONS}`,
  }
}

/** Where programs and files are found, and nothing else of the test's environment: what a machine sets changes nothing. */
function surroundings(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => /^(PATH|HOME|TMPDIR|LANG)$/.test(name)))
}

/** A cache of compiled code halves what a start costs. Not under coverage, whose counts a cached function may lack. */
function counting(): NodeJS.ProcessEnv {
  const { NODE_V8_COVERAGE } = process.env
  if (NODE_V8_COVERAGE !== undefined) return { NODE_V8_COVERAGE }
  return { NODE_COMPILE_CACHE: join(tmpdir(), 'token-broker-compile-cache') }
}

async function readyUrl(child: ChildProcess, output: () => string): Promise<string> {
  const deadline = Date.now() + startWithinMs
  while (Date.now() < deadline && child.exitCode === null) {
    const [, url] = /^ready .*?(https?:\/\/[^\s/]+)/m.exec(output()) ?? []
    if (url !== undefined) return url
    await pause(20)
  }
  child.kill('SIGKILL')
  throw new Error(`The local stack did not get ready (exit code ${child.exitCode}):\n${output()}`)
}

async function kill(child: ChildProcess): Promise<void> {
  const ended = once(child, 'exit')
  child.kill('SIGKILL')
  await ended
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  child.kill('SIGTERM')
  const late = new AbortController()
  const inTime = await Promise.race([
    ended.then(() => true),
    pause(stopWithinMs, false, { signal: late.signal }).catch(() => true),
  ])
  late.abort()
  if (inTime) return
  child.kill('SIGKILL')
  throw new Error(`The local stack did not end within ${stopWithinMs} ms of SIGTERM`)
}
