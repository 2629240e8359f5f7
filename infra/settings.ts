/**
 * What differs between stages, in one typed table: `dev`, to try things out, and `prod`.
 *
 * Owns the settings and what they must be like. To deploy under your own name, in your own region, with your own alarm
 * topic, edit `stages` below. Must not know constructs: how a setting becomes a resource is the constructs' affair.
 */

import { RetentionDays } from 'aws-cdk-lib/aws-logs'
import type { ScheduledFunction } from './bundle.ts'
import type { FunctionName } from './routes.ts'

export type Settings = {
  /** Where everything is. Explicit, since the table's key is tied to a region. */
  readonly region: string
  /**
   * Table, keys, keyring and logs outlive their stack and cannot be deleted by mistake.
   *
   * @default true
   */
  readonly keepData?: boolean
  /**
   * The public name of the broker. Every issuer is `https://<name>/<application>`, so choose it before the first client.
   *
   * @default - API Gateway's own address, with the stage as first path segment
   */
  readonly domain?: Domain
  /**
   * Something of yours that callers reach in the place of the API, such as CloudFront (docs/deploy.md, Something in front).
   *
   * @default - callers reach the API itself
   */
  readonly inFront?: InFront
  /** @default RetentionDays.ONE_YEAR */
  readonly logRetention?: RetentionDays
  /**
   * Requests a second that each route takes, and how many at once beyond that; more are answered 429.
   *
   * @default - 500 a second, bursts of 1000
   */
  readonly throttling?: { readonly ratePerSecond: number; readonly burst: number }
  /**
   * Requests that one address may make in five minutes; more are answered 429. A device that polls every five seconds
   * makes 60, and an office or a cluster may share one address.
   *
   * @default 3000
   */
  readonly requestsPerAddressIn5Minutes?: number
  /**
   * How many of a function may run at once. Reserved for it: others cannot take them, and it cannot take more, so that
   * a storm of polls cannot starve refreshes. What is over is answered 503 with Retry-After; 0 stops the function.
   *
   * @default - the account's pool, shared by all
   */
  readonly reservedConcurrency?: Readonly<Partial<Record<FunctionName | ScheduledFunction, number>>>
  /** @default - alarms are there to be seen, and tell nobody */
  readonly alarms?: AlarmAudience
  /**
   * Refusals in five minutes, for sessions that are over, from which on an alarm begins. Some are usual: sessions reach
   * their limits. How many depends on how many sessions you have.
   *
   * @default 20
   */
  readonly reauthenticationsIn5Minutes?: number
  /**
   * A page in CloudWatch that shows whether the broker is well. The first three of an account cost nothing, each further
   * one three US dollars a month.
   *
   * @default true
   */
  readonly dashboard?: boolean
  /**
   * Days between two rotations of the keyring, 7 to 1000: MAC and seal keys are kept for a year, and a secret has no room
   * for one of each day. 0: it rotates only when ops say so.
   *
   * @default 90
   */
  readonly keyRotationDays?: number
  /**
   * Only the routes of ops work. Everybody else is answered 503 with Retry-After, and keeps what they hold. For a restore.
   *
   * @default false
   */
  readonly maintenance?: boolean
  /**
   * The name of a table that was restored from this stack's own and takes its place. The stack uses it and does not manage it,
   * and leaves its own table as it is (docs/operations.md, Backup and restore).
   *
   * @default - the stack's own table
   */
  readonly restoredTable?: string
  /**
   * A role that may read the keyring in an emergency, if its own policies let it; `*` stands for any text. All but the
   * functions are denied that, administrators included.
   *
   * @default - nobody; an administrator has to change the secret's policy first, and CloudTrail records that
   */
  readonly breakGlassRoleArn?: string
  /**
   * Give API Gateway the right to write logs, which it has once for an account and region. Set to false where another
   * stack of the account does that already.
   *
   * @default true
   */
  readonly gatewayLoggingRole?: boolean
}

export type Domain = {
  /** Such as `auth.example.com`. */
  readonly name: string
  /** Of a certificate for that name, in the stage's region. */
  readonly certificateArn: string
  /**
   * The Route 53 zone that the name's record is put into.
   *
   * @default - no record is made; point the name at the output `DomainTarget`
   */
  readonly hostedZone?: { readonly id: string; readonly name: string }
}

export type InFront = {
  /** Where callers reach it, such as `https://auth.example.com`. Every issuer is `<url>/<application>`. */
  readonly url: string
  /** The request header in which it says the caller's address, in the place of whatever the caller sent there. */
  readonly addressHeader: string
}

/** A topic of your own, or a topic of the stack's that mails one address (which has to confirm). */
export type AlarmAudience = { readonly topicArn: string } | { readonly email: string }

/** Those whose absence means something. */
type Optional = 'domain' | 'inFront' | 'alarms' | 'breakGlassRoleArn' | 'restoredTable'

/** Every setting decided. */
export type StageSettings = Settings &
  Required<Omit<Settings, Optional>> & {
    /** Lower-case letters, digits and dashes: part of the names of the stack, its functions and its secrets. */
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

/** @throws when there is no such stage, or its settings cannot be; all mistakes are told at once */
export function settingsFor(stage: string): StageSettings {
  const settings = stages[stage]
  if (settings === undefined) {
    throw new Error(`There is no stage "${stage}" in infra/settings.ts; there are ${Object.keys(stages).join(', ')}.`)
  }
  return decide(stage, settings)
}

/** Fills in the defaults and checks the whole. */
export function decide(stage: string, settings: Settings): StageSettings {
  const decided: StageSettings = {
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
    keyRotationDays: 90,
    ...settings,
  }
  const mistakes = mistakesIn(decided)
  if (mistakes.length > 0) throw new Error(`Stage "${stage}" in infra/settings.ts:\n  ${mistakes.join('\n  ')}`)
  return decided
}

/** @returns undefined for no reservation: the function shares the account's concurrency */
export function concurrencyOf(
  { maintenance, reservedConcurrency }: StageSettings,
  name: FunctionName | ScheduledFunction,
): number | undefined {
  // These two serve no caller: one ends the sessions of a restored table, the other checks the keys.
  const goesOn = name === 'sessions' || name === 'check-keys'
  return maintenance && !goesOn ? 0 : reservedConcurrency[name]
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
  const wholeNumbers = {
    ...{ ...throttling, requestsPerAddressIn5Minutes, reauthenticationsIn5Minutes },
  }
  return [
    /^[a-z][a-z0-9-]{0,19}$/.test(stage) || 'its name: lower-case letters, digits and dashes, at most 20',
    /^[a-z]{2}(-[a-z]+)+-\d$/.test(region) || `region: "${region}" is none`,
    logRetention in RetentionDays || `logRetention: CloudWatch Logs has no retention of ${logRetention} days`,
    ...Object.entries(wholeNumbers).map(
      ([name, value]) =>
        (Number.isInteger(value) && value >= 1) || `${name}: ${value} is not a whole number above zero`,
    ),
    ...Object.entries(reservedConcurrency).map(
      ([name, value]) => (Number.isInteger(value) && value >= 0) || `${name}: ${value} is not a whole number`,
    ),
    requestsPerAddressIn5Minutes >= 10 || 'requestsPerAddressIn5Minutes: AWS WAF counts from 10 on',
    keyRotationDays === 0 ||
      (Number.isInteger(keyRotationDays) && keyRotationDays >= 7 && keyRotationDays <= 1000) ||
      `keyRotationDays: ${keyRotationDays} is neither 0 nor a whole number from 7 to 1000`,
    restoredTable === undefined ||
      /^[\w.-]{3,255}$/.test(restoredTable) ||
      `restoredTable: "${restoredTable}" is not the name of a table`,
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
      `inFront.url: "${url}" is not an https URL in lower case without a slash at its end`,
    /^[a-z][a-z0-9-]*$/i.test(addressHeader) || `inFront.addressHeader: "${addressHeader}" is not the name of a header`,
  ]
}

/** Where callers reach the broker, as far as the settings say it. */
export function publicUrlOf({ inFront, domain }: StageSettings): string | undefined {
  return inFront?.url ?? (domain && `https://${domain.name}`)
}

function domainMistakes({ domain, region }: StageSettings): (true | string)[] {
  if (domain === undefined) return []
  const { name, certificateArn, hostedZone } = domain
  return [
    /^([a-z0-9-]+\.)+[a-z]{2,}$/.test(name) || `domain.name: "${name}" is not a lower-case host name`,
    certificateArn.startsWith(`arn:aws:acm:${region}:`) ||
      `domain.certificateArn: a regional API needs a certificate in ${region}, got ${certificateArn}`,
    hostedZone === undefined ||
      name === hostedZone.name ||
      name.endsWith(`.${hostedZone.name}`) ||
      `domain.hostedZone: ${name} is not in the zone ${hostedZone.name}`,
  ]
}
