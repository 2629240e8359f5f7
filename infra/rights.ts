/**
 * Who may do what, as a table to be read.
 *
 * Owns the least that each function needs. Must not know how a right is written: the construct that owns the thing does.
 */

import type { ScheduledFunction } from './bundle.ts'
import type { BrokerFunction } from './function.ts'
import type { FunctionName } from './routes.ts'
import type { BrokerSecrets } from './secrets.ts'
import type { BrokerTable } from './table.ts'

type Right =
  | 'read registrations'
  | 'open families'
  | 'move families'
  | 'read families'
  | 'hand out provider tokens'
  | 'keep provider tokens'
  | 'forget provider tokens'
  | 'find revocations due'
  | 'count attempts'
  | 'record assertions'
  | 'list applications'
  | 'list registrations'
  | 'revoke registrations'
  | 'find families'
  | 'read the keyring'
  | 'read provider secrets'

/** Every function finds out whom it speaks for and to, and signs, checks or publishes something. */
const everyone: readonly Right[] = ['read registrations', 'read the keyring']

/** Who authenticates clients may be shown an assertion. */
const authenticating: readonly Right[] = [...everyone, 'record assertions']

/** Who may have to give a client the provider's access token speaks to the provider, and ends what it has refused. */
const vault: readonly Right[] = ['hand out provider tokens', 'read provider secrets']

/** Who may meet the end of a session, reuse included, takes the provider's tokens with it. */
const ending: readonly Right[] = ['forget provider tokens', 'read provider secrets']

/** Who moves families reads them too: a write whose answer was lost is looked up before anyone is told to try again. */
const rights: Readonly<Record<FunctionName | ScheduledFunction, readonly Right[]>> = {
  'start-device-flow': [...authenticating, 'open families', 'read families', 'read provider secrets'],
  poll: [...authenticating, 'move families', 'read families', ...vault, ...ending, 'keep provider tokens'],
  'exchange-code': [...authenticating, 'move families', 'read families', ...vault, ...ending],
  refresh: [...authenticating, 'move families', 'read families', ...vault, ...ending],
  'client-credentials': authenticating,
  'exchange-token': [...authenticating, 'move families', 'read families', ...vault],
  token: [...authenticating, 'move families', 'read families', ...vault, ...ending, 'keep provider tokens'],
  revoke: [...authenticating, 'move families', 'read families', ...ending],
  introspect: [...authenticating, 'read families'],
  userinfo: [...everyone, 'read families'],
  authorize: [...everyone, 'read provider secrets'],
  callback: [
    ...everyone,
    'read provider secrets',
    'open families',
    'move families',
    'read families',
    'keep provider tokens',
  ],
  activate: [...everyone, 'read provider secrets', 'move families', 'read families', 'count attempts'],
  metadata: everyone,
  sessions: [
    ...everyone,
    'list applications',
    'list registrations',
    'revoke registrations',
    'find families',
    'read families',
    'move families',
  ],
  'retry-revocations': [...everyone, 'find revocations due', 'move families', 'read families', ...ending],
  'check-keys': ['read the keyring'],
}

export function grantRights(
  functions: Readonly<Record<FunctionName | ScheduledFunction, BrokerFunction>>,
  table: BrokerTable,
  secrets: BrokerSecrets,
): void {
  const grants: Readonly<Record<Right, (fn: BrokerFunction) => void>> = {
    'read registrations': (fn) => table.grantReadRegistrations(fn),
    'open families': (fn) => table.grantOpenFamilies(fn),
    'move families': (fn) => table.grantMoveFamilies(fn),
    'read families': (fn) => table.grantReadFamilies(fn),
    'hand out provider tokens': (fn) => table.grantReadSessions(fn),
    'keep provider tokens': (fn) => table.grantKeepProviderTokens(fn),
    'forget provider tokens': (fn) => table.grantForgetProviderTokens(fn),
    'find revocations due': (fn) => table.grantFindRevocationsDue(fn),
    'count attempts': (fn) => table.grantCountAttempts(fn),
    'record assertions': (fn) => table.grantRecordAssertions(fn),
    'list applications': (fn) => table.grantListApplications(fn),
    'list registrations': (fn) => table.grantListRegistrations(fn),
    'revoke registrations': (fn) => table.grantRevokeRegistrations(fn),
    'find families': (fn) => table.grantFindFamilies(fn),
    'read the keyring': (fn) => secrets.grantReadKeyring(fn),
    'read provider secrets': (fn) => secrets.grantReadProviderSecrets(fn),
  }
  for (const [name, theirs] of Object.entries(rights)) {
    for (const right of new Set(theirs)) grants[right](functions[name as keyof typeof rights])
  }
}
