/**
 * How recent a sign-in must be, by what the client asked for.
 */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { earliestAuthTime, requestsSignInAge } from '../../shared/domain/sign-in-age.ts'

const now = 1_800_000_000_999

test('max_age counts back from the moment the sign-in begins, with 30 seconds for the clocks', () => {
  assert.equal(earliestAuthTime({ maxAgeSeconds: 600 }, now), 1_800_000_000 - 630)
  assert.equal(earliestAuthTime({ maxAgeSeconds: 0 }, now), 1_800_000_000 - 30)
})

test('prompt=login asks for a sign-in from that moment on, alone, among other words, and whatever max_age says', () => {
  for (const asked of [{ prompt: 'login' }, { prompt: 'consent login' }, { prompt: 'login', maxAgeSeconds: 600 }]) {
    assert.equal(earliestAuthTime(asked, now), 1_800_000_000 - 30)
  }
})

test('nothing else asks for an age', () => {
  for (const prompt of [undefined, 'none', 'consent', 'select_account', 'consent select_account']) {
    assert.equal(requestsSignInAge({ prompt }), false)
    assert.equal(earliestAuthTime({ prompt }, now), undefined)
  }
})
