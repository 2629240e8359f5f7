/** Tests a keyring before it replaces another. A keyring that fails would end sessions, so it is not put in place. */

import { mint, verify } from '../domain/credential.ts'
import { signAccessToken } from './access-token.ts'
import { readKeyring } from './keyring.ts'
import { type KeyLife, type KeyringSecret, parseKeyring, signingAlgorithms } from './keyring-secret.ts'
import { handoverSeconds, leadSeconds, nameOf } from './rotation.ts'
import { seal, unseal } from './seal.ts'
import { verifyAccessToken } from './verify-access-token.ts'

/**
 * Checks that `after` was derived from `before`, the keyring in place, and recently enough for its times to lie ahead.
 *
 * @returns the fault; undefined: `after` may replace `before`
 */
export function replacementFault(before: string, after: string, nowMs: number): string | undefined {
  const [former, latter] = [parseKeyring(before), parseKeyring(after)]
  if (latter.serial !== former.serial + 1) return 'It does not follow on the keyring that is in place.'
  if (nowMs / 1000 - latter.madeAtSeconds > handoverSeconds) return 'It was made too long ago.'
  const left = new Map(keysOf(latter).map((key) => [nameOf(key), JSON.stringify(materialOf(key))]))
  const isIncomplete = keysOf(former).some(
    (key) => isNeeded(key, latter.madeAtSeconds) && left.get(nameOf(key)) !== JSON.stringify(materialOf(key)),
  )
  return isIncomplete ? 'It lacks a key of which something may still be shown.' : undefined
}

/** Makes and verifies one value of each kind, with the keys of now and with those that take over. @throws if one does not verify */
export async function testKeyring(text: string, nowMs: number): Promise<void> {
  const keyring = readKeyring(text)
  for (const atMs of [nowMs, nowMs + leadSeconds * 1000]) {
    for (const alg of signingAlgorithms) {
      const claims = { iss: 'https://trial.invalid', sub: 'trial', aud: 'trial', client_id: 'trial', sid: 'trial' }
      const token = signAccessToken(keyring, alg, claims, 60, atMs)
      assertDefined(await verifyAccessToken(keyring, claims.iss, token, atMs), `${alg} signature`)
    }
    const credential = { sid: 'A'.repeat(22), generation: 1, salt: 'A'.repeat(22) }
    const minted = mint('rt', 'trial', credential, keyring.macKey(atMs))
    assertDefined(verify('rt', 'trial', minted, keyring.macKeys), 'MAC')
    const sealing = { purpose: 'trial', application: 'trial', nowMs: atMs } as const
    assertDefined(await unseal(keyring, sealing, await seal(keyring, sealing, 'trial', 60)), 'seal')
  }
}

type AnyKey = KeyringSecret['signing'][number] | KeyringSecret['mac'][number] | KeyringSecret['seal'][number]

function keysOf({ signing, mac, seal, lookup }: KeyringSecret): readonly AnyKey[] {
  return [...signing, ...mac, ...seal, ...(lookup === undefined ? [] : [lookup])]
}

function materialOf(key: AnyKey): unknown {
  return 'jwk' in key ? key.jwk : key.key
}

function isNeeded({ status, keptUntilSeconds }: KeyLife, atSeconds: number): boolean {
  return status !== 'previous' || keptUntilSeconds === undefined || keptUntilSeconds > atSeconds
}

function assertDefined(verified: unknown, what: string): void {
  if (verified === undefined) throw new Error(`the keyring does not take its own ${what}`)
}
