/** Defaults and validation of the construct's props. */

import { createHash } from 'node:crypto'
import { Stack, Token } from 'aws-cdk-lib'
import { RetentionDays } from 'aws-cdk-lib/aws-logs'
import type { Construct } from 'constructs'
import { type DeployedFunction, functionNames, scheduledFunctions } from './deployed-functions.ts'
import type { AlarmAudience, BrokerFunctionName, TokenBrokerProps } from './props.ts'
import { Registry } from './registry.ts'
import type { FunctionName } from './routes.ts'

/** The props without a default value. */
type Optional =
  | 'domain'
  | 'inFront'
  | 'alarms'
  | 'breakGlassRoleArn'
  | 'restoredTable'
  | 'table'
  | 'encryptionKey'
  | 'vpc'
  | 'vpcSubnets'
  | 'securityGroups'
  | 'vpcEndpoints'
  | 'registry'
  | 'awsTokenIssuer'

/** Props with all defaults filled in. */
export type Settings = TokenBrokerProps & Required<Omit<TokenBrokerProps, Optional>>

type Defaults = Omit<Settings, Optional | 'brokerName'>

const defaults: Defaults = {
  keepData: true,
  logRetention: RetentionDays.ONE_YEAR,
  throttling: { ratePerSecond: 500, burst: 1000 },
  requestsPerAddressIn5Minutes: 3000,
  reservedConcurrency: {},
  provisionedConcurrency: {},
  outputs: true,
  maintenance: false,
  gatewayLoggingRole: true,
  reauthenticationsIn5Minutes: 20,
  dashboard: true,
  apiDocs: false,
  keyRotationDays: 90,
}

/** The names of all props. They reveal misspelled props in JavaScript too. */
const known: Readonly<Record<keyof TokenBrokerProps, true>> = {
  brokerName: true,
  keepData: true,
  domain: true,
  inFront: true,
  logRetention: true,
  throttling: true,
  requestsPerAddressIn5Minutes: true,
  reservedConcurrency: true,
  provisionedConcurrency: true,
  table: true,
  encryptionKey: true,
  vpc: true,
  vpcSubnets: true,
  securityGroups: true,
  vpcEndpoints: true,
  registry: true,
  awsTokenIssuer: true,
  outputs: true,
  alarms: true,
  reauthenticationsIn5Minutes: true,
  dashboard: true,
  apiDocs: true,
  keyRotationDays: true,
  maintenance: true,
  restoredTable: true,
  breakGlassRoleArn: true,
  gatewayLoggingRole: true,
}

export const propNames: readonly string[] = Object.keys(known)

/**
 * Fills in the defaults and validates the result.
 *
 * @throws an error that lists every mistake in the props
 */
export function settingsOf(scope: Construct, props: TokenBrokerProps): Settings {
  const given = Object.fromEntries(Object.entries(props).filter(([, value]) => value !== undefined))
  const settings: Settings = { brokerName: nameOf(scope), ...defaults, ...given }
  const mistakes = mistakesIn(settings, Stack.of(scope).region)
  if (mistakes.length > 0) throw new Error([`${scope.node.path}: the props of the broker`, ...mistakes].join('\n  '))
  return settings
}

const maxReadableLength = 20

/** A name that is unique per account and region, because stack names are. */
function nameOf(scope: Construct): string {
  const { scopes } = scope.node
  const outermost = scopes.findIndex((one) => Stack.isStack(one))
  const [stack, ...others] = scopes.slice(outermost)
  const path = [Stack.of(stack!).stackName, ...others.map(({ node }) => node.id)]
  const readable = path
    .join('-')
    .toLowerCase()
    .replace(/^[^a-z]+|[^a-z0-9-]/g, '')
    .slice(0, maxReadableLength)
    .replace(/-+$/, '')
  const hash = createHash('sha256').update(path.join('/')).digest('hex').slice(0, 8)
  return `${readable || 'broker'}-${hash}`
}

/** @returns undefined if the function shares the account's concurrency */
export function concurrencyOf(
  { maintenance, reservedConcurrency }: Settings,
  name: DeployedFunction,
): number | undefined {
  if (name === 'create-keyring' || name === 'apply-registry' || name === 'rotate-keys') return undefined
  // Operators end the sessions of a restored table by `sessions`, and `check-keys` watches the keys. Neither serves callers.
  const runsInMaintenance = name === 'sessions' || name === 'check-keys'
  return maintenance && !runsInMaintenance ? 0 : reservedConcurrency[name]
}

/** @returns undefined without provisioned concurrency */
export function provisionedConcurrencyOf(
  { provisionedConcurrency }: Settings,
  name: DeployedFunction,
): number | undefined {
  return provisionedConcurrency[name as FunctionName]
}

/** @returns undefined if callers use API Gateway's own address */
export function publicUrlOf({ inFront, domain }: Settings): string | undefined {
  return inFront?.url ?? (domain && `https://${domain.domainName}`)
}

type Checked = readonly (true | string)[]

/** Whether the value is known only at deployment, so that it cannot be checked at synthesis. */
function isLate(value: unknown): boolean {
  return Token.isUnresolved(value)
}

function mistakesIn(settings: Settings, region: string): string[] {
  return [
    ...unknownProps(settings),
    ...nameMistakes(settings),
    ...numberMistakes(settings),
    ...concurrencyMistakes(settings),
    ...dataMistakes(settings),
    ...networkMistakes(settings),
    ...alarmMistakes(settings),
    ...registryMistakes(settings),
    ...domainMistakes(settings, region),
    ...proxyMistakes(settings),
  ].filter((mistake) => mistake !== true)
}

function unknownProps(settings: Settings): Checked {
  return Object.keys(settings).map((name) => name in known || `${name}: unknown prop; check its spelling`)
}

function nameMistakes({ brokerName }: Settings): Checked {
  return [
    (!isLate(brokerName) && /^[a-z][a-z0-9-]{0,29}$/.test(brokerName)) ||
      'brokerName: use 1 to 30 lower-case letters, digits and dashes, beginning with a letter',
  ]
}

function numberMistakes(settings: Settings): Checked {
  const { logRetention, throttling, requestsPerAddressIn5Minutes, reauthenticationsIn5Minutes, keyRotationDays } =
    settings
  const positiveIntegers = {
    'throttling.ratePerSecond': throttling.ratePerSecond,
    'throttling.burst': throttling.burst,
    requestsPerAddressIn5Minutes,
    reauthenticationsIn5Minutes,
  }
  return [
    isLate(logRetention) ||
      logRetention in RetentionDays ||
      `logRetention: CloudWatch Logs does not offer ${logRetention} days`,
    ...Object.entries(positiveIntegers).map(
      ([name, value]) =>
        isLate(value) || (Number.isInteger(value) && value >= 1) || `${name}: ${value} is not a positive integer`,
    ),
    isLate(requestsPerAddressIn5Minutes) ||
      requestsPerAddressIn5Minutes >= 10 ||
      'requestsPerAddressIn5Minutes: the minimum of AWS WAF is 10',
    keyRotationDays === 0 ||
      (Number.isInteger(keyRotationDays) && keyRotationDays >= 7 && keyRotationDays <= 1000) ||
      `keyRotationDays: ${keyRotationDays} is neither 0 nor an integer from 7 to 1000`,
  ]
}

const adjustable: readonly string[] = [...functionNames, ...scheduledFunctions] satisfies BrokerFunctionName[]

function concurrencyMistakes({ maintenance, reservedConcurrency, provisionedConcurrency }: Settings): Checked {
  const reserved = Object.entries(reservedConcurrency).flatMap(([name, value]) => [
    adjustable.includes(name) || `reservedConcurrency.${name}: unknown function; use one of ${adjustable.join(', ')}`,
    (Number.isInteger(value) && value >= 0) || `reservedConcurrency.${name}: ${value} is not 0 or a positive integer`,
  ])
  const provisioned = Object.entries(provisionedConcurrency).flatMap(([name, value]) => [
    functionNames.some((one) => one === name) ||
      `provisionedConcurrency.${name}: no route has this function; use one of ${functionNames.join(', ')}`,
    (Number.isInteger(value) && value >= 1) || `provisionedConcurrency.${name}: ${value} is not a positive integer`,
    value <= (reservedConcurrency[name as BrokerFunctionName] ?? value) ||
      `provisionedConcurrency.${name}: ${value} is more than the function's reserved concurrency`,
  ])
  // One deployment cannot do both: CloudFormation changes the function before it removes the alias.
  const stopped =
    !maintenance ||
    provisioned.length === 0 ||
    'maintenance: Lambda does not stop a function that has provisioned concurrency. Deploy without `provisionedConcurrency` first, and then with `maintenance`'
  return [...reserved, ...provisioned, stopped]
}

function dataMistakes({ restoredTable, table, breakGlassRoleArn }: Settings): Checked {
  return [
    restoredTable === undefined ||
      table === undefined ||
      'restoredTable: remove it or `table`; with `table`, the broker has no table of its own to replace',
    restoredTable === undefined ||
      isLate(restoredTable) ||
      /^[\w.-]{3,255}$/.test(restoredTable) ||
      `restoredTable: "${restoredTable}" is not a valid table name`,
    breakGlassRoleArn === undefined ||
      isLate(breakGlassRoleArn) ||
      /^arn:aws[\w-]*:iam::\d{12}:role\/[\w+=,.@/*-]+$/.test(breakGlassRoleArn) ||
      `breakGlassRoleArn: "${breakGlassRoleArn}" is not the ARN of a role`,
  ]
}

function networkMistakes({ vpc, vpcSubnets, securityGroups, vpcEndpoints, domain }: Settings): Checked {
  return [
    vpc !== undefined || vpcSubnets === undefined || 'vpcSubnets: set `vpc` too',
    vpc !== undefined || securityGroups === undefined || 'securityGroups: set `vpc` too',
    securityGroups === undefined || securityGroups.length > 0 || 'securityGroups: the list is empty',
    vpcEndpoints === undefined ||
      vpcEndpoints.length > 0 ||
      'vpcEndpoints: the list is empty, so nobody could reach the API; name at least one endpoint',
    vpcEndpoints === undefined || domain === undefined || 'domain: a private API takes no domain; use `inFront`',
  ]
}

function registryMistakes({ registry, awsTokenIssuer }: Settings): Checked {
  return [
    registry === undefined || registry instanceof Registry || 'registry: use Registry.fromFile or Registry.fromObject',
    awsTokenIssuer === undefined ||
      isLate(awsTokenIssuer) ||
      isAwsTokenIssuer(awsTokenIssuer) ||
      `awsTokenIssuer: "${awsTokenIssuer}" does not have the form https://<id>.tokens.sts.global.api.aws`,
  ]
}

/** Each AWS partition has its own host name. */
export function isAwsTokenIssuer(url: string): boolean {
  return /^https:\/\/[a-z0-9-]+\.tokens\.sts(\.[a-z0-9-]+)+$/.test(url)
}

function alarmMistakes({ alarms = {} }: Settings): Checked {
  const severities = ['page', 'ticket']
  return Object.entries(alarms).flatMap(([severity, audience]) => [
    severities.includes(severity) || `alarms.${severity}: unknown severity; use ${severities.join(' or ')}`,
    ...Object.keys(Object(audience)).map(
      (name) =>
        ['emails', 'topics', 'actions'].includes(name) || `alarms.${severity}.${name}: use emails, topics or actions`,
    ),
    ...((audience as AlarmAudience | undefined)?.emails ?? []).map(
      (email) =>
        isLate(email) || /^[^@\s]+@[^@\s]+$/.test(email) || `alarms.${severity}.emails: "${email}" is not an address`,
    ),
  ])
}

function domainMistakes({ domain }: Settings, region: string): Checked {
  if (domain === undefined) return []
  const { domainName, certificate, hostedZone } = domain
  const isAnywhere = isLate(certificate.certificateArn) || isLate(region)
  const zone = hostedZone?.zoneName
  const isAnyZone = zone === undefined || isLate(zone) || isLate(domainName)
  return [
    isLate(domainName) ||
      /^([a-z0-9-]+\.)+[a-z]{2,}$/.test(domainName) ||
      `domain.domainName: "${domainName}" must be a host name in lower case`,
    isAnywhere ||
      new RegExp(`^arn:aws[\\w-]*:acm:${region}:`).test(certificate.certificateArn) ||
      `domain.certificate: the certificate must be in ${region}, got ${certificate.certificateArn}`,
    isAnyZone ||
      domainName === zone ||
      domainName.endsWith(`.${zone}`) ||
      `domain.hostedZone: ${domainName} is not in the zone ${zone}`,
  ]
}

function proxyMistakes({ inFront }: Settings): Checked {
  if (inFront === undefined) return []
  const { url, addressHeader } = inFront
  return [
    isLate(url) ||
      /^https:\/\/([a-z0-9-]+\.)+[a-z]{2,}(:\d+)?(\/[\w.~-]+)*$/.test(url) ||
      `inFront.url: "${url}" must be an https URL in lower case without a trailing slash`,
    /^[a-z][a-z0-9-]*$/i.test(addressHeader) || `inFront.addressHeader: "${addressHeader}" is not a header name`,
  ]
}
