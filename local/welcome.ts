/**
 * What a person reads once the local stack runs: where everything is, and what to paste next.
 *
 * Owns the words. Must not know how the stack is made. One line starts with `ready ` and holds the base URL, for scripts.
 */

import { resolve } from 'node:path'
import { styleText } from 'node:util'
import type { LocalStack } from './stack.ts'
import { tenantPath } from './tenant/server.ts'
import { directoryPath } from './user-directory/server.ts'

const deviceGrant = 'urn:ietf:params:oauth:grant-type:device_code'

export function welcome(
  stack: LocalStack,
  place: { readonly dataDir?: string | undefined; readonly table: string },
): string {
  const applications = stack.registry.applications.map(({ name }) => name).join(', ')
  const kept = place.dataDir ?? 'in memory, gone at the end (DATA_DIR keeps it)'
  return [
    '',
    `${bold('Token Broker')} runs on this machine. Stop it with Ctrl-C.`,
    '',
    row(
      'Broker',
      stack.url,
      stack.url === stack.localUrl ? `applications: ${applications}` : `listens at ${stack.localUrl}`,
    ),
    row('Identity provider', stack.idpUrl, 'any user name, any password'),
    row('User directory', `${stack.idpUrl}${directoryPath}oauth`, 'OAuth without OpenID, for userdocs; any user name'),
    row('Tenant', `${stack.idpUrl}${tenantPath}`, 'like one of Auth0, for wiremock; any user name'),
    row(
      'DynamoDB',
      stack.dynamodbEndpoint,
      `table ${place.table}${stack.dynamodbEngine === undefined ? '' : `; ${stack.dynamodbEngine}`}`,
    ),
    row('Keys and data', kept, ''),
    '',
    `ready ${stack.url}`,
    '',
    ...next(stack),
    '',
    'Or by the command line, which also lists and ends sessions and registers clients:',
    '',
    paste(commandLineSettings(stack, place)),
    paste('npx token-broker login'),
    paste('npx token-broker sessions list'),
    '',
  ].join('\n')
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

/**
 * What the command line has to know, for a POSIX shell: the broker for all, the table for `apply` and `clients`, and the
 * directory for `keys`, where there is one.
 */
export function commandLineSettings(
  { localUrl: url, dynamodbEndpoint }: Pick<LocalStack, 'localUrl' | 'dynamodbEndpoint'>,
  { table, dataDir }: { readonly table: string; readonly dataDir?: string | undefined },
): string {
  const { AWS_REGION = 'eu-central-1', AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY } = process.env
  const isLocal = AWS_ACCESS_KEY_ID === 'local' && AWS_SECRET_ACCESS_KEY === 'local'
  return [
    `export TOKEN_BROKER_URL=${url} TABLE_NAME=${table} AWS_ENDPOINT_URL_DYNAMODB=${dynamodbEndpoint} AWS_REGION=${AWS_REGION}`,
    ...(isLocal ? ['AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local'] : []),
    ...(dataDir === undefined ? [] : [`DATA_DIR='${resolve(dataDir).replaceAll("'", `'\\''`)}'`]),
  ].join(' ')
}

function next({ url, registry }: LocalStack): string[] {
  const client = registry.clients.find(
    ({ auth, grants, clientId }) => auth === 'none' && grants.includes(deviceGrant) && /^[\w.-]+$/.test(clientId),
  )
  if (client === undefined) return []
  const [start, poll, refresh] = deviceFlowCommands(url, client.application, client.clientId)
  return [
    'Get tokens for a program, in three commands:',
    '',
    `${bold('1.')} The program asks for a code. Then open the ${bold('verification_uri_complete')} it prints in a browser and approve.`,
    '',
    paste(start),
    '',
    `${bold('2.')} The program fetches its tokens.`,
    '',
    paste(poll),
    '',
    `${bold('3.')} The refresh token is good once, and gives the next one. Repeat this as you like.`,
    '',
    paste(refresh),
  ]
}

function row(name: string, where: string, what: string): string {
  return `  ${name.padEnd(19)}${where}${what === '' ? '' : dim(`  ${what}`)}`
}

// In colour only on a terminal, and never with NO_COLOR: styleText looks at both.
const bold = (text: string) => styleText('bold', text, { stream: process.stdout })
const dim = (text: string) => styleText('dim', text, { stream: process.stdout })
const paste = (text: string) => styleText('cyan', text, { stream: process.stdout })
