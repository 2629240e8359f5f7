// Makes a fresh checkout ready, on whatever Node runs npm: installs the locked dependencies when they are missing or
// older than the lock file, and makes sure that a Node able to run TypeScript (24) is at hand. It runs before every npm
// script, so it must be quick when there is nothing to do, and must import nothing that would have to be installed first.

import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { linkCommand } from './link-command.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const stamp = join(root, 'node_modules', '.token-broker-lock')
const lock = readFileSync(join(root, 'package-lock.json'), 'utf8')

if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== lock) {
  console.log('Installing dependencies from package-lock.json (the first time takes about a minute) …')
  const npm = process.env.npm_execpath
  const words = ['ci', '--no-audit', '--no-fund', '--loglevel=error']
  const result = npm?.endsWith('.js')
    ? spawnSync(process.execPath, [npm, ...words], { cwd: root, stdio: 'inherit' })
    : spawnSync('npm', words, { cwd: root, stdio: 'inherit', shell: process.platform === 'win32' })
  if (result.status !== 0) {
    console.error('npm ci failed; see above. Once the registry can be reached, run the same command again.')
    process.exit(result.status ?? 1)
  }
  writeFileSync(stamp, lock)
}

linkCommand()

// `npm start` replaces its shell by Node (exec), so that signals reach it. Windows has neither such signals nor exec.
if (process.platform === 'win32') writeFileSync(join(root, 'node_modules', '.bin', 'exec.cmd'), '@%*\r\n')

const bundled = join(root, 'node_modules', '.bin', 'node')
if (!existsSync(bundled) && Number(process.versions.node.split('.')[0]) < 24) {
  const install = {
    darwin: 'brew install node@24 && brew link --overwrite node@24',
    win32: 'winget install OpenJS.NodeJS.LTS',
  }[process.platform]
  console.error(
    [
      `Token Broker runs on Node 24 or newer; this is ${process.version}. On Linux x64 it brings its own. Here, one of these installs it:`,
      '',
      ...(install === undefined ? [] : [`  ${install}`]),
      '  nvm install        (or fnm, which reads .nvmrc too)',
      '  https://nodejs.org/en/download',
    ].join('\n'),
  )
  process.exit(1)
}
