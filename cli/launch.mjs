#!/usr/bin/env node
// Starts `token-broker` on a Node that runs TypeScript (24 or newer), whatever Node runs this file.

import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { constants } from 'node:os'
import { fileURLToPath } from 'node:url'

const command = fileURLToPath(new URL('token-broker.ts', import.meta.url))
const bundled = fileURLToPath(new URL('../node_modules/.bin/node', import.meta.url))

if (Number(process.versions.node.split('.')[0]) >= 24) {
  process.argv[1] = command
  await import(new URL('token-broker.ts', import.meta.url))
} else if (existsSync(bundled)) {
  const child = spawn(bundled, [command, ...process.argv.slice(2)], { stdio: 'inherit' })
  // Forward signals. If a signal reaches both processes, the child ignores the second one.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  child.on('error', (error) => {
    console.error(`${bundled} cannot be started: ${error.message}`)
    process.exit(1)
  })
  child.on('exit', (code, signal) => process.exit(code ?? 128 + constants.signals[signal]))
} else {
  console.error(
    `token-broker runs on Node 24 or newer; this is ${process.version}. On Linux x64 \`npm ci\` brings one, elsewhere install Node 24.`,
  )
  process.exit(1)
}
