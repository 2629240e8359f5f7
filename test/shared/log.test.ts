import assert from 'node:assert/strict'
import { afterEach, beforeEach, test } from 'node:test'
import fc from 'fast-check'
import { describeFault, type LogFields, log, sink } from '../../shared/log.ts'
import { anyCharacter } from '../support/any-character.ts'

const lines: string[] = []
const stdout = sink.write
beforeEach(() => {
  lines.length = 0
  sink.write = (line) => void lines.push(line)
})
afterEach(() => {
  sink.write = stdout
})

const now = Date.UTC(2026, 0, 15, 12, 0, 0, 7)
const everything: Required<LogFields> = {
  level: 'info',
  event: 'request',
  request_id: 'r',
  route: '/{application}/oauth/token',
  method: 'POST',
  status: 200,
  duration_ms: 3,
  application: 'demo',
  client_id: 'cli',
  sid: 's',
  sub: 'ada',
  flow: 'device',
  generation: 7,
  error: 'invalid_grant',
  reason: 'reuse',
  ip: '192.0.2.7',
  actor: 'arn:aws:iam::000000000000:user/local',
  note: 'laptop lost',
  change: 'graceSeconds: 10 → 60',
  count: 3,
  age_days: 41.5,
  fault: 'Error',
}

test('the log writes every listed field, after the time', () => {
  log(everything, now)
  assert.deepEqual(JSON.parse(lines[0] ?? ''), { time: '2026-01-15T12:00:00.007Z', ...everything })
})

test('the log drops a field that is not listed', () => {
  const smuggled = {
    level: 'info',
    event: 'fault',
    refresh_token: 'rt_secret',
    headers: { a: 'secret' },
    body: 'secret',
    toString: 'secret',
  }
  log(smuggled as unknown as LogFields, now)
  assert.deepEqual(Object.keys(JSON.parse(lines[0] ?? '') as object), ['time', 'level', 'event'])
})

test('the log omits an undefined field', () => {
  log({ level: 'warn', event: 'fault', sid: undefined }, now)
  assert.ok(!lines[0]?.includes('sid'))
})

test('a log entry is one line of JSON, and long values are truncated', () => {
  fc.assert(
    fc.property(fc.string({ unit: anyCharacter, maxLength: 2_000, size: 'max' }), (value) => {
      log({ level: 'info', event: 'fault', client_id: value }, now)
      const line = lines.pop() ?? ''
      assert.doesNotMatch(line, /[\n\r]/)
      assert.equal((JSON.parse(line) as LogFields).client_id, value.slice(0, 512))
    }),
  )
})

test('describeFault names the error and its causes with code and place, four deep', () => {
  const root = Object.assign(new TypeError('secret'), { code: 'ECONNREFUSED' })
  const told = describeFault(new Error('secret', { cause: new RangeError('secret', { cause: root }) }))
  assert.match(told, /^Error at .*log\.test\.ts:\d+:\d+\)? < RangeError at .* < TypeError ECONNREFUSED at .*$/)
  const deep = [1, 2, 3, 4, 5, 6].reduce<Error | undefined>((cause) => new Error('x', { cause }), undefined)
  assert.equal(describeFault(deep).split(' < ').length, 4)
})

test("describeFault never contains an error's message", () => {
  const secret = fc.constantFrom('rt_secret', '    at rt_secret', '    at rt_secret (file.ts:1:2)', 'at rt_secret:1:2')
  const message = fc
    .array(fc.oneof(secret, fc.string()), { minLength: 1, maxLength: 4 })
    .map((parts) => parts.join('\n'))
  fc.assert(
    fc.property(message, (drawn) => assert.ok(!describeFault(new Error(drawn)).includes('rt_secret'))),
    { numRuns: 300 },
  )
})

test('describeFault handles a thrown non-error and an error without a stack', () => {
  assert.equal(describeFault('secret'), 'string')
  assert.equal(describeFault(undefined), 'undefined')
  const bare = new Error('secret')
  delete bare.stack
  assert.equal(describeFault(bare), 'Error')
  assert.equal(describeFault(Object.assign(bare, { code: 42 })), 'Error')
})

test('the log goes to stdout by default', () => {
  const write = process.stdout.write
  let written = ''
  process.stdout.write = (chunk: string) => {
    written += chunk
    return true
  }
  stdout('one line')
  process.stdout.write = write
  assert.equal(written, 'one line\n')
})
