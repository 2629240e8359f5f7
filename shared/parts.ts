/** The parts that the functions work with. A Lambda composes them once and hands them to every call. */

import { type Config, configFrom } from './config.ts'
import { type Secrets, secretsAt } from './secrets.ts'
import { createFamilies, type Families } from './store/families.ts'
import { createRegistrations, type Registrations } from './store/registrations.ts'
import { createRevocations, type Revocations } from './store/revocations.ts'
import { connect, type Table } from './store/table.ts'
import { createThrottle, type Throttle } from './store/throttle.ts'
import { createUsedAssertions, type UsedAssertions } from './store/used-assertions.ts'
import { createVaults, type Vaults } from './store/vaults.ts'
import type { IssuerKeys } from './tokens/issuer-keys.ts'
import { type CachedKeyring, cachedKeyring } from './tokens/keyring.ts'
import { Unavailable } from './unavailable.ts'

export type Parts = {
  readonly config: Config
  /** The clock, ms since the epoch. */
  readonly now: () => number
  /** For the stores that few functions need and create themselves. */
  readonly table: Table
  readonly families: Families
  readonly vaults: Vaults
  readonly revocations: Revocations
  readonly registrations: Registrations
  readonly throttle: Throttle
  readonly usedAssertions: UsedAssertions
  readonly secrets: Secrets
  readonly keyring: CachedKeyring
  /** Keys of the issuers of workload identities. Loaded at need, since most functions never see such a client. */
  readonly issuerKeys: () => Promise<IssuerKeys>
}

/** The clock of this process, ms since the epoch. Tests replace `now`. */
export const clock = { now: (): number => Date.now() }

let composed: Parts | undefined

/** The parts of this process. Only the outermost step of a request asks for them; everything inside is handed them. */
export function processParts(): Parts {
  composed ??= composeParts(configFrom(process.env))
  return composed
}

/**
 * Replaces the parts, for tests and for a process that serves one stack after another.
 *
 * @param parts undefined: the next request composes new ones from the environment
 */
export function setProcessParts(parts: Parts | undefined): void {
  composed = parts
}

/** @param table tests hand in a connection of their own */
export function composeParts(config: Config, table: Table = connect(config.tableName)): Parts {
  const now = () => clock.now()
  const secrets = secretsAt(config.secrets)
  let issuerKeys: Promise<IssuerKeys> | undefined
  return {
    config,
    now,
    table,
    families: createFamilies(table),
    vaults: createVaults(table),
    revocations: createRevocations(table),
    registrations: createRegistrations(table),
    throttle: createThrottle(table, now),
    usedAssertions: createUsedAssertions(table),
    secrets,
    keyring: cachedKeyring(() => secrets.read('keyring'), now),
    issuerKeys: () => {
      issuerKeys ??= import('./tokens/verify-client.ts').then(({ createIssuerKeys }) =>
        createIssuerKeys(now, (cause, waitSeconds, words) => new Unavailable('issuer', cause, waitSeconds, words)),
      )
      return issuerKeys
    },
  }
}
