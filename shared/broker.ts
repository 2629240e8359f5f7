/**
 * The composition root: what every function works with, made once for a warm Lambda.
 *
 * Owns which parts there are. The providers are not among them (shared/providers/index.ts): they are heavy, and only the
 * functions that send a browser away need them.
 */

import { type Config, configFrom } from './config.ts'
import { randomText } from './random.ts'
import { type Secrets, secretsAt } from './secrets.ts'
import { createFamilies, type Families } from './store/families.ts'
import { createRegistrations, type Registrations } from './store/registrations.ts'
import { createRevocations, type Revocations } from './store/revocations.ts'
import { connect, type Table } from './store/table.ts'
import { createThrottle, type Throttle } from './store/throttle.ts'
import { createUsedAssertions, type UsedAssertions } from './store/used-assertions.ts'
import { createVaults, type Vaults } from './store/vaults.ts'
import { type CachedKeyring, cachedKeyring } from './tokens/keyring.ts'

export type Broker = {
  readonly config: Config
  /** For the parts that few functions need, which those make for themselves (shared/ops.ts). */
  readonly table: Table
  readonly families: Families
  readonly vaults: Vaults
  readonly revocations: Revocations
  readonly registrations: Registrations
  readonly throttle: Throttle
  readonly usedAssertions: UsedAssertions
  readonly secrets: Secrets
  readonly keyring: CachedKeyring
}

/** The clock, ms since the epoch. Tests put their own `now` in its place. */
export const clock = { now: (): number => Date.now() }

let composed: Broker | undefined

/** The broker of this process. */
export function broker(): Broker {
  composed ??= compose(configFrom(process.env))
  return composed
}

/** For a process that serves one stack after another: the next request composes anew, by the environment of then. */
export function resetBroker(): void {
  composed = undefined
}

function compose(config: Config): Broker {
  const now = () => clock.now()
  const table = connect(config.tableName)
  const secrets = secretsAt(config.secrets)
  return {
    config,
    table,
    families: createFamilies(table),
    vaults: createVaults(table),
    revocations: createRevocations(table),
    registrations: createRegistrations(table),
    throttle: createThrottle(table, now),
    usedAssertions: createUsedAssertions(table),
    secrets,
    keyring: cachedKeyring(() => secrets.read('keyring'), now),
  }
}

/** 128 random bits, base64url: sids, salts, write ids. */
export function randomId(): string {
  return randomText(16)
}
