/**
 * The web ACL in front of the API. It limits the requests of each IP address.
 *
 * It does not use AWS's common rule set, which mistakes OAuth for attacks. Those rules block bodies over 8 KB (ours may have
 * 64 KB), long query strings (`state` is the client's choice), parameters with a loopback address (RFC 8252 redirects), and
 * callers without a User-Agent (small programs, which are our clients).
 */

import { Stack } from 'aws-cdk-lib'
import { Metric, type MetricOptions } from 'aws-cdk-lib/aws-cloudwatch'
import { CfnWebACL, CfnWebACLAssociation } from 'aws-cdk-lib/aws-wafv2'
import { Construct } from 'constructs'
import { crossOriginHeaders, securityHeaders } from '../shared/http/headers.ts'
import type { BrokerProxy } from './props.ts'

export type FirewallProps = {
  readonly brokerName: string
  readonly stageArn: string
  readonly requestsPerAddressIn5Minutes: number
  /** @default - callers reach the API directly */
  readonly inFront?: BrokerProxy | undefined
}

const tooMany = 'too-many-requests'

export class Firewall extends Construct {
  private readonly metricName: string

  constructor(
    scope: Construct,
    id: string,
    { brokerName, stageArn, requestsPerAddressIn5Minutes, inFront }: FirewallProps,
  ) {
    super(scope, id)
    this.metricName = `token-broker-${brokerName}`
    const acl = new CfnWebACL(this, 'Acl', {
      scope: 'REGIONAL',
      description: 'Limits the requests of one address to the token broker',
      defaultAction: { allow: {} },
      visibilityConfig: visibilityOf(this.metricName),
      customResponseBodies: {
        [tooMany]: {
          contentType: 'APPLICATION_JSON',
          content: JSON.stringify({
            error: 'temporarily_unavailable',
            error_description: 'This address has made too many requests.',
          }),
        },
      },
      rules: aggregations(inFront).map((aggregation, priority) => {
        const name = priority === 0 ? 'requests-per-address' : 'requests-past-the-front'
        return {
          name,
          priority,
          statement: {
            rateBasedStatement: { ...aggregation, limit: requestsPerAddressIn5Minutes, evaluationWindowSec: 300 },
          },
          action: { block: { customResponse: tooManyRequests() } },
          visibilityConfig: visibilityOf(`${this.metricName}-${name}`),
        }
      }),
    })
    new CfnWebACLAssociation(this, 'Association', { resourceArn: stageArn, webAclArn: acl.attrArn })
  }

  /** The requests that got 429, over all rules. WAF reports no zeros. */
  metricBlockedRequests(options: MetricOptions): Metric {
    return new Metric({
      namespace: 'AWS/WAFV2',
      metricName: 'BlockedRequests',
      // `WebACL` is the ACL's metric name (AWS WAF Developer Guide, Metrics and dimensions).
      dimensionsMap: { WebACL: this.metricName, Rule: 'ALL', Region: Stack.of(this).region },
      statistic: 'Sum',
      ...options,
    })
  }
}

type Aggregation = Pick<
  CfnWebACL.RateBasedStatementProperty,
  'aggregateKeyType' | 'forwardedIpConfig' | 'scopeDownStatement'
>

/**
 * WAF skips a rule that counts by a header if the request lacks that header. A second rule counts such requests by their
 * source address.
 */
function aggregations(inFront: BrokerProxy | undefined): Aggregation[] {
  if (inFront === undefined) return [{ aggregateKeyType: 'IP' }]
  const { addressHeader } = inFront
  const hasHeader: CfnWebACL.StatementProperty = {
    sizeConstraintStatement: {
      fieldToMatch: { singleHeader: { Name: addressHeader.toLowerCase() } },
      comparisonOperator: 'GT',
      size: 0,
      textTransformations: [{ priority: 0, type: 'NONE' }],
    },
  }
  return [
    {
      aggregateKeyType: 'FORWARDED_IP',
      // A header value that is not an address counts as over the limit.
      forwardedIpConfig: { headerName: addressHeader, fallbackBehavior: 'MATCH' },
    },
    { aggregateKeyType: 'IP', scopeDownStatement: { notStatement: { statement: hasHeader } } },
  ]
}

/** RFC 6585 §4. WAF admits an address again once its requests of the last five minutes are below the limit. */
function tooManyRequests(): CfnWebACL.CustomResponseProperty {
  return {
    responseCode: 429,
    customResponseBodyKey: tooMany,
    // WAF blocks addresses, not routes, so every answer has the headers of all routes, CORS included.
    responseHeaders: Object.entries({
      'retry-after': '60',
      'cache-control': 'no-store',
      ...securityHeaders,
      ...crossOriginHeaders,
    }).map(([name, value]) => ({ name, value })),
  }
}

/** Sampling is off, because samples would show client secrets and codes in the console. */
function visibilityOf(metricName: string): CfnWebACL.VisibilityConfigProperty {
  return { metricName, cloudWatchMetricsEnabled: true, sampledRequestsEnabled: false }
}
