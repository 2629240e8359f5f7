/**
 * What the environment tells a function.
 *
 * Owns the names of the variables; the SDK reads its own (region, credentials, AWS_ENDPOINT_URL_DYNAMODB).
 */

export type Config = {
  readonly tableName: string
  /** Public base URL without trailing slash; absent: as the gateway's request context says. */
  readonly baseUrl: string | undefined
  /** See shared/secrets.ts. */
  readonly secrets: string
  /** The log groups that hold the audit lines of a session; none where the log goes elsewhere. */
  readonly auditLogGroups: readonly string[]
}

/** Name, in lower case, of the header in which a proxy in front of the gateway passes the caller's address; undefined without a proxy. */
export function addressHeaderIn({ ADDRESS_HEADER }: Readonly<Record<string, string | undefined>>): string | undefined {
  return ADDRESS_HEADER?.toLowerCase()
}

/** Public base URL without trailing slash; undefined: as the gateway's request context says. */
export function baseUrlIn({ BASE_URL }: Readonly<Record<string, string | undefined>>): string | undefined {
  return BASE_URL ? BASE_URL.replace(/\/+$/, '') : undefined
}

/** @throws when a variable is missing: the function cannot work, and says so at its first request */
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
