// Lets `npx @token-broker/token-broker` find the command in a checkout: npm links the commands of dependencies, never the package's own.
// npm runs it after an install, and scripts/setup.mjs before every script, so it must be quick when there is nothing to do.

import { existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const folder = fileURLToPath(new URL('../node_modules/.bin', import.meta.url))

export function linkCommand() {
  const link = join(folder, 'token-broker')
  if (existsSync(link)) return
  mkdirSync(folder, { recursive: true })
  try {
    if (process.platform !== 'win32') symlinkSync('../../cli/launch.mjs', link)
    else writeFileSync(`${link}.cmd`, '@node "%~dp0..\\..\\cli\\launch.mjs" %*\r\n')
  } catch (error) {
    // Another install at the same moment was quicker; or the folder is read-only, and then only this command is missing.
    if (error.code !== 'EEXIST' && error.code !== 'EACCES' && error.code !== 'EROFS') throw error
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) linkCommand()
