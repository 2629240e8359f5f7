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

/** A function that serves a route, or one that runs on a schedule. */
export type BrokerFunctionName = FunctionName | ScheduledFunction

export interface TokenBrokerProps {
  /**
   * A part of every resource name that people and programs use: `token-broker/<broker name>/…` for secrets and log
   * groups, `token-broker-<broker name>-…` for functions, alarms and the dashboard, and the stage name in API Gateway's
   * own address. 1 to 30 lower-case letters, digits and dashes, starting with a letter. Never change the name of a
   * deployed broker: CloudFormation does not move a custom resource to a function of another name.
   *
   * @default - derived from the stack's name and the construct's path, so that several brokers fit into one account and
   *   region
   */
  readonly brokerName?: string
  /**
   * Whether the table, keys, keyring and logs outlive the stack. If true, the table is also protected from deletion.
   *
   * @default true
   */
  readonly keepData?: boolean
  /**
   * The API's custom domain. Every issuer is `https://<domain name>/<application>`, so choose it before you register the
   * first client.
   *
   * @default - API Gateway's own address, with the broker's name as first path segment
   */
  readonly domain?: BrokerDomain
  /**
   * Your own proxy in front of the API, such as CloudFront (docs/deploy.md, Something in front).
   *
   * @default - callers reach the API directly
   */
  readonly inFront?: BrokerProxy
  /**
   * How long CloudWatch keeps each log.
   *
   * @default RetentionDays.ONE_YEAR
   */
  readonly logRetention?: RetentionDays
  /**
   * How many requests each route accepts. Requests above the limit get 429.
   *
   * @default - 500 requests per second, bursts of 1000
   */
  readonly throttling?: BrokerThrottling
  /**
   * How many requests one IP address may make in five minutes; the minimum is 10. Requests above the limit get 429. A
   * device that polls every five seconds makes 60 requests, and all callers in an office or a cluster may share one
   * address.
   *
   * @default 3000
   */
  readonly requestsPerAddressIn5Minutes?: number
  /**
   * Reserved concurrency by function. It is both guaranteed and a maximum, so a storm of polls cannot starve refreshes.
   * Requests above it get 503 with Retry-After. 0 stops the function.
   *
   * @default - all functions share the account's concurrency
   */
  readonly reservedConcurrency?: Readonly<Partial<Record<BrokerFunctionName, number>>>
  /**
   * Provisioned concurrency by function: execution environments that stay warm, so that callers do not wait for a cold
   * start. AWS bills them by the hour. It cannot exceed the function's reserved concurrency.
   *
   * @default - none
   */
  readonly provisionedConcurrency?: Readonly<Partial<Record<FunctionName, number>>>
  /**
   * Who is notified when an alarm starts and ends, by severity (docs/operations.md, Alarms).
   *
   * @default - CloudWatch shows the alarms, but notifies nobody
   */
  readonly alarms?: BrokerAlarmsProps
  /**
   * Threshold of the alarm `reauthentications-needed`: the number of requests in five minutes that are refused because their
   * session is over. Some are normal, because sessions reach their limits; how many depends on the number of sessions.
   *
   * @default 20
   */
  readonly reauthenticationsIn5Minutes?: number
  /**
   * Whether to create a CloudWatch dashboard. An account's first three dashboards are free; each additional one costs
   * three US dollars a month.
   *
   * @default true
   */
  readonly dashboard?: boolean
  /**
   * Whether to serve the pages at `/apidocs/`, where people can read the API and try it in a browser. `/openapi.json` is
   * always available.
   *
   * @default false
   */
  readonly apiDocs?: boolean
  /**
   * Days between two automatic rotations of the keyring: 7 to 1000, or 0 if only operators rotate it. Shorter intervals
   * are not possible, because MAC and sealing keys are kept for a year and must all fit into one secret.
   *
   * @default 90
   */
  readonly keyRotationDays?: number
  /**
   * Stops everything but the operators' routes, for example during a restore. All other requests get 503 with Retry-After
   * and change nothing. A broker with `provisionedConcurrency` has to be deployed without that first.
   *
   * @default false
   */
  readonly maintenance?: boolean
  /**
   * Name of a table that was restored from the broker's own table and replaces it. The stack uses the restored table without
   * managing it, and leaves its own table unchanged (docs/operations.md, Backup and restore).
   *
   * @default - the broker's own table
   */
  readonly restoredTable?: string
  /**
   * An existing table with the keys and indexes of docs/storage.md. It belongs to this broker alone, which does not manage
   * it. If it has a customer managed key, import it by `TableV2.fromTableAttributes` with that
   * key, because the functions need rights to it.
   *
   * @default - the broker creates a table
   */
  readonly table?: ITableV2
  /**
   * An existing KMS key for the table and the secrets. Its policy must let IAM policies grant access, as the CDK's
   * default key policy does. Choose it at the first deployment: if it changes later, sign-ins fail until the providers' secrets are
   * moved to the new key (docs/deploy.md).
   *
   * @default - the broker creates two keys, one for the table and one for the secrets
   */
  readonly encryptionKey?: IKey
  /**
   * The VPC in which the functions run. From its subnets they must reach DynamoDB, Secrets Manager, S3 (to answer
   * CloudFormation) and the identity providers.
   *
   * @default - the functions run outside your VPCs
   */
  readonly vpc?: IVpc
  /**
   * Subnets of `vpc` for the functions.
   *
   * @default - the private subnets with egress
   */
  readonly vpcSubnets?: SubnetSelection
  /**
   * Security groups for the functions in `vpc`.
   *
   * @default - one group for all functions, which allows all outbound traffic
   */
  readonly securityGroups?: readonly ISecurityGroup[]
  /**
   * Interface endpoints for `execute-api`. If set, the API is private: it can only be reached through these endpoints. It
   * then takes no `domain`; for a name of its own, put a reverse proxy `inFront` (docs/deploy.md, A private network).
   *
   * @default - the API is public
   */
  readonly vpcEndpoints?: readonly IInterfaceVpcEndpoint[]
  /**
   * Applications and clients. A deployment applies them if they have changed. Mistakes make the synthesis fail, and a rollback restores the
   * previous registry. Clients that were added with the command line are kept. It must not contain secrets.
   *
   * @default - none; register applications and clients with `token-broker apply`
   */
  readonly registry?: Registry
  /**
   * The issuer of your account's web identity tokens, `https://<id>.tokens.sts.global.api.aws`, for `trustRole`. Run
   * `aws iam enable-outbound-web-identity-federation` once per account to create it, and
   * `aws iam get-outbound-web-identity-federation-info` to print it.
   *
   * @default - none; pass `awsTokenIssuer` to each call of `trustRole`
   */
  readonly awsTokenIssuer?: string
  /**
   * Whether to create the stack outputs that operators and the command line use: issuer, table name, prefix of the
   * secrets, and more.
   *
   * @default true
   */
  readonly outputs?: boolean
  /**
   * ARN of a role that may read the keyring in an emergency, if its own policies allow it; `*` matches any text. The
   * keyring's policy denies everyone else except the functions, including administrators.
   *
   * @default - none; in an emergency, an administrator changes the policy of the secret first, which CloudTrail records
   */
  readonly breakGlassRoleArn?: string
  /**
   * Whether to create the role that API Gateway uses to write logs. There is one such role per account and region, so set
   * this to false if another stack has already created it.
   *
   * @default true
   */
  readonly gatewayLoggingRole?: boolean
}

/** The API's custom domain. */
export interface BrokerDomain {
  /** For example `auth.example.com`. */
  readonly domainName: string
  /** An ACM certificate for that name, in the stack's region. */
  readonly certificate: ICertificate
  /**
   * The hosted zone in which to create the DNS record.
   *
   * @default - no record is created; point the name at the stack output `DomainTarget`
   */
  readonly hostedZone?: IHostedZone
}

/** Your own proxy in front of the API. */
export interface BrokerProxy {
  /** The proxy's public URL, for example `https://auth.example.com`. Every issuer is `<url>/<application>`. */
  readonly url: string
  /**
   * The request header that holds the caller's IP address. The proxy must set it on every request and replace any value
   * that the caller sent. An Application Load Balancer cannot do that: it appends to `X-Forwarded-For`.
   */
  readonly addressHeader: string
}

/** How many requests each route accepts. */
export interface BrokerThrottling {
  readonly ratePerSecond: number
  readonly burst: number
}

/** Who is notified of alarms, by severity. */
export interface BrokerAlarmsProps {
  /**
   * Alarms that need action now: callers are refused, or a token may have been stolen.
   *
   * @default - nobody is notified
   */
  readonly page?: AlarmAudience
  /**
   * Alarms that need action within days.
   *
   * @default - nobody is notified
   */
  readonly ticket?: AlarmAudience
}

/** Who is notified when an alarm starts and ends. */
export interface AlarmAudience {
  /**
   * E-mail addresses. The broker creates a topic that sends to them; each recipient has to confirm the subscription.
   *
   * @default - none
   */
  readonly emails?: readonly string[]
  /**
   * Existing topics. A topic of the same app gets a policy statement that lets the account's alarms publish. The policy
   * of an imported topic must already have such a statement.
   *
   * @default - none
   */
  readonly topics?: readonly ITopic[]
  /**
   * Any other alarm actions.
   *
   * @default - none
   */
  readonly actions?: readonly IAlarmAction[]
}
