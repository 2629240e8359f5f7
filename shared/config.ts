/** The environment variables of the functions. The SDK reads its own (region, credentials, AWS_ENDPOINT_URL_DYNAMODB). */

export type Config = {
  readonly tableName: string
  /** Public base URL without trailing slash; undefined: the domain of the gateway's request context. */
  readonly baseUrl: string | undefined
  /** See shared/secrets.ts. */
  readonly secrets: string
  /** The log groups with the audit log; empty if the log goes elsewhere. */
  readonly auditLogGroups: readonly string[]
}

/** The name, in lower case, of the header with the caller's IP address; undefined without a proxy in front of the gateway. */
export function addressHeaderIn({ ADDRESS_HEADER }: Readonly<Record<string, string | undefined>>): string | undefined {
  return ADDRESS_HEADER?.toLowerCase()
}

/** Public base URL without trailing slash; undefined: the domain of the gateway's request context. */
export function baseUrlIn({ BASE_URL }: Readonly<Record<string, string | undefined>>): string | undefined {
  return BASE_URL ? BASE_URL.replace(/\/+$/, '') : undefined
}

/** @throws when a required variable is missing */
export function configFrom(environment: Readonly<Record<string, string | undefined>>): Config {
  const { TABLE_NAME, SECRETS, AUDIT_LOG_GROUPS } = environment
  if (!TABLE_NAME || !SECRETS) throw new Error('TABLE_NAME and SECRETS must be set')
  return {
    tableName: TABLE_NAME,
    baseUrl: baseUrlIn(environment),
    secrets: SECRETS,
    auditLogGroups: AUDIT_LOG_GROUPS ? AUDIT_LOG_GROUPS.split(',') : [],
  }
}
