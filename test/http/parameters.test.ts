/**
 * Bodies and queries: whatever is sent, it is parameters or a clear 4xx.
 */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { OAuthError } from '../../shared/http/errors.ts'
import { type ParameterName, type Parameters, parameters, readBody, readForm } from '../../shared/http/parameters.ts'

const form = 'application/x-www-form-urlencoded'
const json = 'application/json'
const names: readonly ParameterName[] = [
  'grant_type',
  'client_id',
  'refresh_token',
  'scope',
  'code',
  'state',
  'token',
  'user_code',
]

function refusal(read: () => Parameters): [number, string, string] {
  try {
    read().check()
  } catch (error) {
    assert.ok(error instanceof OAuthError, String(error))
    return [error.status, error.error, error.message]
  }
  return assert.fail('it was read')
}

const told = (read: Parameters) => {
  const values = names.map((name) => [name, read.optional(name)]).filter(([, value]) => value !== undefined)
  return Object.fromEntries(values) as Record<string, string>
}

const text = fc.string({ unit: 'grapheme' }).filter((drawn) => !drawn.includes('\0') && drawn.isWellFormed())
const sent = fc.dictionary(fc.constantFrom(...names), text, { noNullPrototype: true })
const nonEmpty = (values: Record<string, string>) =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== ''))

describe('a form', () => {
  test('comes back as it was sent, in any order, empty ones absent', () => {
    fc.assert(
      fc.property(sent, (values) => {
        assert.deepEqual(told(readBody(new URLSearchParams(values).toString(), form)), nonEmpty(values))
      }),
    )
  })

  test('`+` is a space, a raw colon and malformed escapes are taken as they are', () => {
    const read = readForm(
      'scope=openid+email&grant_type=urn:ietf:params:oauth:grant-type:device_code&state=100%&token=%zz',
    )
    assert.equal(read.optional('scope'), 'openid email')
    assert.equal(read.optional('grant_type'), 'urn:ietf:params:oauth:grant-type:device_code')
    assert.equal(read.optional('state'), '100%')
    assert.equal(read.optional('token'), '%zz')
  })

  test('a name without a value counts as absent, and so does an empty body', () => {
    assert.deepEqual(told(readForm('scope&code=&state')), {})
    assert.equal(readForm('scope').isEmpty, false)
    for (const type of [undefined, form, 'text/plain']) assert.equal(readBody('', type).isEmpty, true)
  })

  test('bytes that are no UTF-8 become replacement characters', () => {
    assert.equal(readForm('state=%ff').optional('state'), '\ufffd')
  })
})

describe('JSON', () => {
  const escaped = (name: string, every: number) =>
    [...name]
      .map((letter, at) => (at % every === 0 ? `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}` : letter))
      .join('')

  test('comes back as it was sent, whatever stands beside it and however names are escaped', () => {
    const beside = fc.array(fc.tuple(fc.constantFrom('extra', 'x"}{', '__proto__', 'toString', '\\'), fc.jsonValue()), {
      maxLength: 3,
    })
    fc.assert(
      fc.property(
        sent,
        beside,
        fc.constantFrom('', ' ', '\n\t'),
        fc.integer({ min: 1, max: 5 }),
        (values, others, space, every) => {
          const known = Object.entries(values).map(
            ([name, value]) => `"${escaped(name, every)}"${space}:${space}${JSON.stringify(value)}`,
          )
          const unknown = others.map(
            ([name, value]) => `${JSON.stringify(name)}:${JSON.stringify({ deep: value, client_id: [value] })}`,
          )
          const read = readBody(`${space}{${[...unknown, ...known].join(`${space},${space}`)}}${space}`, json)
          assert.deepEqual(told(read), nonEmpty(values))
        },
      ),
      { numRuns: 300 },
    )
  })

  test('a known name that comes twice is refused, though one or both are escaped', () => {
    for (const every of [1, 2, 99]) {
      const twice = `{"client_id":"a","${escaped('client_id', every)}":"a"}`
      assert.deepEqual(
        refusal(() => readBody(twice, json)),
        [400, 'invalid_request', 'client_id must be sent once.'],
      )
    }
    const apart = '{"client_id":"","x":{"y":["client_id",{"client_id":"z"}]},"client_id":"b"}'
    assert.equal(refusal(() => readBody(apart, json))[2], 'client_id must be sent once.')
  })

  test('the same name further inside, or as a value, is not a second one', () => {
    const nested =
      '{"x":{"client_id":"inner","client_id":"twice"},"y":["client_id",":"],"client_id":"outer","state":"client_id"}'
    assert.equal(readBody(nested, json).optional('client_id'), 'outer')
  })

  test('a known name must be a string; of an unknown one anything will do', () => {
    for (const value of ['1', 'true', 'null', '["a"]', '{"a":"b"}']) {
      assert.deepEqual(
        refusal(() => readBody(`{"scope":${value}}`, json)),
        [400, 'invalid_request', 'scope must be a string.'],
      )
      assert.equal(readBody(`{"unknown":${value},"state":"s"}`, json).optional('state'), 's')
    }
  })

  test('it must be an object', () => {
    for (const body of ['[]', '"a"', '1', 'null', '[{"client_id":"a"}]']) {
      assert.equal(refusal(() => readBody(body, json))[2], 'The body must be a JSON object.')
    }
    for (const body of ['{', '{"a":1,}', "{'a':1}", 'client_id=a', '\ufeff{}']) {
      assert.equal(refusal(() => readBody(body, json))[2], 'The body is not valid JSON.')
    }
    assert.equal(readBody('  ', json).isEmpty, true)
    assert.equal(readBody('{}', json).isEmpty, true)
  })

  test('names that every object has are names like any other', () => {
    const read = readBody('{"__proto__":{"client_id":"x"},"constructor":"y","hasOwnProperty":1,"state":"s"}', json)
    assert.deepEqual(told(read), { state: 's' })
  })
})

describe('both', () => {
  const asJson = (values: readonly (readonly [string, string])[]) =>
    `{${values.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`).join(',')}}`
  const asForm = (values: readonly (readonly [string, string])[]) =>
    values.map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`).join('&')
  const ways = [
    [form, asForm],
    [json, asJson],
  ] as const

  for (const [type, write] of ways) {
    test(`${type}: every known name is refused when it comes twice, though the values are the same or empty`, () => {
      for (const name of names) {
        for (const [first, second] of [
          ['a', 'a'],
          ['a', 'b'],
          ['', ''],
          ['a', ''],
        ] as const) {
          const twice = write([
            [name, first],
            ['unknown', 'x'],
            [name, second],
          ])
          assert.deepEqual(
            refusal(() => readBody(twice, type)),
            [400, 'invalid_request', `${name} must be sent once.`],
          )
        }
      }
    })

    test(`${type}: unknown names may come twice`, () => {
      assert.deepEqual(
        told(
          readBody(
            write([
              ['x', '1'],
              ['x', '2'],
              ['state', 's'],
            ]),
            type,
          ),
        ),
        { state: 's' },
      )
    })

    test(`${type}: NUL in a value is refused`, () => {
      assert.equal(refusal(() => readBody(write([['state', 'a\0b']]), type))[2], 'state must be text without NUL.')
    })

    test(`${type}: a hundred parameters are read, one more is refused`, () => {
      const many = (count: number) => write(Array.from({ length: count }, (_, at) => [`x${at}`, '1']))
      assert.equal(readBody(many(100), type).isEmpty, false)
      assert.deepEqual(
        refusal(() => readBody(many(101), type)),
        [400, 'invalid_request', 'There are more than 100 parameters.'],
      )
    })

    test(`${type}: 64 KB are read, one byte more is refused, and bytes are what counts`, () => {
      const around = write([['x', '']]).length
      assert.equal(readBody(write([['x', 'a'.repeat(65_536 - around)]]), type).isEmpty, false)
      assert.deepEqual(refusal(() => readBody(write([['x', 'a'.repeat(65_537 - around)]]), type)).slice(0, 2), [
        413,
        'invalid_request',
      ])
      assert.equal(refusal(() => readBody('é'.repeat(32_769), type))[0], 413)
    })
  }

  test('a lone surrogate, which only JSON can bring, is refused', () => {
    assert.equal(refusal(() => readBody('{"client_id":"\\ud800"}', json))[2], 'client_id must be text without NUL.')
    assert.equal(readBody('{"client_id":"\\ud83d\\ude00"}', json).optional('client_id'), '😀')
  })

  test('the type is read without case and parameters; another one, or none, is refused', () => {
    assert.equal(readBody('state=s', 'Application/X-WWW-Form-URLEncoded; charset=UTF-8').optional('state'), 's')
    assert.equal(readBody('{"state":"s"}', ' APPLICATION/JSON ;charset=utf-8').optional('state'), 's')
    for (const type of [
      undefined,
      '',
      'text/plain',
      'multipart/form-data; boundary=x',
      'application/jsonx',
      'application/jwt',
    ]) {
      assert.equal(refusal(() => readBody('state=s', type))[0], 400, type)
    }
  })

  test('what is required and absent, or empty, is named', () => {
    const missing = () => {
      const read = readForm('code=')
      read.required('code')
      return read
    }
    assert.deepEqual(refusal(missing), [400, 'invalid_request', 'code is missing.'])
    assert.equal(readForm('code=c').required('code'), 'c')
  })

  test('a faulty parameter counts as absent, and only a check of its name, or of all, refuses it', () => {
    const read = readForm('nonce=a&nonce=b&scope=%00&resource=r&resource=%00&state=s')
    assert.deepEqual([read.optional('nonce'), read.optional('scope'), read.all('resource')], [undefined, undefined, []])
    assert.throws(() => read.required('nonce'), OAuthError)
    read.check('state', 'client_id')
    assert.throws(() => read.check('scope'), { message: 'scope must be text without NUL.' })
    assert.throws(() => read.check('scope', 'nonce'), { message: 'nonce must be sent once.' }, 'the first one sent')
    assert.throws(() => read.check(), { message: 'nonce must be sent once.' })
  })

  test('values that are not strings are refused wherever they come from', () => {
    assert.equal(refusal(() => parameters([['code', undefined]]))[2], 'code must be a string.')
  })
})
