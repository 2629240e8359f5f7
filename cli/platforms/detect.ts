/** Detects the platform of this process from its environment. */

import { existsSync } from 'node:fs'
import { projectedTokenPath, tokenFileVariable } from './kubernetes.ts'

/** Set by AWS for a Lambda function, a container, or a role of a service account. */
const awsVariables = [
  'AWS_LAMBDA_FUNCTION_NAME',
  'AWS_EXECUTION_ENV',
  'AWS_CONTAINER_CREDENTIALS_RELATIVE_URI',
  'AWS_CONTAINER_CREDENTIALS_FULL_URI',
  'AWS_WEB_IDENTITY_TOKEN_FILE',
]

/** The innermost first: a pipeline may run in a cluster, and a cluster in AWS. */
export function detectPlatform(): string | undefined {
  const { env } = process
  if (env.GITHUB_ACTIONS || env.ACTIONS_ID_TOKEN_REQUEST_URL) return 'github'
  if (env.GITLAB_CI) return 'gitlab'
  if (env[tokenFileVariable] || existsSync(projectedTokenPath)) return 'kubernetes'
  if (awsVariables.some((name) => env[name])) return 'aws'
  return env.KUBERNETES_SERVICE_HOST ? 'kubernetes' : undefined
}
