/**
 * What ops need beside the API: the policy that lets somebody call its routes for ops, and where a session's history is.
 *
 * Owns the policy. Must not know who is in it: it is attached to whom you choose.
 */

import { ArnFormat, type CfnElement, Stack, Validations } from 'aws-cdk-lib'
import type { RestApi } from 'aws-cdk-lib/aws-apigateway'
import { ManagedPolicy, PolicyStatement } from 'aws-cdk-lib/aws-iam'
import { Construct } from 'constructs'
import { functionNames } from './bundle.ts'
import { type BrokerFunction, logGroupOf } from './function.ts'
import { type Method, routes } from './routes.ts'

export type OpsProps = {
  readonly stage: string
  readonly api: RestApi
  /** The function behind the routes. */
  readonly sessions: BrokerFunction
}

export class Ops extends Construct {
  readonly policy: ManagedPolicy

  constructor(scope: Construct, id: string, { stage, api, sessions }: OpsProps) {
    super(scope, id)
    const calls = callable()
    const logs = Stack.of(this).formatArn({
      service: 'logs',
      resource: 'log-group',
      resourceName: `/token-broker/${stage}/*`,
      arnFormat: ArnFormat.COLON_RESOURCE_NAME,
    })
    this.policy = new ManagedPolicy(this, 'Policy', {
      // IAM has no regions.
      managedPolicyName: `token-broker-${stage}-${Stack.of(this).region}-ops`,
      description: `Token Broker (${stage}): to see and end the sessions of every application, and what happened to them`,
      statements: [
        new PolicyStatement({
          actions: ['execute-api:Invoke'],
          resources: calls.map(({ method, path }) => api.arnForExecuteApi(method, path, stage)),
        }),
        new PolicyStatement({ actions: ['logs:StartQuery'], resources: [logs] }),
        // It has no resources (Service Authorization Reference); a result is found by the query's own random id.
        new PolicyStatement({ actions: ['logs:GetQueryResults'], resources: ['*'] }),
      ],
    })
    Validations.of(this.policy).acknowledge(
      ...calls.map(({ method, path }) => ({
        id: `AwsSolutions-IAM5[Resource::${asRulesSee(api)}/${stage}/${method}${path}]`,
        reason: 'The * stand for the application and for the session in the path, which are not known here.',
      })),
    )
    Validations.of(this.policy).acknowledge(
      {
        id: `AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:logs:${Stack.of(this).region}:<AWS::AccountId>:log-group:/token-broker/${stage}/*]`,
        reason: 'The * stands for the functions of the stage, whose lines a history is made of.',
      },
      { id: 'AwsSolutions-IAM5[Resource::*]', reason: 'logs:GetQueryResults knows no resources.' },
    )
    const groups = [...functionNames, 'retry-revocations'] as const
    sessions.allow([], { AUDIT_LOG_GROUPS: groups.map((name) => logGroupOf(stage, name)).join(',') })
  }
}

type Call = { readonly method: Method; readonly path: string }

function callable(): Call[] {
  return routes
    .filter(({ authorization }) => authorization === 'iam')
    .flatMap(({ path, methods }) => methods.map((method) => ({ method, path: path.replace(/\{\w+\}/g, '*') })))
}

function asRulesSee(api: RestApi): string {
  const { region } = Stack.of(api)
  const id = Stack.of(api).getLogicalId(api.node.defaultChild as CfnElement)
  return `arn:<AWS::Partition>:execute-api:${region}:<AWS::AccountId>:<${id}>`
}
