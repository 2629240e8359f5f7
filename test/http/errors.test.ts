/**
 * Errors on the wire: one for each refusal, of the characters and statuses that clients are promised.
 */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Refusal, RefusalKind } from '../../shared/domain/refusal.ts'
import { errorBody, grantError, OAuthError, type OAuthErrorCode, sanitise, statusOf } from '../../shared/http/errors.ts'
import { anyCharacter } from '../support/any-character.ts'

/** RFC 6749 §5.2 */
const describable = /^[\x20-\x21\x23-\x5b\x5d-\x7e]*$/

const expected: Record<RefusalKind, readonly [OAuthErrorCode, rfc: number, auth0: number]> = {
  unknown: ['invalid_grant', 400, 403],
  'foreign-client': ['invalid_grant', 400, 403],
  expired: ['invalid_grant', 400, 403],
  revoked: ['invalid_grant', 400, 403],
  reuse: ['invalid_grant', 400, 403],
  superseded: ['invalid_grant', 400, 403],
  'redirect-mismatch': ['invalid_grant', 400, 403],
  'verifier-mismatch': ['invalid_grant', 400, 403],
  'audience-widened': ['invalid_target', 400, 400],
  'audience-unregistered': ['invalid_target', 400, 400],
  'scope-widened': ['invalid_scope', 400, 400],
  pending: ['authorization_pending', 400, 403],
  'too-early': ['slow_down', 400, 429],
  denied: ['access_denied', 400, 403],
  'expired-device-code': ['expired_token', 400, 403],
  decided: ['invalid_grant', 400, 403],
}

function refusalOf(kind: RefusalKind): Refusal {
  if (kind === 'too-early') return { kind, pollIntervalMs: 5_000 }
  if (kind === 'reuse') return { kind, generation: 7 }
  return { kind }
}

for (const [kind, [code, rfc, auth0]] of Object.entries(expected)) {
  test(`${kind} is ${code}, ${rfc}, and ${auth0} for clients written to Auth0`, () => {
    const error = grantError(refusalOf(kind as RefusalKind))
    assert.equal(error.error, code)
    assert.equal(error.reason, kind)
    assert.deepEqual([statusOf(error, undefined), statusOf(error, 'rfc'), statusOf(error, 'auth0')], [rfc, rfc, auth0])
    assert.match(error.message, describable)
  })
}

test('whoever holds a dead credential does not learn of what it died', () => {
  const bodies = (['unknown', 'foreign-client', 'expired', 'revoked', 'reuse', 'superseded'] as const).map((kind) =>
    JSON.stringify(errorBody(grantError(refusalOf(kind)))),
  )
  assert.equal(new Set(bodies).size, 1)
})

test('the profile of Auth0 changes no other status', () => {
  const others = [
    'invalid_request',
    'invalid_client',
    'unauthorized_client',
    'invalid_scope',
    'temporarily_unavailable',
  ] as const
  for (const code of others) assert.equal(statusOf(new OAuthError(code, 'x', { status: 418 }), 'auth0'), 418)
})

test('any description is written in the characters of RFC 6749, and one that is keeps as it is', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string({ unit: anyCharacter }), fc.string({ unit: 'grapheme' })), (description) => {
      const body = errorBody(new OAuthError('invalid_request', description))
      assert.match(body.error_description, describable)
      assert.equal(body.error_description.length, description.length)
    }),
  )
  fc.assert(
    fc.property(fc.stringMatching(/^[\x20-\x21\x23-\x5b\x5d-\x7e]{0,40}$/), (description) =>
      assert.equal(sanitise(description), description),
    ),
  )
})

test('an error tells its code and description, and keeps its reason for the operator', () => {
  const error = new OAuthError('invalid_grant', 'Say "no"\n', { reason: 'secret reason' })
  assert.deepEqual(errorBody(error), { error: 'invalid_grant', error_description: 'Say ?no??' })
  assert.deepEqual([error.name, error.status, error.headers], ['OAuthError', 400, {}])
})
