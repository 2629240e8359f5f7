/**
 * Puts a registry file into the table of a deployed stack: `npm run registry -- <file>`, with TABLE_NAME from the stack's
 * outputs and AWS credentials from where the AWS SDK finds them.
 *
 * Owns that errand. The schema is shared/registry-file.ts's. A file with mistakes changes nothing.
 */

import { readFile } from 'node:fs/promises'
import { parseRegistry } from '../shared/registry-file.ts'
import { createRegistrations, registrationsCachedMs } from '../shared/store/registrations.ts'
import { connect } from '../shared/store/table.ts'

const [file] = process.argv.slice(2)
const { TABLE_NAME } = process.env

if (file === undefined || !TABLE_NAME) fail('Usage: TABLE_NAME=<output TableName> npm run registry -- <file>')
const parsed = parseRegistry(await readFile(file).then(String, () => fail(`${file} cannot be read.`)), {})
if (!parsed.ok) {
  fail(
    [
      `${file} has mistakes, and nothing was changed:`,
      ...parsed.mistakes.map(({ where, why }) => `  ${where}: ${why}`),
    ].join('\n'),
  )
}
const { applications, clients } = parsed.registry
try {
  await createRegistrations(connect(TABLE_NAME)).put(parsed.registry)
} catch (error) {
  const { cause = error } = error as { cause?: unknown }
  fail(
    `The table ${TABLE_NAME} could not be written (${cause instanceof Error ? cause.name : cause}). Run it again; it may have been written in part.`,
  )
}
console.log(
  `${applications.length} applications and ${clients.length} clients are in ${TABLE_NAME}, in effect everywhere within ${registrationsCachedMs / 1000} s.`,
)

function fail(message: string): never {
  console.error(message)
  process.exit(1)
}
