/** The CloudWatch Logs Insights query for the history of a session, and the lines themselves if this process keeps them. */

import type { Family } from '../domain/family.ts'
import { sink } from '../log.ts'
import { isoTimestamp } from './session-view.ts'

export type AuditQuery = {
  /** Empty where the log goes elsewhere, as on a laptop. */
  readonly log_groups: readonly string[]
  readonly query: string
  /** Nothing of it is older. */
  readonly from: string
}

/** All that names the session, and what ended it along with all of its client or application. */
export function auditQuery(
  { sid, application, clientId, createdAt }: Family,
  logGroups: readonly string[],
): AuditQuery {
  const whole = `event = "sessions.revoked" and application = ${quoted(application)}`
  return {
    log_groups: logGroups,
    query: [
      'fields @timestamp, event, client_id, sub, ip, generation, reason, actor, note, request_id',
      `| filter sid = ${quoted(sid)}`,
      `    or (${whole} and reason = "ops:application")`,
      `    or (${whole} and reason = "ops:client" and client_id = ${quoted(clientId)})`,
      '| sort @timestamp asc',
      '| limit 10000',
    ].join('\n'),
    from: isoTimestamp(createdAt),
  }
}

/** What the query would find among the lines that this process keeps, the oldest first; undefined where it keeps none. */
export function auditLines({ sid, application, clientId }: Family): readonly object[] | undefined {
  return sink.memory
    ?.map((text) => JSON.parse(text) as Readonly<Record<string, unknown>>)
    .filter((line) => {
      if (line.sid === sid) return true
      if (line.event !== 'sessions.revoked' || line.application !== application) return false
      return line.reason === 'ops:application' || (line.reason === 'ops:client' && line.client_id === clientId)
    })
}

function quoted(text: string): string {
  return `"${text.replace(/["\\]/g, '\\$&')}"`
}
