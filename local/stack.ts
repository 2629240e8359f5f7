/**
 * The local stack in this process: the functions behind the local gateway, with a DynamoDB and an identity provider. A
 * process can run only one stack at a time, because the functions read their settings from its environment.
 */

import { rmSync } from 'node:fs'
import { mkdir, mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { type FunctionName, routes } from '../infra/routes.ts'
import { sink } from '../shared/log.ts'
import { setProcessParts } from '../shared/parts.ts'
import type { Registry } from '../shared/store/registrations.ts'
import { startDynamodb } from './dynamodb.ts'
import { setEnvironment } from './environment.ts'
import { type Gateway, type Handler, startGateway } from './gateway.ts'
import { startIdentityProvider } from './identity-provider.ts'
import { freePort, loopback } from './ports.ts'
import { supervise } from './process/supervise.ts'
import { fillTable, foreignProvider, ownRegistry, platformClient, providerClients, readRegistry } from './registry.ts'
import { startSchedule } from './schedule.ts'
import { secretVariable, setUpSecrets } from './secrets.ts'
import { createStartPage, type StartPage } from './start-page.ts'

export type LocalStackOptions = {
  /** The broker's port. @default 0, which picks a free port */
  readonly port?: number
  /** The identity provider's port. @default 0, which picks a free port */
  readonly idpPort?: number
  /** Lifetime of the local tenant's access tokens. @default 300 */
  readonly tenantAccessTokenSeconds?: number
  /** The broker's base URL, if a TLS proxy or a tunnel is in front of it. @default where it listens */
  readonly publicUrl?: string
  /** The secret of an application at its provider. @default a random one, which the local provider knows */
  readonly providerSecret?: (application: string) => string | undefined
  /** A directory that keeps keys and data across restarts. @default a temporary directory, and a database in memory */
  readonly dataDir?: string
  /** Path of a registry file. @default local/registry.json */
  readonly registry?: string
  /** @default token-broker */
  readonly tableName?: string
  /** The endpoint of a DynamoDB that is already running. @default the stack starts its own */
  readonly dynamodbEndpoint?: string
  /** How long a function may take. @default as in the cloud */
  readonly timeLimitMs?: number
  /** Whether a timer runs the scheduled functions. @default true */
  readonly isScheduled?: boolean
  /** Receives each line of the functions' log. @default stdout, as in the cloud */
  readonly functionLog?: (line: string) => void
  /** Receives the stack's own messages, for people. @default they are discarded */
  readonly log?: (line: string) => void
  /** Called when a part begins to start, and when it has started. */
  readonly progress?: (part: string, state: 'starting' | 'there') => void
}

export type LocalStack = {
  /** The base of every URL. */
  readonly url: string
  /** Where the broker listens. */
  readonly localUrl: string
  readonly idpUrl: string
  readonly dynamodbEndpoint: string
  readonly registry: Registry
  /** A file with a fresh token of a Kubernetes service account; undefined if no client authenticates with it. */
  readonly kubernetesTokenFile: string | undefined
  /** The name of the DynamoDB, for people; undefined if it was already running. */
  readonly dynamodbEngine: string | undefined
  close(): Promise<void>
}

/** @throws {Problem} */
export async function startLocalStack(options: LocalStackOptions = {}): Promise<LocalStack> {
  const ending = createEnding()
  try {
    return await start(options, ending)
  } catch (error) {
    await ending.run()
    throw error
  }
}

async function start(options: LocalStackOptions, ending: Ending): Promise<LocalStack> {
  const { log = () => {}, progress = () => {}, tableName = 'token-broker' } = options
  const during = async <Result>(part: string, work: Promise<Result>): Promise<Result> => {
    progress(part, 'starting')
    const result = await work
    progress(part, 'there')
    return result
  }
  const idpPort = options.idpPort || (await freePort())
  const idpUrl = `http://${loopback}:${idpPort}`
  const registry = await readRegistry(options.registry ?? ownRegistry, idpUrl)

  tellOfForeignProviders(registry, idpUrl, options)

  const directory = await dataDirectory(options.dataDir, ending)
  const prepared = Promise.withResolvers<void>()
  const startPage = createStartPage(() => sink.memory ?? [])
  const gateway = during('functions', openGateway(options, startPage, ending, prepared.promise, log))
  const database = during('DynamoDB', openDatabase(options, directory, ending, log))
  const secrets = during('keys', setUpSecrets(directory.path, registry.applications, options.providerSecret))
  const provider = secrets.then(async ({ providerSecrets }) => {
    const clients = providerClients(registry, idpUrl, providerSecrets, options.publicUrl)
    const { tenantAccessTokenSeconds } = options
    const settings = {
      ...(directory.isKept && { dataDir: directory.path }),
      ...(tenantAccessTokenSeconds !== undefined && { tenantAccessTokenSeconds }),
    }
    const serving = startIdentityProvider({ port: idpPort, clients, log, ...settings })
    const { stop, platforms } = await during('identity provider', serving)
    ending.add('services', stop)
    return platforms
  })
  const [{ url: localUrl }, { endpoint, engine }, { place }, platforms] = await allOf([
    gateway,
    database,
    secrets,
    provider,
  ])

  const { publicUrl: url = localUrl } = options
  ending.add('settings', enterEnvironment({ tableName, url, endpoint, place }))
  await during('table', fillTable(tableName, registry, endpoint, idpUrl))
  const cronJob = platformClient(registry, 'kubernetes', idpUrl)
  // Brokers that share a data directory have different issuers, so each writes its own file.
  const kubernetesTokenFile = cronJob && join(directory.path, `kubernetes-token-${idpPort}`)
  if (kubernetesTokenFile !== undefined) {
    const stop = await platforms.keepTokenFresh(kubernetesTokenFile, `${url}/${cronJob!.application}`)
    ending.add('services', stop)
  }
  const parts = {
    url,
    localUrl,
    idpUrl,
    registry,
    kubernetesTokenFile,
    dynamodbEndpoint: endpoint,
    dynamodbEngine: engine,
  }
  startPage.open(parts, { table: tableName, ...(options.dataDir !== undefined && { dataDir: options.dataDir }) })
  prepared.resolve()
  if (options.isScheduled !== false) ending.add('requests', startSchedule(['retry-revocations'], log))
  return { ...parts, close: ending.run }
}

/** Logs which variable to set for an application whose provider is not the local one. */
function tellOfForeignProviders(registry: Registry, idpUrl: string, options: LocalStackOptions): void {
  for (const application of registry.applications) {
    const { name, provider } = application
    const where = foreignProvider(application, idpUrl)
    if (where === undefined || provider.auth === 'none' || options.providerSecret?.(name)) continue
    options.log?.(
      `The provider of ${name} is ${where}. Set ${secretVariable(name)} to the secret of the client ` +
        `${provider.clientId} there, otherwise that provider refuses the broker.`,
    )
  }
}

async function openGateway(
  { port = 0, functionLog, timeLimitMs }: LocalStackOptions,
  startPage: StartPage,
  ending: Ending,
  until: Promise<void>,
  log: (line: string) => void,
): Promise<Gateway> {
  const before = { ...sink }
  sink.memory = []
  sink.write = functionLog ?? before.write
  ending.add('settings', () => {
    Object.assign(sink, before)
  })
  const gateway = await startGateway({
    port,
    routes,
    loadHandler,
    log,
    ownPages: startPage.answer,
    until,
    ...(timeLimitMs !== undefined && { timeLimitMs }),
  })
  ending.add('requests', gateway.close)
  return gateway
}

async function loadHandler(name: FunctionName): Promise<Handler> {
  const { handler } = (await import(`../functions/${name}.ts`)) as { handler: Handler }
  return handler
}

type Directory = { readonly path: string; readonly isKept: boolean }

async function dataDirectory(given: string | undefined, ending: Ending): Promise<Directory> {
  if (given !== undefined) {
    const path = resolve(given)
    await mkdir(path, { recursive: true, mode: 0o700 })
    return { path, isKept: true }
  }
  const path = await mkdtemp(join(tmpdir(), 'token-broker-'))
  const remove = () => rmSync(path, { recursive: true, force: true })
  // Covers every way to end but kill -9. After that, the supervisor removes the directory.
  process.once('exit', remove)
  ending.add('directory', () => {
    process.off('exit', remove)
    remove()
  })
  return { path, isKept: false }
}

async function openDatabase(
  { dynamodbEndpoint }: LocalStackOptions,
  { path, isKept }: Directory,
  ending: Ending,
  log: (line: string) => void,
): Promise<{ readonly endpoint: string; readonly engine?: string }> {
  if (dynamodbEndpoint !== undefined) {
    if (!isKept) ending.add('services', (await supervise({ removeAtEnd: path })).stop)
    return { endpoint: dynamodbEndpoint }
  }
  const database = await startDynamodb({ ...(isKept ? { dataDir: path } : { removeAtEnd: path }), log })
  ending.add('services', database.stop)
  return database
}

type Settings = { readonly tableName: string; readonly url: string; readonly endpoint: string; readonly place: string }

/** @returns a function that restores the environment */
function enterEnvironment({ tableName, url, endpoint, place }: Settings): () => void {
  const hasCredentials = process.env.AWS_ACCESS_KEY_ID !== undefined || process.env.AWS_PROFILE !== undefined
  const leave = setEnvironment({
    TABLE_NAME: tableName,
    BASE_URL: url,
    SECRETS: place,
    AWS_ENDPOINT_URL_DYNAMODB: endpoint,
    AWS_REGION: process.env.AWS_REGION ?? 'eu-central-1',
    ...(hasCredentials ? {} : { AWS_ACCESS_KEY_ID: 'local', AWS_SECRET_ACCESS_KEY: 'local' }),
  })
  setProcessParts(undefined)
  return () => {
    leave()
    setProcessParts(undefined)
  }
}

/** The order in which the parts end: those that use others come first. */
const phases = ['requests', 'settings', 'services', 'directory'] as const
type Phase = (typeof phases)[number]
type Ending = { add(phase: Phase, step: () => unknown): void; run(): Promise<void> }

/** Collects the steps that end the stack, and runs them in the order of the phases. */
function createEnding(): Ending {
  const steps = new Map<Phase, (() => unknown)[]>(phases.map((phase) => [phase, []]))
  return {
    add: (phase, step) => steps.get(phase)?.push(step),
    run: async () => {
      const failures: unknown[] = []
      for (const phase of phases) {
        const settled = await Promise.allSettled((steps.get(phase) ?? []).splice(0).map(async (step) => step()))
        failures.push(...settled.flatMap((result) => (result.status === 'rejected' ? [result.reason] : [])))
      }
      if (failures.length > 0) throw failures[0]
    },
  }
}

/** Like Promise.all, but rejects only when all have settled, so that every part that has started can be ended. */
async function allOf<Parts extends readonly unknown[]>(
  parts: readonly [...{ [At in keyof Parts]: Promise<Parts[At]> }],
): Promise<Parts> {
  await Promise.allSettled(parts)
  return Promise.all(parts) as Promise<unknown> as Promise<Parts>
}
