import assert from 'node:assert/strict'
import { test } from 'node:test'
import { earliestAuthTime, requestsSignInAge } from '../../shared/domain/sign-in-age.ts'

const now = 1_800_000_000_999

test('max_age counts back from the start of the sign-in, with 30 seconds of leeway', () => {
  assert.equal(earliestAuthTime({ maxAgeSeconds: 600 }, now), 1_800_000_000 - 630)
  assert.equal(earliestAuthTime({ maxAgeSeconds: 0 }, now), 1_800_000_000 - 30)
})

test('prompt=login requires a new sign-in, among other values and whatever max_age says', () => {
  for (const asked of [{ prompt: 'login' }, { prompt: 'consent login' }, { prompt: 'login', maxAgeSeconds: 600 }]) {
    assert.equal(earliestAuthTime(asked, now), 1_800_000_000 - 30)
  }
})

test('no other prompt limits the age of the sign-in', () => {
  for (const prompt of [undefined, 'none', 'consent', 'select_account', 'consent select_account']) {
    assert.equal(requestsSignInAge({ prompt }), false)
    assert.equal(earliestAuthTime({ prompt }, now), undefined)
  }
})
