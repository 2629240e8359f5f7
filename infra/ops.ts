/**
 * The IAM policy for operators, who may see and end sessions and read their history.
 */

import { ArnFormat, Stack, Validations } from 'aws-cdk-lib'
import type { RestApi } from 'aws-cdk-lib/aws-apigateway'
import { ManagedPolicy, PolicyStatement } from 'aws-cdk-lib/aws-iam'
import { Construct } from 'constructs'
import { functionNames } from './deployed-functions.ts'
import { type BrokerFunction, logGroupOf } from './function.ts'
import { type Method, routes } from './routes.ts'
import { wildcardRule } from './rule-ids.ts'

export type OpsProps = {
  readonly brokerName: string
  readonly api: RestApi
  /** The function that serves the operators' routes. */
  readonly sessions: BrokerFunction
}

export class Ops extends Construct {
  readonly policy: ManagedPolicy
  /** Creates the statements with an operator's rights. Each policy needs its own instances. */
  readonly statements: () => PolicyStatement[]

  constructor(scope: Construct, id: string, { brokerName, api, sessions }: OpsProps) {
    super(scope, id)
    const invoked = opsCalls().map(({ method, path }) => api.arnForExecuteApi(method, path, brokerName))
    const logs = Stack.of(this).formatArn({
      service: 'logs',
      resource: 'log-group',
      resourceName: `/token-broker/${brokerName}/*`,
      arnFormat: ArnFormat.COLON_RESOURCE_NAME,
    })
    this.statements = () => [
      new PolicyStatement({ actions: ['execute-api:Invoke'], resources: invoked }),
      new PolicyStatement({ actions: ['logs:StartQuery'], resources: [logs] }),
      // This action does not support resources (Service Authorization Reference). A caller needs the query's random id.
      new PolicyStatement({ actions: ['logs:GetQueryResults'], resources: ['*'] }),
    ]
    this.policy = new ManagedPolicy(this, 'Policy', {
      // Policy names are unique per account, across regions.
      managedPolicyName: `token-broker-${brokerName}-${Stack.of(this).region}-ops`,
      description: `Token Broker (${brokerName}): see and end the sessions of every application, and read their history`,
      statements: this.statements(),
    })
    Validations.of(this.policy).acknowledge(
      ...invoked.map((arn) => ({
        id: wildcardRule(this, arn),
        reason: 'Each * stands for an application or a session in the path, and these are not known at deployment.',
      })),
    )
    Validations.of(this.policy).acknowledge(
      {
        id: wildcardRule(this, logs),
        reason:
          'The * stands for the functions of the broker. The history of a session comes from the logs of all of them.',
      },
      { id: 'AwsSolutions-IAM5[Resource::*]', reason: 'logs:GetQueryResults does not support resources.' },
    )
    const groups = [...functionNames, 'retry-revocations'] as const
    sessions.allow([], { AUDIT_LOG_GROUPS: groups.map((name) => logGroupOf(brokerName, name)).join(',') })
  }
}

type Call = { readonly method: Method; readonly path: string }

function opsCalls(): Call[] {
  return routes
    .filter(({ authorization }) => authorization === 'iam')
    .flatMap(({ path, methods }) => methods.map((method) => ({ method, path: path.replace(/\{\w+\}/g, '*') })))
}
