/** The props of the construct `TokenBroker`, as its users see them. */

import type { ICertificate } from 'aws-cdk-lib/aws-certificatemanager'
import type { IAlarmAction } from 'aws-cdk-lib/aws-cloudwatch'
import type { ITableV2 } from 'aws-cdk-lib/aws-dynamodb'
import type { IInterfaceVpcEndpoint, ISecurityGroup, IVpc, SubnetSelection } from 'aws-cdk-lib/aws-ec2'
import type { IKey } from 'aws-cdk-lib/aws-kms'
import type { RetentionDays } from 'aws-cdk-lib/aws-logs'
import type { IHostedZone } from 'aws-cdk-lib/aws-route53'
import type { ITopic } from 'aws-cdk-lib/aws-sns'
import type { ScheduledFunction } from './deployed-functions.ts'
import type { Registry } from './registry.ts'
import type { FunctionName } from './routes.ts'

/** A function of a route, or one that runs on a schedule. */
export type BrokerFunctionName = FunctionName | ScheduledFunction

export interface TokenBrokerProps {
  /**
   * A part of every name that people and programs look for: `token-broker/<broker name>/…` for secrets and logs,
   * `token-broker-<broker name>-…` for functions, alarms and the dashboard, and the stage in API Gateway's own address. 1 to 30
   * lower-case letters, digits and dashes, beginning with a letter. Another name means other secrets and another issuer.
   *
   * @default - derived from the stack's name and the construct's path, so that several brokers fit into one account and region
   */
  readonly brokerName?: string
  /**
   * Table, keys, keyring and logs outlive the stack, and the table cannot be deleted by mistake.
   *
   * @default true
   */
  readonly keepData?: boolean
  /**
   * Custom domain. Every issuer is `https://<domain name>/<application>`, so choose it before the first client.
   *
   * @default - API Gateway's own address, with the broker's name as first path segment
   */
  readonly domain?: BrokerDomain
  /**
   * A proxy of yours that callers reach instead of the API, such as CloudFront (docs/deploy.md, Something in front).
   *
   * @default - callers reach the API itself
   */
  readonly inFront?: BrokerProxy
  /**
   * How long every log is kept.
   *
   * @default RetentionDays.ONE_YEAR
   */
  readonly logRetention?: RetentionDays
  /**
   * Requests a second per route, and the burst beyond that. More are answered 429.
   *
   * @default - 500 a second, bursts of 1000
   */
  readonly throttling?: BrokerThrottling
  /**
   * Requests of one address in five minutes, 10 at least. More are answered 429. A device that polls every five seconds makes
   * 60, and an office or a cluster may share one address.
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
  readonly reservedConcurrency?: Readonly<Partial<Record<BrokerFunctionName, number>>>
  /**
   * Execution environments that a function of a route keeps ready, so that no caller waits for a cold start. AWS bills them by
   * the hour. At most the function's reserved concurrency.
   *
   * @default - none
   */
  readonly provisionedConcurrency?: Readonly<Partial<Record<FunctionName, number>>>
  /**
   * Who is notified when an alarm begins and ends, by its severity (docs/operations.md, Alarms).
   *
   * @default - alarms are visible, and notify nobody
   */
  readonly alarms?: BrokerAlarmsProps
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
   * Name of a table that was restored from the broker's own and replaces it. The stack uses it without managing it, and leaves
   * its own table as it is (docs/operations.md, Backup and restore).
   *
   * @default - the broker's own table
   */
  readonly restoredTable?: string
  /**
   * An existing table with the keys and indexes of docs/storage.md, for example one that several regions share. The broker does
   * not manage it. `TableV2.fromTableAttributes` also takes its key, which the functions need.
   *
   * @default - a table of the broker's own
   */
  readonly table?: ITableV2
  /**
   * An existing KMS key for the table and the secrets. Its policy has to leave rights to IAM, as the CDK's default does.
   *
   * @default - two keys of the broker's own, one for the table and one for the secrets
   */
  readonly encryptionKey?: IKey
  /**
   * The functions run in this VPC. From its subnets they have to reach DynamoDB, Secrets Manager, S3 (for CloudFormation's
   * answers) and the identity providers.
   *
   * @default - the functions run outside of any VPC of yours
   */
  readonly vpc?: IVpc
  /**
   * Subnets of `vpc` for the functions.
   *
   * @default - the private subnets with egress
   */
  readonly vpcSubnets?: SubnetSelection
  /**
   * Security groups of the functions in `vpc`.
   *
   * @default - one for all functions, which allows all outbound traffic
   */
  readonly securityGroups?: readonly ISecurityGroup[]
  /**
   * Makes the API private: only these interface endpoints for `execute-api` reach it. It has no `domain` then; put a load balancer
   * `inFront` for a name of yours.
   *
   * @default - the API is public
   */
  readonly vpcEndpoints?: readonly IInterfaceVpcEndpoint[]
  /**
   * Applications and clients that each deployment applies. A mistake in them fails the synthesis, and a rollback brings the former
   * ones back. What the command line adds stays. No secret may be in it.
   *
   * @default - `token-broker apply` writes them
   */
  readonly registry?: Registry
  /**
   * The issuer of your account's web identity tokens, `https://<id>.tokens.sts.global.api.aws`, for `trustRole`. Once per account,
   * `aws iam enable-outbound-web-identity-federation` makes it; `aws iam get-outbound-web-identity-federation-info` prints it.
   *
   * @default - `trustRole` has to be told
   */
  readonly awsTokenIssuer?: string
  /**
   * Stack outputs with what operators and the command line need: issuer, table, prefix of the secrets, and more.
   *
   * @default true
   */
  readonly outputs?: boolean
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

/** A name of yours for the API. */
export interface BrokerDomain {
  /** For example `auth.example.com`. */
  readonly domainName: string
  /** Certificate for that name, in the stack's region. */
  readonly certificate: ICertificate
  /**
   * Zone for the name's record.
   *
   * @default - no record; point the name at the output `DomainTarget`
   */
  readonly hostedZone?: IHostedZone
}

/** A proxy that callers reach instead of the API. */
export interface BrokerProxy {
  /** Its public URL, for example `https://auth.example.com`. Every issuer is `<url>/<application>`. */
  readonly url: string
  /** The request header that it sets to the caller's address, replacing a value that the caller sent. */
  readonly addressHeader: string
}

/** How many requests each route takes. */
export interface BrokerThrottling {
  readonly ratePerSecond: number
  readonly burst: number
}

/** Who is notified of which alarms. */
export interface BrokerAlarmsProps {
  /**
   * Somebody has to act now: callers are refused, or a token may be stolen.
   *
   * @default - nobody is notified
   */
  readonly page?: AlarmAudience
  /**
   * Somebody has to act within days.
   *
   * @default - nobody is notified
   */
  readonly ticket?: AlarmAudience
}

/** Who is notified when an alarm begins and ends. */
export interface AlarmAudience {
  /**
   * Addresses that a topic of the broker mails to. Each has to confirm.
   *
   * @default - none
   */
  readonly emails?: readonly string[]
  /**
   * Topics. One of the same app gets a statement that lets the account's alarms publish; an imported one needs it in its policy.
   *
   * @default - none
   */
  readonly topics?: readonly ITopic[]
  /**
   * Any other actions.
   *
   * @default - none
   */
  readonly actions?: readonly IAlarmAction[]
}
