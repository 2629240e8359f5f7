/**
 * `npm run test:dynamodb-local`: the tests of what the table holds, on AWS's DynamoDB Local instead of the embedded DynamoDB.
 *
 *     npm run test:dynamodb-local                              all of them, and more requests to compare the model with
 *     npm run test:dynamodb-local -- test/store/races.test.ts  these files or folders alone
 *
 * Exit codes: 0 all passed, 1 a test failed, 3 this machine cannot run it.
 */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { availableParallelism } from 'node:os'
import { type Engine, findEngine, installCommands, thisMachine } from '../local/dynamodb/engine.ts'
import { startDynamodb } from '../local/dynamodb.ts'
import { Problem } from '../local/problem.ts'

const tests = [
  ...['store', 'flows', 'vault', 'sessions', 'compatibility/items.test.ts', 'simulation/dynamodb'],
  // refresh-races, vault and sessions-load expect that no burst of requests meets a 503. DynamoDB Local may answer a burst later than the
  // time limits of shared/store/table.ts; test/store/races.test.ts has the same races with patience. The other instances die or
  // change keys, and send the table nothing else.
  ...['refresh-reuse', 'restore', 'upstream-device-races'].map((name) => `instances/${name}.test.ts`),
]

try {
  const dynamodb = await startDynamodb({ engine: engineOfParts(), log: console.error })
  try {
    const words = process.argv.slice(2)
    const files = words.length > 0 ? words : tests.map((path) => `test/${path}`)
    process.exitCode = await run(dynamodb.endpoint, files)
  } finally {
    await dynamodb.stop()
  }
} catch (error) {
  if (!(error instanceof Problem)) throw error
  const commands = installCommands(thisMachine).map((command) => `  ${command}`)
  console.error(['DynamoDB Local cannot run here yet. Install it:', ...commands].join('\n'))
  process.exitCode = 3
}

/** Without -sharedDb it keeps the tables of each access key apart (test/support/dynamodb.ts). */
function engineOfParts(): Engine {
  const { name, command } = findEngine({ ...thisMachine, wanted: 'dynamodb-local' })
  return {
    name,
    command: (port, directory) => {
      const { words, ...rest } = command(port, directory)
      return { ...rest, words: words.filter((word) => word !== '-sharedDb') }
    },
  }
}

/** Fewer files at once than in `npm test`, because DynamoDB Local needs a processor too. */
async function run(endpoint: string, files: readonly string[]): Promise<number> {
  const variables = { REQUESTS: '20000', ...process.env, TEST_DYNAMODB_LOCAL: endpoint }
  const words = ['scripts/test.mjs', `--test-concurrency=${availableParallelism()}`, ...files]
  const child = spawn(process.execPath, words, { env: variables, stdio: 'inherit' })
  // A signal to the group reaches the runner too. DynamoDB Local ends after it.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal))
  const [code] = (await once(child, 'exit')) as [number | null]
  return code ?? 1
}
