/**
 * Sets up what the servers of the bench need: a DynamoDB, the table with the local registry, a keyring and a provider.
 */

import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DeleteTableCommand } from '@aws-sdk/client-dynamodb'
import { startDynamodb } from '../local/dynamodb.ts'
import { setEnvironment } from '../local/environment.ts'
import { supervise } from '../local/process/supervise.ts'
import { fillTable, ownRegistry, readRegistry } from '../local/registry.ts'
import { setUpSecrets } from '../local/secrets.ts'
import type { MacKey } from '../shared/domain/credential.ts'
import type { Client, Registry } from '../shared/domain/registration.ts'
import { secretsAt } from '../shared/secrets.ts'
import { createFamilies, type Families } from '../shared/store/families.ts'
import { connect } from '../shared/store/table.ts'
import { readKeyring } from '../shared/tokens/keyring.ts'
import { type Platform, startPlatform } from './platform.ts'
import { type Provider, startProvider } from './provider.ts'

/** A client of the application `demo` that authenticates by its platform's token. */
export const workloadId = 'workload'

export type Stage = {
  readonly dynamodbEndpoint: string
  /** The environment variables of a server, which name the table and the keys. */
  readonly environment: Readonly<Record<string, string>>
  /** The bench's own access to the table. */
  readonly families: Families
  readonly macKey: MacKey
  readonly provider: Provider
  /** The platform of the client `workload`. */
  readonly platform: Platform
  /** A folder for files, which is removed at the end. */
  readonly folder: string
  close(): Promise<void>
}

/** @throws {Problem} */
export async function setStage(): Promise<Stage> {
  const folder = await mkdtemp(join(tmpdir(), 'token-broker-bench-'))
  const tableName = `token-broker-bench-${process.pid}`
  const database = await openDatabase(folder)
  const provider = await startProvider()
  const platform = await startPlatform()
  const registry = withWorkload(await readRegistry(ownRegistry, provider.url), platform)
  const { place } = await setUpSecrets(folder, registry.applications)
  const environment = {
    TABLE_NAME: tableName,
    SECRETS: place,
    AWS_ENDPOINT_URL_DYNAMODB: database.endpoint,
    AWS_REGION: 'eu-central-1',
    AWS_ACCESS_KEY_ID: 'local',
    AWS_SECRET_ACCESS_KEY: 'local',
  }
  setEnvironment(environment)
  await fillTable(tableName, registry, database.endpoint, provider.url)

  const table = connect(tableName)
  const keyring = await readKeyring(await secretsAt(place).read('keyring'))
  return {
    dynamodbEndpoint: database.endpoint,
    environment,
    families: createFamilies(table),
    macKey: keyring.macKey(Date.now()),
    provider,
    platform,
    folder,
    close: async () => {
      await table.client.send(new DeleteTableCommand({ TableName: tableName }))
      table.close()
      await Promise.all([provider.close(), platform.close()])
      await database.stop()
    },
  }
}

/** Adds a client to the registry that differs from `service` only in its authentication. */
function withWorkload(registry: Registry, { identity }: Platform): Registry {
  const service = registry.clients.find(({ application, clientId }) => application === 'demo' && clientId === 'service')
  if (service === undefined) throw new Error('The local registry has no client "service" any more')
  const workload: Client = {
    ...service,
    clientId: workloadId,
    secretHashes: [],
    auth: 'workload_identity',
    identities: [identity],
  }
  return { ...registry, clients: [...registry.clients, workload] }
}

/** Starts a DynamoDB, unless the environment names one. The folder is removed when this process ends, in whatever way. */
async function openDatabase(folder: string): Promise<{ readonly endpoint: string; stop(): Promise<void> }> {
  const given = process.env.AWS_ENDPOINT_URL_DYNAMODB
  if (!given) return startDynamodb({ removeAtEnd: folder, log: console.error })
  const { stop } = await supervise({ removeAtEnd: folder })
  return { endpoint: given, stop }
}
