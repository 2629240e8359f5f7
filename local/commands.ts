/**
 * Commands to paste into a POSIX shell: a device flow with curl, and the settings of the command line.
 */

import { resolve } from 'node:path'
import { isLoopback } from '../shared/domain/loopback.ts'
import type { Registry } from '../shared/store/registrations.ts'
import { requestPath, requestToken } from './platforms/github.ts'
import { issuerOf, platformNames } from './platforms.ts'
import { platformClient } from './registry.ts'

export const deviceGrant = 'urn:ietf:params:oauth:grant-type:device_code'

/** A client for a first try: public, with the device grant and an id that needs no quotes. */
export function deviceClient({ clients }: Registry): Registry['clients'][number] | undefined {
  return clients.find(
    ({ auth, grants, clientId }) => auth === 'none' && grants.includes(deviceGrant) && /^[\w.-]+$/.test(clientId),
  )
}

/** The three commands of a device flow, for a POSIX shell with curl and sed. */
export function deviceFlowCommands(
  url: string,
  application: string,
  clientId: string,
): readonly [string, string, string] {
  const base = `${url}/${application}/oauth`
  const member = (json: string, name: string) => `$(echo "$${json}" | sed 's/.*"${name}":"\\([^"]*\\)".*/\\1/')`
  return [
    `START=$(curl -s ${base}/device_authorization -d client_id=${clientId} -d 'scope=openid profile offline_access'); echo "$START"`,
    `TOKENS=$(curl -s ${base}/token -d client_id=${clientId} -d grant_type=${deviceGrant} -d device_code=${member('START', 'device_code')}); echo "$TOKENS"`,
    `TOKENS=$(curl -s ${base}/token -d client_id=${clientId} -d grant_type=refresh_token -d refresh_token=${member('TOKENS', 'refresh_token')}); echo "$TOKENS"`,
  ]
}

type Workloads = {
  readonly url: string
  readonly idpUrl: string
  readonly registry: Registry
  readonly kubernetesTokenFile: string | undefined
}

/**
 * For each platform that has a client in the registry: the command that gets a token as a workload of that platform, with
 * the environment variables that the platform would set.
 */
export function workloadCommands({ url, idpUrl, registry, kubernetesTokenFile = '' }: Workloads): string[] {
  const { AWS_REGION = 'eu-central-1' } = process.env
  const variables = {
    aws: `AWS_ENDPOINT_URL_STS=${issuerOf('aws', idpUrl)} AWS_REGION=${AWS_REGION} AWS_PROFILE= AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local`,
    github: `ACTIONS_ID_TOKEN_REQUEST_URL='${issuerOf('github', idpUrl)}${requestPath}?api-version=2.0' ACTIONS_ID_TOKEN_REQUEST_TOKEN=${requestToken}`,
    kubernetes: `TOKEN_BROKER_ID_TOKEN_FILE=${quoted(kubernetesTokenFile)}`,
  }
  return platformNames.flatMap((platform) => {
    const client = platformClient(registry, platform, idpUrl)
    if (client === undefined) return []
    const { application, clientId, scopes } = client
    // Leave out what the command line assumes for a broker on this machine.
    const names = [
      ...(url === 'http://127.0.0.1:8787' ? [] : [`--url ${url}`]),
      ...(isLoopback(new URL(url)) && application === 'demo' ? [] : [`--application ${application}`]),
      ...(scopes.length === 0 ? [] : [`--scope ${quoted(scopes.join(' '))}`]),
    ]
    return [
      [
        variables[platform],
        'npx @token-broker/token-broker token --workload',
        platform,
        '--client-id',
        clientId,
        ...names,
      ].join(' '),
    ]
  })
}

const quoted = (text: string) => (/^[\w./:-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`)

/**
 * Settings of the command line, for a POSIX shell: the broker for all commands, the table for `apply` and `clients`, the
 * data directory for `keys`.
 */
export function commandLineSettings(
  { localUrl: url, dynamodbEndpoint }: { readonly localUrl: string; readonly dynamodbEndpoint: string },
  { table, dataDir }: { readonly table: string; readonly dataDir?: string | undefined },
): string {
  const { AWS_REGION = 'eu-central-1', AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY } = process.env
  const isLocal = AWS_ACCESS_KEY_ID === 'local' && AWS_SECRET_ACCESS_KEY === 'local'
  return [
    `export TOKEN_BROKER_URL=${url} TABLE_NAME=${table} AWS_ENDPOINT_URL_DYNAMODB=${dynamodbEndpoint} AWS_REGION=${AWS_REGION}`,
    ...(isLocal ? ['AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local'] : []),
    ...(dataDir === undefined ? [] : [`DATA_DIR=${quoted(resolve(dataDir))}`]),
  ].join(' ')
}
