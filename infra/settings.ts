/**
 * The settings of each stage. To deploy under your own name, in your region, with your alarm topic, edit `stages` below.
 */

import { RetentionDays } from 'aws-cdk-lib/aws-logs'
import type { ScheduledFunction } from './deployed-functions.ts'
import type { FunctionName } from './routes.ts'

export type Settings = {
  /** AWS region. Explicit, because the table's key belongs to one. */
  readonly region: string
  /**
   * Table, keys, keyring and logs outlive the stack and cannot be deleted by mistake.
   *
   * @default true
   */
  readonly keepData?: boolean
  /**
   * Custom domain. Every issuer is `https://<name>/<application>`, so choose it before the first client.
   *
   * @default - API Gateway's own address, with the stage as first path segment
   */
  readonly domain?: Domain
  /**
   * A proxy of yours that callers reach instead of the API, such as CloudFront (docs/deploy.md, Something in front).
   *
   * @default - callers reach the API itself
   */
  readonly inFront?: InFront
  /** @default RetentionDays.ONE_YEAR */
  readonly logRetention?: RetentionDays
  /**
   * Requests a second per route, and the burst beyond that. More are answered 429.
   *
   * @default - 500 a second, bursts of 1000
   */
  readonly throttling?: { readonly ratePerSecond: number; readonly burst: number }
  /**
   * Requests of one address in five minutes. More are answered 429. A device that polls every five seconds makes 60, and an
   * office or a cluster may share one address.
   *
   * @default 3000
   */
  readonly requestsPerAddressIn5Minutes?: number
  /**
   * Reserved concurrency per function: guaranteed to it, and its maximum, so that a storm of polls cannot starve refreshes.
   * Requests above it are answered 503 with Retry-After. 0 stops the function.
   *
   * @default - all functions share the account's concurrency
   */
  readonly reservedConcurrency?: Readonly<Partial<Record<FunctionName | ScheduledFunction, number>>>
  /** @default - alarms are visible, and notify nobody */
  readonly alarms?: AlarmAudience
  /**
   * Threshold of the alarm `reauthentications-needed`: refusals in five minutes for sessions that are over. Some are normal,
   * because sessions reach their limits; how many depends on the number of sessions.
   *
   * @default 20
   */
  readonly reauthenticationsIn5Minutes?: number
  /**
   * CloudWatch dashboard. The first three of an account are free, each further one costs three US dollars a month.
   *
   * @default true
   */
  readonly dashboard?: boolean
  /**
   * The pages at `/apidocs/` that show the API in a browser and let people try it. `/openapi.json` is always there.
   *
   * @default false
   */
  readonly apiDocs?: boolean
  /**
   * Days between two rotations of the keyring, 7 to 1000. MAC and seal keys are kept for a year, and daily ones would not fit
   * into the secret. 0: only operators rotate.
   *
   * @default 90
   */
  readonly keyRotationDays?: number
  /**
   * Only the routes for ops work. All other requests are answered 503 with Retry-After and change nothing. For a restore.
   *
   * @default false
   */
  readonly maintenance?: boolean
  /**
   * Name of a table that was restored from the stack's own and replaces it. The stack uses it without managing it, and leaves its
   * own table as it is (docs/operations.md, Backup and restore).
   *
   * @default - the stack's own table
   */
  readonly restoredTable?: string
  /**
   * ARN of a role that may read the keyring in an emergency, if its own policies allow it; `*` stands for any text. Everybody
   * else except the functions is denied, administrators included.
   *
   * @default - none; an administrator would have to change the secret's policy first, which CloudTrail records
   */
  readonly breakGlassRoleArn?: string
  /**
   * Create the role with which API Gateway writes logs, which exists once per account and region. Set to false where another
   * stack of the account has created it.
   *
   * @default true
   */
  readonly gatewayLoggingRole?: boolean
}

export type Domain = {
  /** For example `auth.example.com`. */
  readonly name: string
  /** Certificate for that name, in the stage's region. */
  readonly certificateArn: string
  /**
   * Route 53 zone for the name's record.
   *
   * @default - no record; point the name at the output `DomainTarget`
   */
  readonly hostedZone?: { readonly id: string; readonly name: string }
}

export type InFront = {
  /** Its public URL, for example `https://auth.example.com`. Every issuer is `<url>/<application>`. */
  readonly url: string
  /** The request header that it sets to the caller's address, replacing a value that the caller sent. */
  readonly addressHeader: string
}

/** An existing topic, or an address that a topic of the stack mails to (it has to confirm). */
export type AlarmAudience = { readonly topicArn: string } | { readonly email: string }

/** Settings without a default value. */
type Optional = 'domain' | 'inFront' | 'alarms' | 'breakGlassRoleArn' | 'restoredTable'

/** Settings with all defaults filled in. */
export type StageSettings = Settings &
  Required<Omit<Settings, Optional>> & {
    /** Lower-case letters, digits and dashes: it is part of the names of the stack, its functions and its secrets. */
    readonly stage: string
  }

const stages: Readonly<Record<string, Settings>> = {
  dev: {
    region: 'eu-central-1',
    keepData: false,
    logRetention: RetentionDays.ONE_MONTH,
    throttling: { ratePerSecond: 50, burst: 100 },
  },
  prod: {
    region: 'eu-central-1',
  },
}

/** @throws for an unknown stage, or with every mistake in its settings */
export function settingsFor(stage: string): StageSettings {
  const settings = stages[stage]
  if (settings === undefined) {
    throw new Error(
      `There is no stage "${stage}" in infra/settings.ts. Known stages: ${Object.keys(stages).join(', ')}.`,
    )
  }
  return completeSettings(stage, settings)
}

/** Fills in the defaults and validates the result. */
export function completeSettings(stage: string, settings: Settings): StageSettings {
  const complete: StageSettings = {
    stage,
    keepData: true,
    logRetention: RetentionDays.ONE_YEAR,
    throttling: { ratePerSecond: 500, burst: 1000 },
    requestsPerAddressIn5Minutes: 3000,
    reservedConcurrency: {},
    maintenance: false,
    gatewayLoggingRole: true,
    reauthenticationsIn5Minutes: 20,
    dashboard: true,
    apiDocs: false,
    keyRotationDays: 90,
    ...settings,
  }
  const mistakes = mistakesIn(complete)
  if (mistakes.length > 0) throw new Error(`Stage "${stage}" in infra/settings.ts:\n  ${mistakes.join('\n  ')}`)
  return complete
}

/** @returns undefined if the function shares the account's concurrency */
export function concurrencyOf(
  { maintenance, reservedConcurrency }: StageSettings,
  name: FunctionName | ScheduledFunction,
): number | undefined {
  // sessions ends the sessions of a restored table, check-keys watches the keys; neither serves callers.
  const runsInMaintenance = name === 'sessions' || name === 'check-keys'
  return maintenance && !runsInMaintenance ? 0 : reservedConcurrency[name]
}

function mistakesIn(settings: StageSettings): string[] {
  const {
    stage,
    region,
    logRetention,
    throttling,
    requestsPerAddressIn5Minutes,
    reservedConcurrency,
    reauthenticationsIn5Minutes,
    keyRotationDays,
    breakGlassRoleArn,
    restoredTable,
  } = settings
  const positiveIntegers = { ...throttling, requestsPerAddressIn5Minutes, reauthenticationsIn5Minutes }
  return [
    /^[a-z][a-z0-9-]{0,19}$/.test(stage) ||
      'stage name: use 1 to 20 lower-case letters, digits and dashes, beginning with a letter',
    /^[a-z]{2}(-[a-z]+)+-\d$/.test(region) || `region: "${region}" is not an AWS region`,
    logRetention in RetentionDays || `logRetention: CloudWatch Logs does not offer ${logRetention} days`,
    ...Object.entries(positiveIntegers).map(
      ([name, value]) => (Number.isInteger(value) && value >= 1) || `${name}: ${value} is not a positive integer`,
    ),
    ...Object.entries(reservedConcurrency).map(
      ([name, value]) =>
        (Number.isInteger(value) && value >= 0) ||
        `reservedConcurrency.${name}: ${value} is not 0 or a positive integer`,
    ),
    requestsPerAddressIn5Minutes >= 10 || 'requestsPerAddressIn5Minutes: the minimum of AWS WAF is 10',
    keyRotationDays === 0 ||
      (Number.isInteger(keyRotationDays) && keyRotationDays >= 7 && keyRotationDays <= 1000) ||
      `keyRotationDays: ${keyRotationDays} is neither 0 nor an integer from 7 to 1000`,
    restoredTable === undefined ||
      /^[\w.-]{3,255}$/.test(restoredTable) ||
      `restoredTable: "${restoredTable}" is not a valid table name`,
    breakGlassRoleArn === undefined ||
      /^arn:aws[\w-]*:iam::\d{12}:role\/[\w+=,.@/*-]+$/.test(breakGlassRoleArn) ||
      `breakGlassRoleArn: "${breakGlassRoleArn}" is not the ARN of a role`,
    ...domainMistakes(settings),
    ...inFrontMistakes(settings),
  ].filter((mistake) => mistake !== true)
}

function inFrontMistakes({ inFront }: StageSettings): (true | string)[] {
  if (inFront === undefined) return []
  const { url, addressHeader } = inFront
  return [
    /^https:\/\/([a-z0-9-]+\.)+[a-z]{2,}(:\d+)?(\/[\w.~-]+)*$/.test(url) ||
      `inFront.url: "${url}" must be an https URL in lower case without a trailing slash`,
    /^[a-z][a-z0-9-]*$/i.test(addressHeader) || `inFront.addressHeader: "${addressHeader}" is not a header name`,
  ]
}

/** @returns undefined if callers use API Gateway's own address */
export function publicUrlOf({ inFront, domain }: StageSettings): string | undefined {
  return inFront?.url ?? (domain && `https://${domain.name}`)
}

function domainMistakes({ domain, region }: StageSettings): (true | string)[] {
  if (domain === undefined) return []
  const { name, certificateArn, hostedZone } = domain
  return [
    /^([a-z0-9-]+\.)+[a-z]{2,}$/.test(name) || `domain.name: "${name}" must be a host name in lower case`,
    certificateArn.startsWith(`arn:aws:acm:${region}:`) ||
      `domain.certificateArn: the certificate must be in ${region}, got ${certificateArn}`,
    hostedZone === undefined ||
      name === hostedZone.name ||
      name.endsWith(`.${hostedZone.name}`) ||
      `domain.hostedZone: ${name} is not in the zone ${hostedZone.name}`,
  ]
}
