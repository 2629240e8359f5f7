/** Installs packages of Python for a command of ours that needs them. */

import { existsSync } from 'node:fs'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { attempt, type Log } from './run-command.ts'

/** The command cannot run on this machine. Its exit code is 3. */
export class CannotRun extends Error {}

export type PythonPackages = {
  /** Names the virtual environment. */
  readonly purpose: string
  /** For the message, as people type it. */
  readonly command: string
  /** Exact versions by name. */
  readonly packages: Readonly<Record<string, string>>
  readonly log: Log
}

/**
 * Installs the packages into the user's cache, once for each set of versions.
 *
 * @returns the folder of their programs, `python` among them
 * @throws {CannotRun}
 */
export async function installPythonPackages({ purpose, command, packages, log }: PythonPackages): Promise<string> {
  const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'token-broker')
  const folder = join(cache, [purpose, ...Object.values(packages)].join('-'))
  const programs = join(folder, 'bin')
  const ready = join(folder, 'ready')
  if (existsSync(ready)) return programs
  const needs = `${command} needs Python 3.10 or newer with venv and pip`
  const tried = await attempt(log, [
    'python3',
    '-c',
    'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 10))',
  ])
    .then(({ code }) => code === 0)
    .catch(() => false)
  if (!tried) throw new CannotRun(`${needs}, as python3.`)
  await rm(folder, { recursive: true, force: true })
  await mkdir(cache, { recursive: true })
  const names = Object.entries(packages).map(([name, version]) => `${name}==${version}`)
  for (const words of [
    ['python3', '-m', 'venv', folder],
    [join(programs, 'python'), '-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', ...names],
  ]) {
    const { code, output } = await attempt(log, words)
    const [last = ''] = output.trim().split('\n').slice(-1)
    if (code !== 0) throw new CannotRun(`${needs}, and its package index: ${last}`)
  }
  await writeFile(ready, '')
  return programs
}
