/**
 * Where the tenant's device codes are kept, and how often a device may ask for one.
 *
 * Owns the patience that a poll must have (RFC 8628 §3.5), which the package has no setting for, and that a code which has
 * expired is told so once. Must not know how an answer looks.
 */

import Provider, { type Adapter, errors, type Json } from 'oidc-provider'

export const intervalSeconds = 5

/** A timer's jitter. */
const patienceMs = 200
/** How long an expired code is still known for one. */
const rememberedSeconds = 3_600

/**
 * @param codes keeps the codes
 * @param polls keeps when each was last asked for
 */
export function createDeviceCodes(codes: Adapter, polls: Adapter): Adapter {
  const heard = (id: string, poll: Poll) => polls.upsert(id, poll, rememberedSeconds)
  const poll = async (id: string, clientId: string): Promise<Json | undefined> => {
    const code = await codes.find(id)
    // Another client's poll is refused by the package, and is none that counts.
    if (code === undefined || code.clientId !== clientId) return code
    const before = (await polls.find(id)) as Poll | undefined
    if (Number(code.exp) * 1_000 <= Date.now()) {
      if (before?.isTold) return undefined
      await heard(id, { atMs: Date.now(), isTold: true })
      return code
    }
    await heard(id, { atMs: Date.now(), isTold: false })
    if (before !== undefined && Date.now() - before.atMs < intervalSeconds * 1_000 - patienceMs) {
      throw new errors.SlowDown()
    }
    return code
  }
  return {
    ...codes,
    upsert: (id, payload, expiresInSeconds = 0) => codes.upsert(id, payload, expiresInSeconds + rememberedSeconds),
    find: (id) => {
      const { oidc } = Provider.ctx ?? {}
      return oidc?.route === 'token' ? poll(id, oidc.client.clientId) : codes.find(id)
    },
  }
}

type Poll = { readonly atMs: number; readonly isTold: boolean }
