/** Lists the account's resources, and knows which of them a broker leaves on purpose (docs/deploy.md, Take down). */

import { type Operator, stage } from './operator.ts'

/** All resources in the account that a stack of the broker may have created. */
export async function inventory(operator: Operator): Promise<readonly string[]> {
  const ask = async (kind: string, query: string, ...words: readonly string[]) => {
    const names = (await operator.aws(...words, '--query', query)) as readonly string[] | null
    return (names ?? []).map((name) => `${kind} ${name}`)
  }
  const keys = (await ask('key', 'Keys[].KeyId', 'kms', 'list-keys')).map((key) => key.slice('key '.length))
  const live: string[] = []
  for (const key of keys) {
    const enabled = await ask('key', 'KeyMetadata.[KeyId,KeyState,Description]', 'kms', 'describe-key', '--key-id', key)
    if (!enabled.includes('key PendingDeletion')) live.push(`key ${enabled.map((word) => word.slice(4)).join(' ')}`)
  }
  return [
    ...(await ask('table', 'TableNames', 'dynamodb', 'list-tables')),
    ...live,
    ...(await ask('secret', 'SecretList[].Name', 'secretsmanager', 'list-secrets')),
    ...(await ask('log group', 'logGroups[].logGroupName', 'logs', 'describe-log-groups')),
    ...(await ask('function', 'Functions[].FunctionName', 'lambda', 'list-functions')),
    ...(await ask('API', 'items[].name', 'apigateway', 'get-rest-apis')),
    ...(await ask('role', 'Roles[].RoleName', 'iam', 'list-roles')),
    ...(await ask('policy', 'Policies[].PolicyName', 'iam', 'list-policies', '--scope', 'Local')),
    ...(await ask('alarm', 'MetricAlarms[].AlarmName', 'cloudwatch', 'describe-alarms')),
    ...(await ask('dashboard', 'DashboardEntries[].DashboardName', 'cloudwatch', 'list-dashboards')),
    ...(await ask('rule', 'Rules[].Name', 'events', 'list-rules')),
    ...(await ask('web ACL', 'WebACLs[].Name', 'wafv2', 'list-web-acls', '--scope', 'REGIONAL')),
    ...(await ask('bucket', 'Buckets[].Name', 's3api', 'list-buckets')),
    ...(await ask('stack', 'Stacks[].StackName', 'cloudformation', 'describe-stacks')),
  ].filter((one) => !/cdk-hnb659fds|CDKToolkit/.test(one))
}

/** The stack does not delete this role, because other APIs of the account may use it. */
export function isLoggingRole(one: string): boolean {
  return /^role .*GatewayApiCloudWatchRole/.test(one)
}

/** Operators create these secrets, so the stack does not delete them. */
export function isProviderSecret(one: string): boolean {
  return one.startsWith(`secret token-broker/${stage}/provider/`)
}
