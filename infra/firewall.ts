/**
 * The firewall in front of the API: how much one address may ask for.
 *
 * Owns the rules. Must not know the routes.
 *
 * AWS's common rule set is left out on purpose, since it takes OAuth for an attack: it blocks bodies over 8 KB (ours end
 * at 64), long query strings (a `state` is the client's), parameters that hold an address (`redirect_uri` of RFC 8252's
 * `http://127.0.0.1`), and callers without a User-Agent (small programs, which is who calls us).
 */

import { CfnWebACL, CfnWebACLAssociation } from 'aws-cdk-lib/aws-wafv2'
import { Construct } from 'constructs'
import { crossOriginHeaders, securityHeaders } from '../shared/http/headers.ts'
import type { InFront } from './settings.ts'

export type FirewallProps = {
  readonly stage: string
  readonly stageArn: string
  readonly requestsPerAddressIn5Minutes: number
  /** @default - callers reach the API itself */
  readonly inFront?: InFront | undefined
}

const tooMany = 'too-many-requests'

export class Firewall extends Construct {
  constructor(scope: Construct, id: string, { stage, stageArn, requestsPerAddressIn5Minutes, inFront }: FirewallProps) {
    super(scope, id)
    const acl = new CfnWebACL(this, 'Acl', {
      scope: 'REGIONAL',
      description: 'How much one address may ask of the token broker',
      defaultAction: { allow: {} },
      visibilityConfig: measuredAs(`token-broker-${stage}`),
      customResponseBodies: {
        [tooMany]: {
          contentType: 'APPLICATION_JSON',
          content: JSON.stringify({
            error: 'temporarily_unavailable',
            error_description: 'This address has made too many requests.',
          }),
        },
      },
      rules: countings(inFront).map((counted, priority) => {
        const name = priority === 0 ? 'requests-per-address' : 'requests-past-the-front'
        return {
          name,
          priority,
          statement: {
            rateBasedStatement: { ...counted, limit: requestsPerAddressIn5Minutes, evaluationWindowSec: 300 },
          },
          action: { block: { customResponse: tooManyRequests() } },
          visibilityConfig: measuredAs(`token-broker-${stage}-${name}`),
        }
      }),
    })
    new CfnWebACLAssociation(this, 'Association', { resourceArn: stageArn, webAclArn: acl.attrArn })
  }
}

type Counting = Pick<
  CfnWebACL.RateBasedStatementProperty,
  'aggregateKeyType' | 'forwardedIpConfig' | 'scopeDownStatement'
>

/** WAF skips a rule that counts by a header when a request lacks the header. A second rule counts those by their own address. */
function countings(inFront: InFront | undefined): Counting[] {
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
      // What is no address counts as over the limit.
      forwardedIpConfig: { headerName: addressHeader, fallbackBehavior: 'MATCH' },
    },
    { aggregateKeyType: 'IP', scopeDownStatement: { notStatement: { statement: hasHeader } } },
  ]
}

/** RFC 6585 §4. The rule lets an address through again when its last five minutes are below the limit. */
function tooManyRequests(): CfnWebACL.CustomResponseProperty {
  return {
    responseCode: 429,
    customResponseBodyKey: tooMany,
    // Sent for every route, as with the gateway's own answers (gateway-errors.ts): WAF blocks addresses, not routes.
    responseHeaders: Object.entries({
      'retry-after': '60',
      'cache-control': 'no-store',
      ...securityHeaders,
      ...crossOriginHeaders,
    }).map(([name, value]) => ({ name, value })),
  }
}

/** Sampled requests would show headers and query strings, so client secrets and codes, in the console. */
function measuredAs(metricName: string): CfnWebACL.VisibilityConfigProperty {
  return { metricName, cloudWatchMetricsEnabled: true, sampledRequestsEnabled: false }
}
