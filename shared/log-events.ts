/**
 * The schema of the log (docs/audit.md): every event, with its levels and fields.
 *
 * The functions import only the names, as a type, so this list is in no bundle. Tests hold the log and the document against it.
 */

import type { LogFields } from './log.ts'

type Field = Exclude<keyof LogFields, 'level' | 'event'>

export type LogEvent = {
  readonly levels: readonly LogFields['level'][]
  /** Fields of every line. */
  readonly always: readonly Field[]
  /** Fields of some lines. */
  readonly sometimes: readonly Field[]
}

const call = ['request_id', 'application', 'ip'] as const
const session = [...call, 'client_id', 'sid'] as const
/** Fields of the line that ends a request, whatever its event. */
const request = ['request_id', 'route', 'method', 'status', 'duration_ms', 'ip'] as const
const failure = ['error', 'reason'] as const
const concluded = [...request, 'application', 'client_id', 'sid'] as const
const ops = [...call, 'actor', 'reason'] as const
/** The provider is told of an end within a request, or in a scheduled run. */
const told = ['application', 'client_id', 'sid', 'sub'] as const

export const logEvents = {
  // --- transitions of a session
  'session.opened': { levels: ['info', 'error'], always: [...concluded, 'flow'], sometimes: ['sub', ...failure] },
  'session.approved': { levels: ['info'], always: [...session, 'sub', 'flow'], sometimes: [] },
  'session.denied': { levels: ['info'], always: [...session, 'flow'], sometimes: [] },
  'session.redeemed': {
    levels: ['info', 'error'],
    always: [...concluded, 'sub', 'flow', 'generation'],
    sometimes: failure,
  },
  'session.rotated': { levels: ['info', 'error'], always: [...concluded, 'sub', 'generation'], sometimes: failure },
  'session.grace_retry': {
    levels: ['info', 'error'],
    always: [...concluded, 'sub', 'generation'],
    sometimes: ['flow', ...failure],
  },
  'session.reuse_detected': { levels: ['warn'], always: [...session, 'generation', 'reason'], sometimes: ['sub'] },
  'session.revoked': {
    levels: ['info', 'warn'],
    always: [...session, 'reason'],
    sometimes: ['sub', 'flow', 'generation', 'actor', 'note'],
  },
  // --- credentials and tokens
  'credential.foreign': { levels: ['warn'], always: session, sometimes: ['generation'] },
  'user_code.wrong': { levels: ['warn'], always: call, sometimes: [] },
  'token.exchanged': { levels: ['info', 'error'], always: [...concluded, 'sub', 'flow'], sometimes: failure },
  'token.issued': {
    levels: ['info', 'error'],
    always: [...request, 'application', 'client_id', 'sub'],
    sometimes: failure,
  },
  // --- ops
  'sessions.revoked': { levels: ['info'], always: ops, sometimes: ['client_id', 'sub', 'note', 'count'] },
  // --- the provider
  'provider.unexpected': { levels: ['warn', 'error'], always: [...call, 'client_id', 'reason'], sometimes: ['sid'] },
  'provider.changed': { levels: ['warn'], always: [...call, 'reason'], sometimes: ['client_id', 'sid', 'sub'] },
  'provider.refreshed': { levels: ['info'], always: [...session, 'sub'], sometimes: [] },
  'provider.refreshed_late': { levels: ['warn'], always: [...session, 'sub'], sometimes: [] },
  'provider.refresh_refused': { levels: ['warn'], always: [...session, 'sub'], sometimes: [] },
  'provider.refresh_failed': { levels: ['warn'], always: [...session, 'sub', 'reason'], sometimes: [] },
  'provider.revoked': { levels: ['info'], always: told, sometimes: ['request_id', 'ip', 'reason'] },
  'provider.revocation_failed': {
    levels: ['warn'],
    always: [...told, 'reason'],
    sometimes: ['request_id', 'ip'],
  },
  'provider.revocation_abandoned': {
    levels: ['warn'],
    always: [...told, 'reason'],
    sometimes: ['request_id', 'ip'],
  },
  // --- the keyring
  'keyring.created': { levels: ['info'], always: [], sometimes: [] },
  'keyring.kept': { levels: ['info'], always: [], sometimes: [] },
  'keyring.rotated': { levels: ['info'], always: ['reason'], sometimes: ['request_id'] },
  'keyring.keys_retired': { levels: ['warn'], always: ['reason'], sometimes: ['request_id'] },
  'keyring.checked': { levels: ['info'], always: ['age_days'], sometimes: [] },
  // --- the registry
  'registry.changed': { levels: ['info'], always: ['application', 'reason'], sometimes: ['client_id', 'change'] },
  'registry.applied': { levels: ['info'], always: ['count'], sometimes: [] },
  // --- every request
  fault: {
    levels: ['warn', 'error'],
    always: ['fault'],
    sometimes: ['request_id', 'route', 'application', 'client_id', 'ip', 'actor', 'reason'],
  },
  request: {
    levels: ['info', 'error'],
    always: request,
    sometimes: ['application', 'client_id', ...failure, 'actor'],
  },
} as const satisfies Readonly<Record<string, LogEvent>>

export type LogEventName = keyof typeof logEvents
