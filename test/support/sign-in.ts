/**
 * A sign-in at the provider of test/support/provider.ts, there and back.
 */

import assert from 'node:assert/strict'
import type { Provider, SignInResult, SignInSecrets } from '../../shared/providers/provider.ts'
import { Unavailable } from '../../shared/unavailable.ts'
import type { TestProvider } from './provider.ts'

export const redirectUri = 'http://127.0.0.1:8787/demo/oauth/callback'
export const wanted = ['name', 'email', 'email_verified']

/** What a test may change. */
export type Trip = {
  /** Of the ID token; undefined leaves one out. */
  readonly claims?: Readonly<Record<string, unknown>>
  /** Parameters that the browser comes back with; an empty one is left out. */
  readonly back?: Readonly<Record<string, string>>
}

/** Goes to the provider and comes back, the person there having consented. */
export async function signIn(provider: Provider, server: TestProvider, trip: Trip = {}): Promise<SignInResult> {
  const { secrets } = await provider.begin(redirectUri, {})
  const person = { name: 'Ada', email: 'ada@example.test', email_verified: true }
  server.idToken.claims = { nonce: secrets.nonce, ...person, ...trip.claims }
  return comeBack(provider, secrets, trip.back)
}

export function comeBack(provider: Provider, secrets: SignInSecrets, back: Trip['back'] = {}): Promise<SignInResult> {
  const callback = new URL(redirectUri)
  for (const [name, value] of Object.entries({ code: 'the code', state: secrets.state, ...back })) {
    if (value !== '') callback.searchParams.set(name, value)
  }
  return provider.finish(callback, secrets, wanted)
}

export async function rejectsAsUnavailable(promise: Promise<unknown>): Promise<void> {
  await assert.rejects(promise, (error) => {
    assert.ok(error instanceof Unavailable, String(error))
    assert.deepEqual([error.part, error.retryAfterSeconds], ['provider', 5])
    return true
  })
}
