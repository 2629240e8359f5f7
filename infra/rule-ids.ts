/**
 * The rule ids by which cdk-nag acknowledges wildcards in policies. They differ if an app does not know its account or
 * region.
 */

import { Stack } from 'aws-cdk-lib'
import type { Construct } from 'constructs'

/** @param resource an ARN with a wildcard, exactly as in the policy */
export function wildcardRule(scope: Construct, resource: string): string {
  return `AwsSolutions-IAM5[Resource::${textOf(Stack.of(scope).resolve(resource))}]`
}

/** cdk-nag writes a reference as `<logical id>`. */
function textOf(value: unknown): string {
  if (typeof value === 'string') return value
  const { Ref, 'Fn::Join': join, 'Fn::GetAtt': attribute } = value as Intrinsic
  if (join !== undefined) return join[1].map(textOf).join(join[0])
  return `<${Ref ?? attribute?.join('.')}>`
}

type Intrinsic = {
  readonly Ref?: string
  readonly 'Fn::Join'?: readonly [string, readonly unknown[]]
  readonly 'Fn::GetAtt'?: readonly [string, string]
}
