/**
 * The rights of each function. The construct that owns a resource writes the policy statements.
 */

import type { ScheduledFunction } from './deployed-functions.ts'
import type { BrokerFunction } from './function.ts'
import type { FunctionName } from './routes.ts'
import type { BrokerSecrets } from './secrets.ts'
import type { BrokerTable } from './table.ts'

type Right =
  | 'read registrations'
  | 'create families'
  | 'update families'
  | 'read families'
  | 'read families with vaults'
  | 'create vaults'
  | 'delete vaults'
  | 'find due revocations'
  | 'count wrong user codes'
  | 'record assertions'
  | 'list applications'
  | 'list registrations'
  | 'revoke registrations'
  | 'find families'
  | 'read the keyring'
  | 'read provider secrets'

const everyone: readonly Right[] = ['read registrations', 'read the keyring']

/** Functions that authenticate clients may receive an assertion. */
const authenticating: readonly Right[] = [...everyone, 'record assertions']

/** For giving a client the provider's access token, refreshed at the provider if needed. */
const vault: readonly Right[] = ['read families with vaults', 'read provider secrets']

/** For ending a session together with its tokens at the provider, for example when reuse is detected. */
const ending: readonly Right[] = ['delete vaults', 'read provider secrets']

/** Functions that update families also read them, to check whether a write succeeded if its answer was lost. */
const rights: Readonly<Record<FunctionName | ScheduledFunction, readonly Right[]>> = {
  'start-device-flow': [...authenticating, 'create families', 'read families', 'read provider secrets'],
  poll: [...authenticating, 'update families', 'read families', ...vault, ...ending, 'create vaults'],
  'exchange-code': [...authenticating, 'update families', 'read families', ...vault, ...ending],
  refresh: [...authenticating, 'update families', 'read families', ...vault, ...ending],
  'client-credentials': authenticating,
  'exchange-token': [...authenticating, 'update families', 'read families', ...vault],
  token: [...authenticating, 'update families', 'read families', ...vault, ...ending, 'create vaults'],
  revoke: [...authenticating, 'update families', 'read families', ...ending],
  introspect: [...authenticating, 'read families'],
  userinfo: [...everyone, 'read families'],
  authorize: [...everyone, 'read provider secrets'],
  callback: [
    ...everyone,
    'read provider secrets',
    'create families',
    'update families',
    'read families',
    'create vaults',
  ],
  activate: [...everyone, 'read provider secrets', 'update families', 'read families', 'count wrong user codes'],
  metadata: everyone,
  sessions: [
    ...everyone,
    'list applications',
    'list registrations',
    'revoke registrations',
    'find families',
    'read families',
    'update families',
  ],
  'api-docs': [],
  'retry-revocations': [...everyone, 'find due revocations', 'update families', 'read families', ...ending],
  'check-keys': ['read the keyring'],
}

export function grantRights(
  functions: Readonly<Record<FunctionName | ScheduledFunction, BrokerFunction>>,
  table: BrokerTable,
  secrets: BrokerSecrets,
): void {
  const grants: Readonly<Record<Right, (fn: BrokerFunction) => void>> = {
    'read registrations': (fn) => table.grantReadRegistrations(fn),
    'create families': (fn) => table.grantCreateFamilies(fn),
    'update families': (fn) => table.grantUpdateFamilies(fn),
    'read families': (fn) => table.grantReadFamilies(fn),
    'read families with vaults': (fn) => table.grantReadFamiliesWithVaults(fn),
    'create vaults': (fn) => table.grantCreateVaults(fn),
    'delete vaults': (fn) => table.grantDeleteVaults(fn),
    'find due revocations': (fn) => table.grantFindDueRevocations(fn),
    'count wrong user codes': (fn) => table.grantCountWrongUserCodes(fn),
    'record assertions': (fn) => table.grantRecordAssertions(fn),
    'list applications': (fn) => table.grantListApplications(fn),
    'list registrations': (fn) => table.grantListRegistrations(fn),
    'revoke registrations': (fn) => table.grantRevokeRegistrations(fn),
    'find families': (fn) => table.grantFindFamilies(fn),
    'read the keyring': (fn) => secrets.grantReadKeyring(fn),
    'read provider secrets': (fn) => secrets.grantReadProviderSecrets(fn),
  }
  for (const [name, needed] of Object.entries(rights)) {
    for (const right of new Set(needed)) grants[right](functions[name as keyof typeof rights])
  }
}
