import assert from 'node:assert/strict'
import { after, afterEach, before, describe, mock, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { providerId } from '../../shared/domain/provider-identity.ts'
import { leaseMs, takeLease, type Vault } from '../../shared/domain/vault.ts'
import { clock, type Parts, processParts } from '../../shared/parts.ts'
import { randomId } from '../../shared/random.ts'
import { Unavailable } from '../../shared/unavailable.ts'
import { type CallTime, type FreshToken, freshToken } from '../../shared/vault/fresh-token.ts'
import { sealTokens } from '../../shared/vault/stored-tokens.ts'
import { invalidGrant, serverError, unavailable, withoutExpiry } from '../support/fallible-provider.ts'
import { startVaultRig, type VaultRig } from '../support/vault-rig.ts'

let rig: VaultRig
before(async () => {
  rig = await startVaultRig()
})
afterEach(() => {
  mock.restoreAll()
  rig.heal()
})
after(() => rig.stop())

const time: CallTime = { remainingMs: () => 20_000, pause }

/** As a caller does who has just read it. */
const fresh = async (vault: Vault, sub = 'ada'): Promise<FreshToken | undefined> => {
  const token = await freshToken(processParts(), rig.application, vault, sub, rig.report, time)
  return token === 'sign-in' ? undefined : token === 'other-provider' ? assert.fail(token) : token
}
const again = async (vault: Vault, sub = 'ada') => fresh((await rig.vaultAt(vault))!, sub)
const swap = async (seen: Vault, change = takeLease(clock.now())) => {
  const { vault, swapped } = await processParts().vaults.swap(seen, change, randomId())
  assert.ok(swapped)
  return vault
}

/** Kept five minutes ago. */
async function stale() {
  const { vault, tokens } = await rig.kept()
  rig.advance(300)
  rig.provider.forget()
  return { vault, tokens }
}

async function unavailability(promise: Promise<unknown>): Promise<number> {
  const error = await promise.then(
    () => assert.fail('it worked'),
    (reason: unknown) => reason,
  )
  assert.ok(error instanceof Unavailable, String(error))
  assert.equal(error.part, 'provider')
  return error.retryAfterSeconds
}

/** As it was asked for. */
const scope = 'openid offline_access'

describe('one caller', () => {
  test('a caller gets the stored token while it is good, with the remaining whole seconds', async () => {
    const { vault, tokens } = await rig.kept()
    rig.advance(100.5)
    assert.deepEqual(await fresh(vault), { accessToken: tokens.accessToken, expiresInSeconds: 199, scope })
    assert.equal(rig.provider.count('refresh'), 0)
    assert.deepEqual(await rig.vaultAt(vault), vault)
  })

  test('B9 a refresh stores the rotated refresh token for the next refresh', async () => {
    const { vault } = await stale()
    for (let round = 1; round <= 3; round += 1) {
      const given = await again(vault)
      assert.deepEqual(given, { accessToken: rig.provider.accessTokens().at(-1), expiresInSeconds: 300, scope })
      assert.equal(rig.provider.count('refresh'), round)
      const after = await rig.vaultAt(vault)
      assert.deepEqual([after?.revision, after?.leaseUntil], [1 + 2 * round, undefined])
      rig.advance(250)
    }
    assert.deepEqual(rig.told(), Array(3).fill('provider.refreshed'))
  })

  test('B7 a refresh without a new refresh token keeps the old one', async () => {
    rig.provider.behaviour.rotates = false
    const { vault, tokens } = await stale()
    await fresh(vault)
    const kept = await rig.unsealed((await rig.vaultAt(vault))!)
    assert.deepEqual(kept, {
      accessToken: rig.provider.accessTokens().at(-1),
      refreshToken: tokens.refreshToken,
      scope,
    })
  })

  test('B8 a caller gets expires_in although the provider omits it', async () => {
    const { vault } = await stale()
    rig.provider.fail('refresh', withoutExpiry, 1)
    assert.equal((await fresh(vault))?.expiresInSeconds, 300)
  })

  test('the lifetime of a token counts from before the provider was asked', async () => {
    const { vault } = await stale()
    const held = rig.provider.hold('refresh')
    const asking = fresh(vault)
    await held.reached
    rig.advance(4)
    held.release()
    assert.equal((await asking)?.expiresInSeconds, 296)
  })
})

describe('many callers', () => {
  test('B1 concurrent callers cause one refresh and get the same token', async () => {
    const { vault } = await stale()
    const given = await Promise.all(Array.from({ length: 20 }, () => fresh(vault)))
    assert.equal(rig.provider.count('refresh'), 1)
    const [token] = rig.provider.accessTokens().slice(-1)
    for (const one of given) assert.deepEqual(one, { accessToken: token, expiresInSeconds: 300, scope })
  })

  test('callers use the stored token while another one refreshes it', async () => {
    const { vault, tokens } = await rig.kept()
    rig.advance(250)
    await swap(vault)
    assert.deepEqual(await again(vault), { accessToken: tokens.accessToken, expiresInSeconds: 50, scope })
    assert.equal(rig.provider.count('refresh'), 0)
  })

  test('B2 a caller takes over from a dead one once its lease has ended', async () => {
    const { vault } = await stale()
    const held = await swap(vault)
    const asking = fresh(held)
    rig.advance(leaseMs / 1_000)
    assert.equal((await asking)?.accessToken, rig.provider.accessTokens().at(-1))
    assert.equal(rig.provider.count('refresh'), 1)
  })

  test('a caller that has waited too long gets a 503', async () => {
    const held = await swap((await stale()).vault)
    const { now } = Date
    let ahead = 0
    mock.method(Date, 'now', () => {
      ahead += 5_000
      return now() + ahead
    })
    assert.ok((await unavailability(fresh(held))) >= 1)
    assert.equal(rig.provider.count('refresh'), 0)
  })

  test('a waiting caller must sign in again if the vault is removed', async () => {
    const held = await swap((await stale()).vault)
    const asking = fresh(held)
    await processParts().vaults.remove(held.sid, held.id)
    assert.equal(await asking, undefined)
  })

  test('B6 a caller whose answer is late gets the newer tokens, and changes nothing', async () => {
    rig.provider.behaviour.rotates = false
    const { vault } = await stale()
    const late = rig.provider.hold('refresh')
    const asking = fresh(vault)
    await late.reached
    rig.advance(leaseMs / 1_000)
    const newer = await again(vault)
    const stands = await rig.vaultAt(vault)
    late.release()
    assert.deepEqual(await asking, newer)
    assert.deepEqual(await rig.vaultAt(vault), stands)
    assert.deepEqual(rig.told(), ['provider.refreshed', 'provider.refreshed_late'])
  })

  test('B6 a late refusal does not drop newer tokens', async () => {
    const { vault } = await stale()
    const late = rig.provider.holdBack('refresh')
    const asking = fresh(vault)
    await late.reached
    rig.advance(leaseMs / 1_000)
    rig.provider.behaviour.reuseKills = false
    const newer = await again(vault)
    late.release()
    assert.deepEqual(await asking, newer)
    assert.deepEqual(rig.told(), ['provider.refreshed', 'provider.refresh_refused'])
  })
})

describe('a provider that fails', () => {
  test('B5 after a refusal the person must sign in again, and the provider is not asked again', async () => {
    const { vault } = await stale()
    rig.provider.fail('refresh', invalidGrant, 1)
    for (const _ of [1, 2]) assert.equal(await again(vault), undefined)
    assert.equal(rig.provider.count('refresh'), 1)
    const after = await rig.vaultAt(vault)
    assert.deepEqual([after?.sealed, after?.isRefreshable], [undefined, false])
    assert.deepEqual(rig.told(), ['provider.refresh_refused'])
  })

  test('B4 the provider is not asked again before its Retry-After, and callers get the remaining time', async () => {
    const { vault, tokens } = await stale()
    rig.provider.fail('refresh', unavailable, 1)
    assert.equal(await unavailability(fresh(vault)), 9)
    rig.advance(4)
    assert.equal(await unavailability(again(vault)), 5)
    assert.equal(rig.provider.count('refresh'), 1)
    assert.equal((await rig.unsealed((await rig.vaultAt(vault))!))?.refreshToken, tokens.refreshToken)
    rig.advance(5)
    assert.equal((await again(vault))?.accessToken, rig.provider.accessTokens().at(-1))
    assert.deepEqual(rig.told(), ['provider.refresh_failed: out of reach', 'provider.refreshed'])
    assert.equal((await rig.vaultAt(vault))?.failures, undefined)
  })

  test('B10 the back-off grows with each failure of the provider', async () => {
    const { vault } = await stale()
    rig.provider.fail('refresh', serverError)
    const waits: number[] = []
    for (let failures = 1; failures <= 8; failures += 1) {
      const seconds = await unavailability(again(vault))
      waits.push(seconds)
      rig.advance(seconds)
    }
    assert.deepEqual(waits, [5, 5, 5, 8, 16, 32, 60, 60])
    assert.equal(rig.provider.count('refresh'), 8)
  })

  test('a failing provider costs nothing while the stored token is good', async () => {
    const { vault, tokens } = await rig.kept()
    rig.advance(250)
    rig.provider.fail('refresh', serverError)
    assert.equal((await fresh(vault))?.accessToken, tokens.accessToken)
    assert.equal((await again(vault))?.accessToken, tokens.accessToken)
    assert.equal(rig.provider.count('refresh'), 1)
  })

  test('tokens of another person are neither stored nor returned', async () => {
    const { vault, tokens } = await stale()
    await unavailability(fresh(vault, 'eve'))
    assert.deepEqual(rig.told(), ['provider.refresh_failed: the tokens are of another person'])
    assert.equal((await rig.unsealed((await rig.vaultAt(vault))!))?.accessToken, tokens.accessToken)
  })
})

describe('a store that fails when the provider has rotated', () => {
  type Fault = 'refused' | 'answer lost'

  /** Fails while `faultAt` says so, from the provider's answer on. Time passes only in pauses and tries. */
  function failing(faultAt: (elapsedMs: number) => Fault | undefined | Promise<Fault>) {
    let elapsedMs = 0
    const time: CallTime = {
      remainingMs: () => 20_000 - elapsedMs,
      pause: async (ms) => {
        elapsedMs += ms
      },
    }
    const { vaults, ...others } = processParts()
    const swap: Parts['vaults']['swap'] = async (seen, change, writeId) => {
      if (change.set.sealed === undefined) return vaults.swap(seen, change, writeId)
      const fault = await faultAt(elapsedMs)
      elapsedMs += 100
      if (fault === 'refused') throw new Unavailable('store', undefined)
      const swapped = await vaults.swap(seen, change, writeId)
      if (fault === 'answer lost') throw new Unavailable('store', undefined)
      return swapped
    }
    const parts = { ...others, vaults: { ...vaults, swap } }
    const ask = (vault: Vault) => freshToken(parts, rig.application, vault, 'ada', rig.report, time)
    return { ask, elapsedMs: () => elapsedMs }
  }

  test('B27 fresh tokens survive a store that fails for two seconds', async () => {
    const { vault } = await stale()
    const token = await failing((elapsedMs) => (elapsedMs < 2_000 ? 'refused' : undefined)).ask(vault)
    const accessToken = rig.provider.accessTokens().at(-1)
    assert.deepEqual(token, { accessToken, expiresInSeconds: 300, scope })
    assert.equal(rig.provider.count('refresh'), 1)
    assert.equal((await again(vault))?.accessToken, accessToken, 'they are stored')
    rig.advance(300)
    assert.equal((await again(vault))?.accessToken, rig.provider.accessTokens().at(-1), 'with the new refresh token')
  })

  test('A try recognises an earlier one whose answers were lost.', async () => {
    const { vault } = await stale()
    const token = await failing((elapsedMs) => (elapsedMs < 2_000 ? 'answer lost' : undefined)).ask(vault)
    assert.equal(typeof token === 'object' && token.accessToken, rig.provider.accessTokens().at(-1))
    assert.equal((await rig.vaultAt(vault))?.revision, vault.revision + 2)
    assert.deepEqual(rig.told(), ['provider.refreshed'])
  })

  test('No try begins that could outlast the call, and the caller gets a 503.', async () => {
    const { vault } = await stale()
    const store = failing(() => 'refused')
    await assert.rejects(store.ask(vault), (error) => error instanceof Unavailable && error.part === 'store')
    assert.ok(store.elapsedMs() > 9_000 && store.elapsedMs() < 10_100, `${store.elapsedMs()} ms`)
  })

  test('no refresh begins that could outlast the call, and the caller gets a 503', async () => {
    const { vault } = await stale()
    const late = { ...time, remainingMs: () => 11_000 }
    await unavailability(freshToken(processParts(), rig.application, vault, 'ada', rig.report, late))
    assert.equal(rig.provider.count('refresh'), 0)
    assert.deepEqual(await rig.vaultAt(vault), vault)
  })

  test('A late try changes nothing if another caller has stored newer tokens meanwhile.', async () => {
    rig.provider.behaviour.rotates = false
    const { vault } = await stale()
    let newer: FreshToken | undefined
    const replaced = async (): Promise<Fault> => {
      rig.advance(leaseMs / 1_000)
      newer = await again(vault)
      return 'refused'
    }
    const token = await failing(() => (newer === undefined ? replaced() : undefined)).ask(vault)
    assert.deepEqual(token, newer)
    assert.equal((await rig.vaultAt(vault))?.revision, vault.revision + 3)
    assert.deepEqual(rig.told(), ['provider.refreshed', 'provider.refreshed_late'])
  })
})

describe('a vault that nobody can open', () => {
  test('B12 with a copied ciphertext the provider is not asked, and the person must sign in again', async () => {
    const [{ vault }, { vault: other }] = [await rig.kept(), await rig.kept()]
    await rig.place({ ...vault, sealed: other.sealed! })
    assert.equal(await again(vault), undefined)
    rig.advance(300)
    assert.equal(await again(vault), undefined)
    assert.equal(rig.provider.count('refresh'), 0)
    assert.equal((await rig.vaultAt(vault))?.sealed, undefined, 'so that nobody tries again')
  })

  test('B26 tokens of a former provider are neither returned nor sent to the new one', async () => {
    const { provider } = rig.application
    const moved = { ...rig.application, provider: { ...provider, clientId: 'another' } }
    const { vault } = await rig.kept()
    rig.provider.forget()
    assert.equal(
      await freshToken(processParts(), moved, vault, 'ada', rig.report, time),
      'other-provider',
      'a token that is good still',
    )
    rig.advance(300)
    assert.equal(
      await freshToken(processParts(), moved, vault, 'ada', rig.report, time),
      'other-provider',
      'one that is over',
    )
    assert.equal(rig.provider.requests.length, 0)
    assert.match(rig.told().join(), /^(provider\.changed: [^,]+former provider[^,]*,[^,]*,?){2}$/)
    assert.equal((await rig.vaultAt(vault))?.sealed, undefined, 'so that nobody tries again')
  })

  test('B26 tokens of a former address are used, and sealed for the new address at the next refresh', async () => {
    const { provider } = rig.application
    const former = { ...rig.application, provider: { ...provider, clientId: 'another' } }
    const moved = { ...rig.application, formerProviders: [providerId(former.provider)] }
    const { vault, tokens } = await rig.kept()
    const sealed = await sealTokens(processParts(), former, vault, tokens, clock.now())
    await rig.place({ ...vault, sealed })
    rig.advance(300)
    const token = await freshToken(processParts(), moved, (await rig.vaultAt(vault))!, 'ada', rig.report, time)
    assert.equal(typeof token === 'object' && token.accessToken, rig.provider.accessTokens().at(-1))
    assert.ok((await rig.unsealed((await rig.vaultAt(vault))!)) !== undefined)
  })

  test('a vault without its refresh token requires a new sign-in', async () => {
    const { vault } = await stale()
    const sealed = await sealTokens(processParts(), rig.application, vault, { accessToken: 'alone' }, clock.now())
    await rig.place({ ...vault, sealed })
    assert.equal(await again(vault), undefined)
    assert.equal(rig.provider.count('refresh'), 0)
  })
})
