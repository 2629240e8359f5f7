/**
 * The user directory's authorization codes (RFC 6749 §4.1.2): good once, for a minute.
 *
 * Owns keeping them. Must not know who may redeem one.
 */

import { randomBytes } from 'node:crypto'
import type { Store } from '../identity-provider/store.ts'

/** What a code was given for. */
export type CodeGrant = {
  readonly clientId: string
  readonly redirectUri: string
  readonly scope: string
  readonly userName: string
}

export const codeLifetimeSeconds = 60

export function createCodes(store: Store) {
  const kept = store.adapter('DirectoryCode')
  return {
    async issue(grant: CodeGrant): Promise<string> {
      const code = randomBytes(32).toString('base64url')
      await kept.upsert(code, grant, codeLifetimeSeconds)
      return code
    },
    async find(code: string): Promise<CodeGrant | undefined> {
      return (await kept.find(code)) as CodeGrant | undefined
    },
    spend: (code: string): Promise<void> => kept.destroy(code),
  }
}
