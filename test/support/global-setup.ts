/**
 * What all test files of a run share (`globalSetupPath` in scripts/test.mjs): one local stack, as `npm start` has it, a few RSA
 * keys, and a directory for the bundled functions. A file that is run without it makes its own (test/flows/support/shared-broker.ts, rsa-keys.ts,
 * test/infra/support/bundled.ts).
 */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type BrokerProcess, newDirectory, startBroker } from '../flows/support/broker.ts'
import { sharedBrokerVariable } from '../flows/support/shared-broker.ts'
import { bundlesVariable } from '../infra/support/bundled.ts'
import { expectedRights } from '../infra/support/expected-rights.ts'
import { usedRightsVariable } from './rights.ts'
import { rsaKeysText, rsaKeysVariable } from './rsa-keys.ts'

/** Set by scripts/test.mjs where every test runs. */
const wholeRunVariable = 'TEST_WHOLE_RUN'

let broker: BrokerProcess

export async function globalSetup(): Promise<void> {
  process.env[usedRightsVariable] = join(newDirectory(), 'used-rights')
  process.env[rsaKeysVariable] = rsaKeysText()
  broker = await startBroker()
  process.env[sharedBrokerVariable] = broker.url
  process.env[bundlesVariable] = newDirectory()
}

export async function globalTeardown(): Promise<void> {
  await broker.stop()
  if (process.env[wholeRunVariable] !== undefined) listUnusedRights()
}

/** The functions of one process share what they have read of keyring and registrations, so most of them never read these. */
function isJudged(right: string): boolean {
  return /^(dynamodb|secretsmanager):/.test(right) && !/ keyring$|:GetItem application#/.test(right)
}

/** Each right that no flow used is one too many, or its flow has no test. Not a failure: some serve faults that no test makes. */
function listUnusedRights(): void {
  const used = new Set(readFileSync(process.env[usedRightsVariable]!, 'utf8').split('\n'))
  const ran = Object.entries(expectedRights).filter(([name]) => [...used].some((line) => line.startsWith(`${name}: `)))
  const unused = ran.flatMap(([name, rights]) =>
    rights.filter((right) => isJudged(right) && !used.has(`${name}: ${right}`)).map((right) => `${name}: ${right}`),
  )
  process.stdout.write(`Rights that no flow has used: ${unused.length === 0 ? 'none' : `\n  ${unused.join('\n  ')}`}\n`)
}
