/**
 * Bodies that mean harm: whatever is sent, of whatever type, it is parameters or a clear 4xx, at once.
 */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { OAuthError } from '../../shared/http/errors.ts'
import { type Parameters, readBody } from '../../shared/http/parameters.ts'
import { anyCharacter } from '../support/any-character.ts'

const form = 'application/x-www-form-urlencoded'
const json = 'application/json'
const names = ['grant_type', 'client_id', 'refresh_token', 'scope', 'code', 'state', 'token', 'user_code'] as const

const types = fc.oneof(
  fc.constantFrom(form, json, 'text/plain', `${json}; charset=utf-8`, `${form};charset=UTF-8`, undefined),
  fc.string({ unit: anyCharacter }),
)
const bytes = fc.uint8Array({ maxLength: 300 }).map((drawn) => Buffer.from(drawn).toString('utf8'))
const bracket = fc.string({
  unit: fc.constantFrom('{', '}', '[', ']', '"', '\\', ':', ',', 'client_id', '1', ' ', '\0', '&', '=', '%'),
})
const jsonText = fc.json()
const almostJson = fc
  .tuple(jsonText, fc.nat(), fc.string({ unit: anyCharacter, maxLength: 2 }))
  .map(([drawn, at, noise]) => {
    const cut = at % (drawn.length + 1)
    return drawn.slice(0, cut) + noise + drawn.slice(cut)
  })
const body = fc.oneof(bytes, fc.string({ unit: anyCharacter }), bracket, jsonText, almostJson, fc.webQueryParameters())

test('any input yields parameters or an OAuth error of 4xx, and nothing else, whatever the type', () => {
  fc.assert(
    fc.property(body, types, (drawn, type) => {
      let read: Parameters
      try {
        read = readBody(drawn, type)
      } catch (error) {
        assert.ok(error instanceof OAuthError, String(error))
        assert.ok(error.status >= 400 && error.status < 500)
        assert.equal(error.error, 'invalid_request')
        return
      }
      for (const name of names) {
        const value = read.optional(name)
        if (value !== undefined) assert.ok(value !== '' && !value.includes('\0') && value.isWellFormed())
      }
    }),
    { numRuns: 3_000 },
  )
})

test('what was sent is never quoted in the error', () => {
  fc.assert(
    fc.property(fc.stringMatching(/^[A-Za-z]{12,20}$/), fc.constantFrom(form, json, 'text/plain'), (secret, type) => {
      for (const drawn of [
        `client_secret=${secret}&client_secret=${secret}`,
        `{"client_secret":["${secret}"]}`,
        `{"${secret}`,
      ]) {
        try {
          readBody(drawn, type)
        } catch (error) {
          assert.ok(!String(error).includes(secret))
        }
      }
    }),
  )
})

test('a hostile body of 64 KB is read or refused within a second of CPU time', () => {
  const fill = (unit: string) => unit.repeat(Math.floor(65_000 / unit.length))
  const bodies = [
    [`{"a":"${fill('\\"')}"}`, json],
    [`{"a":${'['.repeat(32_000)}${']'.repeat(32_000)}}`, json],
    [`{${fill('"a":1,').slice(0, -1)}}`, json],
    [fill('"'), json],
    [fill('\\'), json],
    [fill('a&'), form],
    [fill('%'), form],
  ] as const
  for (const [body, type] of bodies) {
    const started = process.cpuUsage()
    try {
      readBody(body, type)
    } catch (error) {
      assert.ok(error instanceof OAuthError, String(error))
    }
    const { user } = process.cpuUsage(started)
    assert.ok(user < 1_000_000, `${body.slice(0, 10)} took ${user} µs`)
  }
})
