import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { handler } from '../../functions/check-keys.ts'
import { sink } from '../../shared/log.ts'
import { clock } from '../../shared/parts.ts'
import { generateKeyring, parseKeyring } from '../../shared/tokens/keyring-secret.ts'
import { leadSeconds, rotateKeyring } from '../../shared/tokens/rotation.ts'
import { Unavailable } from '../../shared/unavailable.ts'
import { textOf } from '../support/keyrings.ts'
import { expectMetrics, expectSchema, readLine } from '../support/log-lines.ts'

const day = 86_400_000
const drawnAt = 1_800_000_000_000
let nowMs = drawnAt
let folder: string
let drawn: string
const ownNow = clock.now
const ownSink = { ...sink }
const lines: string[] = []
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'token-broker-test-'))
  process.env.SECRETS = `file:${folder}`
  drawn = await generateKeyring(drawnAt)
  clock.now = () => nowMs
  Object.assign(sink, { write: (line: string) => void lines.push(line), metricsNamespace: 'TokenBroker/test' })
})
after(async () => {
  clock.now = ownNow
  Object.assign(sink, ownSink)
  await rm(folder, { recursive: true })
})

async function ageOf(keyring: string, atMs: number): Promise<number> {
  await writeFile(join(folder, 'keyring'), keyring)
  nowMs = atMs
  const { ageDays } = await handler()
  const line = readLine(lines.at(-1) ?? '')
  assert.equal(expectSchema(line).age_days, ageDays)
  assert.deepEqual(expectMetrics(line), [{ name: 'age_days', value: ageDays, dimensions: [[]] }])
  return ageDays
}

test('the hourly check logs the age of the keys in use, from when they took over', async () => {
  assert.equal(await ageOf(drawn, drawnAt), 0)
  assert.equal(await ageOf(drawn, drawnAt + 89.5 * day), 89.5)
  const rotated = textOf(await rotateKeyring(drawn, drawnAt + 90 * day))
  assert.equal(await ageOf(rotated, drawnAt + 90 * day), 90, 'the former are in use for a quarter of an hour yet')
  assert.equal(await ageOf(rotated, drawnAt + 90 * day + leadSeconds * 1000), 0)
})

test('the hourly check logs the age of the oldest kind of key', async () => {
  const rotated = parseKeyring(textOf(await rotateKeyring(drawn, drawnAt + 90 * day)))
  const mixed = { ...rotated, seal: parseKeyring(drawn).seal }
  assert.equal(await ageOf(JSON.stringify(mixed), drawnAt + 100 * day), 100)
})

test('keys of a version 1 keyring count as never rotated', async () => {
  const key = { status: 'current', kid: 'a', key: 'secret' }
  const first = JSON.stringify({ version: 1, signing: [], mac: [{ ...key, id: 1 }], seal: [key] })
  assert.equal(await ageOf(first, drawnAt), Math.round(drawnAt / (day / 10)) / 10)
})

test('the hourly check fails if the keyring cannot be read', async () => {
  await rm(join(folder, 'keyring'))
  await assert.rejects(handler(), Unavailable)
})
