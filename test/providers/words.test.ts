/**
 * What operators are told of a provider's wrong answer: the libraries' own words, none of which may hold a value of the answer.
 */

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { describe, test } from 'node:test'
import { errorCodeOf, wordsOf } from '../../shared/providers/words.ts'

const require = createRequire(import.meta.url)
/** The text of a library's module. */
const sourceOf = (name: string) => readFileSync(require.resolve(name), 'utf8')

/** What is put into messages that are no constants, each looked at in the source: names that the libraries themselves chose. */
const knownParts: Readonly<Record<string, readonly string[]>> = {
  oauth4webapi: [
    // The constructors' own parameters, and messages that are made of the parts below.
    ...['message', 'err.message', 'msg'],
    // Names of endpoints, claims and parameters that the library looked for; `state` picks one of two constants.
    ...['useMtlsAlias', 'label', 'claim', 'name', 'claimName', 'jwtClaimNames[claim]', 'algorithm.name', 'state'],
    ...['it', 'urlName'],
  ],
  'openid-client': ['msg', 'err.message', 'it', 'message'],
}

describe('the messages of the libraries', () => {
  for (const [library, parts] of Object.entries(knownParts)) {
    test(`of ${library} are constants, or hold names that it has chosen itself`, () => {
      const source = sourceOf(library)
      const thrown =
        /(?:\bOPE|\be|CodedTypeError|new (?:oauth\.)?(?:OperationProcessingError|UnsupportedOperationError|ClientError))\(\s*/g
      const strange = [...source.matchAll(thrown)]
        .map(({ index, 0: whole }) => source.slice(index + whole.length))
        .flatMap(partsOfFirst)
        .filter((part) => !parts.includes(part))
      assert.deepEqual([...new Set(strange)], [])
    })
  }
})

/** What a first argument is made of that is no constant. */
function partsOfFirst(text: string): string[] {
  const quote = text[0] ?? ''
  if (quote === "'" || quote === '"') return []
  if (quote !== '`') return [nameAt(text)]
  const parts: string[] = []
  for (let at = 1; at < text.length && text[at] !== '`'; at += 1) {
    if (!text.startsWith('${', at)) continue
    const end = closing(text, at + 2)
    parts.push(nameAt(text.slice(at + 2, end)))
    at = end
  }
  return parts
}

const nameAt = (text: string) => /^[\w.[\]]+/.exec(text)?.[0] ?? text.slice(0, 40)

function closing(text: string, from: number): number {
  let depth = 1
  for (let at = from; at < text.length; at += 1) {
    if (text[at] === '{') depth += 1
    if (text[at] === '}') depth -= 1
    if (depth === 0) return at
  }
  return text.length
}

const named = (name: string, message: string, cause?: unknown) => Object.assign(new Error(message, { cause }), { name })

test('the innermost words are told, and the status of an answer that has another one than it should', () => {
  const inner = named('OperationProcessingError', 'JWT signature verification failed')
  assert.equal(wordsOf(named('ClientError', 'invalid response encountered', inner)), inner.message)
  const answered = named('ClientError', 'unexpected HTTP response status code', new Response(null, { status: 404 }))
  assert.equal(wordsOf(answered), 'unexpected HTTP response status code 404')
})

test('what another error says may quote the answer, and is not told', () => {
  const quoting = new SyntaxError('Unexpected token s in JSON: "secret"')
  assert.equal(wordsOf(quoting), undefined)
  assert.equal(wordsOf(named('ClientError', 'parsing error occured', quoting)), 'parsing error occured')
  assert.equal(wordsOf(Object.assign(new TypeError('got "secret"'), { code: 'ERR_INVALID_ARG_TYPE' })), undefined)
  const own = new TypeError('"response" body "access_token" property must be a string')
  assert.equal(wordsOf(own), own.message)
})

test('an error of a provider is repeated where it is an identifier', () => {
  assert.equal(errorCodeOf('invalid_client'), 'invalid_client')
  for (const odd of ['', 'a b', 'x'.repeat(65), 'token="secret"']) assert.match(errorCodeOf(odd), /no identifier/)
})
