/** The rotation function under Secrets Manager's protocol: each step in order, repeated, late, and in a race. */

import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, beforeEach, describe, test } from 'node:test'
import { type Emergency, handler, type RotationStep } from '../../functions/rotate-keys.ts'
import { sink } from '../../shared/log.ts'
import { clock } from '../../shared/parts.ts'
import type { Retirement, Rotation } from '../../shared/tokens/keyring-report.ts'
import { generateKeyring, parseKeyring } from '../../shared/tokens/keyring-secret.ts'
import { keysIn, lines, named } from '../support/keyrings.ts'
import { expectSchema, readLine } from '../support/log-lines.ts'
import { type SecretsManagerServer, startSecretsManager } from '../support/secrets-manager.ts'

const name = 'token-broker/test/keyring'
const minute = 60_000

let aws: SecretsManagerServer
let drawn: string
let nowMs = 1_800_000_000_000
const ownNow = clock.now
const ownWrite = sink.write
const logged: string[] = []
before(async () => {
  aws = await startSecretsManager()
  Object.assign(process.env, {
    AWS_ENDPOINT_URL_SECRETS_MANAGER: aws.endpoint,
    ...{ AWS_REGION: 'eu-central-1', AWS_ACCESS_KEY_ID: 'local', AWS_SECRET_ACCESS_KEY: 'local' },
  })
  clock.now = () => nowMs
  sink.write = (line) => void logged.push(line)
  drawn = await generateKeyring(nowMs)
})
after(() => {
  clock.now = ownNow
  sink.write = ownWrite
  aws.stop()
})
beforeEach(() => {
  process.env.SECRETS = 'secretsmanager:token-broker/test/'
  aws.meddle = () => undefined
  aws.asked.length = logged.length = 0
  aws.secrets.declare(name)
  aws.secrets.set(name, drawn)
  nowMs = 1_800_000_000_000 + 60 * minute
})

const kept = () => aws.secrets.get(name) ?? ''
const steps = ['createSecret', 'setSecret', 'testSecret', 'finishSecret'] as const

function step(Step: RotationStep['Step'], ClientRequestToken: string) {
  return handler({ Step, ClientRequestToken, SecretId: `arn:aws:secretsmanager:eu-central-1:1:secret:${name}-AbCdEf` })
}

/** As Secrets Manager does it. */
async function rotate(token: string = randomUUID()): Promise<string> {
  aws.secrets.begin(name, token)
  for (const one of steps) await step(one, token)
  return token
}

/** Of a line of the log: what happened, by which call, and why. */
function said(text: string): unknown[] {
  const { event, request_id, reason } = expectSchema(readLine(text))
  return [event, request_id, reason]
}

const retire = (names: Emergency['emergency']['retire'], reason = 'a laptop was stolen') =>
  handler({ emergency: { retire: names, reason } }, { awsRequestId: 'request-1' }) as Promise<Retirement>

describe('a rotation', () => {
  test('a rotation puts the next keyring in place, and logs it without any key', async () => {
    const token = await rotate()
    assert.equal(aws.secrets.stages(name).AWSCURRENT, token)
    for (const line of lines) assert.deepEqual(named(kept(), line, 'current'), named(drawn, line, 'next'))
    assert.deepEqual(logged.map(said), [['keyring.rotated', undefined, 'Secrets Manager asked']])
    for (const { key } of parseKeyring(kept()).mac) assert.ok(!logged.join().includes(key))
  })

  test('every step of a rotation can be repeated', async () => {
    const token = randomUUID()
    aws.secrets.begin(name, token)
    for (const one of steps) {
      await step(one, token)
      await step(one, token)
    }
    const rotated = kept()
    for (const one of steps) await step(one, token)
    assert.equal(kept(), rotated)
    assert.equal(parseKeyring(rotated).serial, parseKeyring(drawn).serial + 1)
  })

  test('two concurrent runs of a rotation step lead to one keyring', async () => {
    const token = randomUUID()
    aws.secrets.begin(name, token)
    await Promise.all([step('createSecret', token), step('createSecret', token)])
    await Promise.all([step('finishSecret', token), step('finishSecret', token)])
    assert.equal(aws.secrets.stages(name).AWSCURRENT, token)
  })

  for (const operation of ['PutSecretValue', 'UpdateSecretVersionStage']) {
    test(`a rotation survives a lost answer of ${operation}`, async () => {
      let isFirst = true
      aws.meddle = (asked) => {
        if (asked !== operation || !isFirst) return undefined
        isFirst = false
        return 'lost'
      }
      const token = await rotate()
      assert.equal(aws.secrets.stages(name).AWSCURRENT, token)
      assert.equal(isFirst, false)
    })
  }

  test("Secrets Manager's test of a rotation schedule passes while the version exists and after it is gone", async () => {
    const token = randomUUID()
    aws.secrets.begin(name, token)
    await step('testSecret', token)
    aws.secrets.answer('UpdateSecretVersionStage', {
      ...{ SecretId: name, VersionStage: 'AWSPENDING', RemoveFromVersionId: token },
    })
    await step('testSecret', token)
    await step('testSecret', randomUUID())
    assert.equal(kept(), drawn)
  })

  test('a rotation too soon after another is refused, and a later retry succeeds', async () => {
    await rotate()
    const before = kept()
    const token = randomUUID()
    aws.secrets.begin(name, token)
    nowMs += 5 * minute
    await assert.rejects(step('createSecret', token), /published.*15 minutes.*Try again/)
    assert.equal(kept(), before)
    nowMs += 10 * minute
    for (const one of steps) await step(one, token)
    assert.equal(aws.secrets.stages(name).AWSCURRENT, token)
  })

  test('a rotation that is finished too late is abandoned, and the next one begins anew', async () => {
    const token = randomUUID()
    aws.secrets.begin(name, token)
    await step('createSecret', token)
    nowMs += 6 * minute
    await assert.rejects(step('finishSecret', token), /given up. It was made too long ago/)
    assert.equal(kept(), drawn)
    assert.equal(aws.secrets.stages(name).AWSPENDING, undefined)
    await rotate()
    assert.notEqual(kept(), drawn)
  })

  test('a rotation whose version was never written is not finished', async () => {
    const token = randomUUID()
    aws.secrets.begin(name, token)
    await assert.rejects(step('finishSecret', token), /never written/)
    assert.equal(kept(), drawn)
  })

  test('a rotation whose keyring fails its trial is not put in place', async () => {
    const token = randomUUID()
    aws.secrets.begin(name, token)
    aws.secrets.answer('PutSecretValue', {
      ...{ SecretId: name, ClientRequestToken: token, VersionStages: ['AWSPENDING'] },
      SecretString: JSON.stringify({ ...parseKeyring(drawn), seal: [] }),
    })
    await assert.rejects(step('testSecret', token), /no current key/)
  })

  test('a rotation refuses a version that is not pending, an unknown secret and an unknown step', async () => {
    await assert.rejects(step('createSecret', randomUUID()), /not pending/)
    const other = {
      Step: 'createSecret',
      ClientRequestToken: 'x',
      SecretId: 'arn:aws:secretsmanager:eu-central-1:1:secret:other-AbCdEf',
    }
    await assert.rejects(handler(other as RotationStep), /keyring alone/)
    const token = randomUUID()
    aws.secrets.begin(name, token)
    await assert.rejects(step('dropSecret' as 'createSecret', token), /not known here/)
    process.env.SECRETS = 'file:/somewhere'
    await assert.rejects(step('createSecret', token), /SECRETS must be secretsmanager/)
  })

  test("Secrets Manager's test of a rotation schedule passes whether its version holds a copy or nothing", async () => {
    const token = randomUUID()
    aws.secrets.begin(name, token)
    await step('testSecret', token)
    aws.secrets.answer('PutSecretValue', {
      ...{ SecretId: name, ClientRequestToken: token, SecretString: drawn, VersionStages: ['AWSPENDING'] },
    })
    await step('testSecret', token)
    assert.equal(kept(), drawn)
  })

  test('a rotation before the first keyring is refused', async () => {
    aws.secrets.declare(name)
    await assert.rejects(handler({ list: true }), /no keyring yet/)
  })
})

describe('a retirement', () => {
  test('a retirement removes a key at once, reports what that ends, and logs it', async () => {
    const [kid] = named(drawn, 'ES256', 'current')
    const told = await retire([kid!])
    assert.deepEqual(
      told.retired.map(({ key }) => key),
      [kid],
    )
    assert.equal(told.effective_at, new Date(nowMs + 5 * minute).toISOString())
    assert.ok(!keysIn(kept()).some((key) => key.name === kid))
    assert.deepEqual(logged.map(said), [['keyring.keys_retired', 'request-1', `a laptop was stolen: ${kid}`]])
  })

  test('a retirement of all keys leaves none, and a rotation is possible after 15 minutes', async () => {
    const told = await retire('all')
    assert.equal(told.retired.length, 9)
    const former = keysIn(drawn).map((key) => key.name)
    assert.ok(!keysIn(kept()).some((key) => former.includes(key.name)))
    nowMs += 15 * minute
    await rotate()
  })

  test('a retirement wins over a rotation under way', async () => {
    const token = randomUUID()
    aws.secrets.begin(name, token)
    await step('createSecret', token)
    await step('testSecret', token)
    await retire(['mac-1'])
    await assert.rejects(step('finishSecret', token), /not pending/)
    assert.ok(!named(kept(), 'mac', 'previous').includes('mac-1'))
    nowMs += 15 * minute
    await rotate()
    assert.ok(!keysIn(kept()).some((key) => key.name === 'mac-1'))
  })

  test('a retirement wins over a rotation between its last read and its write', async () => {
    const token = randomUUID()
    aws.secrets.begin(name, token)
    await step('createSecret', token)
    let between: Promise<unknown> | undefined
    aws.meddle = (operation) => {
      if (operation !== 'UpdateSecretVersionStage' || between !== undefined) return undefined
      // What a retirement does, before the step's own write is answered.
      const text = JSON.stringify({ ...parseKeyring(drawn), serial: 2 })
      between = Promise.resolve()
      aws.secrets.answer('PutSecretValue', { SecretId: name, SecretString: text, ClientRequestToken: randomUUID() })
      return undefined
    }
    await assert.rejects(step('finishSecret', token), /given up. Another change was quicker/)
    assert.notEqual(aws.secrets.stages(name).AWSCURRENT, token)
  })

  test('a retirement begins anew if a rotation was written first', async () => {
    const token = randomUUID()
    aws.secrets.begin(name, token)
    await step('createSecret', token)
    let isFirst = true
    aws.meddle = (operation) => {
      if (operation !== 'PutSecretValue' || !isFirst) return undefined
      isFirst = false
      const { AWSCURRENT } = aws.secrets.stages(name)
      aws.secrets.answer('UpdateSecretVersionStage', {
        ...{ SecretId: name, VersionStage: 'AWSCURRENT', MoveToVersionId: token, RemoveFromVersionId: AWSCURRENT! },
      })
      return undefined
    }
    await retire(['mac-1'])
    assert.deepEqual(named(kept(), 'mac', 'current'), ['mac-2'])
    assert.ok(!keysIn(kept()).some((key) => key.name === 'mac-1'))
    assert.equal(parseKeyring(kept()).serial, 3)
  })

  test('a retirement gives up if the keyring keeps changing', async () => {
    aws.meddle = (operation) => {
      if (operation === 'UpdateSecretVersionStage') aws.secrets.set(name, drawn)
      return undefined
    }
    await assert.rejects(retire(['mac-1']), /kept changing/)
  })

  test('a retirement of an unknown key, without a reason or without a list is refused', async () => {
    await assert.rejects(retire(['mac-9']), /no key "mac-9"/)
    await assert.rejects(retire(['mac-1'], ''), /reason is missing/)
    await assert.rejects(retire('everything' as 'all'), /"all" or a list/)
    assert.equal(kept(), drawn)
  })
})

test('a rotation by ops runs all steps, and returns when the next keys are used', async () => {
  const told = (await handler({ rotate: true })) as Rotation
  assert.equal(told.used_from, new Date(nowMs + 15 * minute).toISOString())
  for (const line of lines) assert.deepEqual(named(kept(), line, 'current'), named(drawn, line, 'next'))
  await assert.rejects(handler({ rotate: true }), /Try again at/)
  assert.equal(parseKeyring(kept()).serial, 2)
})

test('the key list holds no key material', async () => {
  const told = (await handler({ list: true }))!
  assert.equal(told.keys.length, 9)
  for (const { key } of parseKeyring(drawn).mac) assert.ok(!JSON.stringify(told).includes(key))
})

test('a payload that asks for nothing is told what to send, and changes nothing', async () => {
  for (const payload of [{}, { rotate: false }, { list: false }, { retire: ['mac-1'], reason: 'stolen' }]) {
    await assert.rejects(handler(payload as never), /Send \{"list":true\}, \{"rotate":true\}/)
  }
})
