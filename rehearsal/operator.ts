/** Acts as an operator by docs/deploy.md and docs/operations.md: edits the settings of a stage, deploys, runs commands. */

import { cp, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { attempt, type Ended, type Log, run } from '../scripts/run-command.ts'
import type { Emulator, Installed } from './emulator.ts'
import { type LeftOut, leftOut, takeOut } from './left-out.ts'

export const stage = 'prod'
export const stackName = `token-broker-${stage}`

const root = fileURLToPath(new URL('..', import.meta.url))
/** The files and folders that a deployment needs. */
const sources = ['cdk.json', 'package.json', 'infra', 'functions', 'shared', 'cli', 'local']

export type Outputs = Readonly<Record<string, string>>
export type Settings = Readonly<Record<string, unknown>>
type Variables = Readonly<Record<string, string>>

export type OperatorOptions = {
  /** A folder for the checkout and the cloud assembly. */
  readonly folder: string
  readonly emulator: Emulator
  readonly installed: Installed
  readonly log: Log
  /** Environment variables with which `token-broker` reaches the broker. */
  readonly variables: Variables
  /** Called with the progress of a long command. */
  readonly progress: (text: string) => void
}

export class Operator {
  /** The resources that were removed from the latest template. */
  leftOut: ReadonlyMap<LeftOut, number> = new Map()
  readonly #options: OperatorOptions
  readonly #checkout: string
  readonly #assembly: string

  constructor(options: OperatorOptions) {
    this.#options = options
    this.#checkout = join(options.folder, 'checkout')
    this.#assembly = join(options.folder, 'assembly')
  }

  /** Copies the sources, so that the settings can be edited. */
  async checkOut(): Promise<void> {
    await mkdir(this.#checkout, { recursive: true })
    for (const name of sources) await cp(join(root, name), join(this.#checkout, name), { recursive: true })
    await symlink(join(root, 'node_modules'), join(this.#checkout, 'node_modules'))
  }

  /** Writes these settings into the stage's entry, in place of those of the last call. */
  async set(settings: Settings): Promise<void> {
    const entry = `  ${stage}: {\n`
    for (const name of await readdir(join(root, 'infra'))) {
      const text = await readFile(join(root, 'infra', name), 'utf8')
      if (!text.includes(entry)) continue
      const lines = Object.entries(settings).map(([key, value]) => `    ${key}: ${JSON.stringify(value)},\n`)
      return writeFile(join(this.#checkout, 'infra', name), text.replace(entry, entry + lines.join('')))
    }
    throw new Error(`No file in infra/ has the stage ${stage}.`)
  }

  bootstrap(account: string, region: string): Promise<Ended> {
    return this.#cdk('bootstrap', `aws://${account}/${region}`)
  }

  async deploy(): Promise<Outputs> {
    await this.#synthesize()
    const ended = await this.#deploySynthesized()
    if (ended.code !== 0) throw new Error(`cdk deploy failed:\n${failuresIn(ended.output)}`)
    return this.outputs()
  }

  /**
   * Deploys with the resources that the emulator refuses during the deployment.
   *
   * @returns what cdk printed about the failure; empty if the deployment did not fail
   */
  async deployAndFail(): Promise<string> {
    await this.#synthesize(leftOut.filter((entry) => !entry.isRefusedLate))
    const ended = await this.#deploySynthesized()
    return ended.code === 0 ? '' : failuresIn(ended.output)
  }

  /** @returns how the command ended; a protected stack is not destroyed */
  destroy(): Promise<Ended> {
    return this.#attempt([...this.#bin('cdk'), 'destroy', '-c', `stage=${stage}`, '--force'])
  }

  async outputs(): Promise<Outputs> {
    const described = await this.aws('cloudformation', 'describe-stacks', '--stack-name', stackName)
    const [{ Outputs = [] } = {}] = (described as { Stacks: { Outputs?: Record<string, string>[] }[] }).Stacks
    return Object.fromEntries(Outputs.map(({ OutputKey = '', OutputValue = '' }) => [OutputKey, OutputValue]))
  }

  /** @returns the JSON that the command prints; undefined if it prints nothing */
  async aws(...words: readonly string[]): Promise<unknown> {
    const { stdout } = await run(
      this.#options.log,
      [join(this.#options.installed.programs, 'aws'), ...words, '--output', 'json'],
      { environment: this.#environment() },
    )
    return stdout.trim() === '' ? undefined : JSON.parse(stdout)
  }

  /** @param variables additional environment variables, for example another user's credentials */
  tokenBroker(words: readonly string[], variables: Variables = {}): Promise<Ended> {
    const command = [...this.#bin('token-broker'), ...words]
    return attempt(this.#options.log, command, { environment: { ...this.#environment(), ...variables } })
  }

  /** Writes the template without the resources that the emulator cannot deploy. */
  async #synthesize(entries = leftOut): Promise<void> {
    await this.#cdk('synth', '--quiet', '-c', `stage=${stage}`, '--output', this.#assembly)
    this.leftOut = await takeOut(this.#assembly, entries)
  }

  #deploySynthesized(): Promise<Ended> {
    const onLine = (line: string) => {
      const [, resources] = /\| +(\d+\/\d+) \|/.exec(line) ?? []
      if (resources !== undefined) this.#options.progress(`${resources} resources`)
    }
    const words = ['deploy', '--app', this.#assembly, '--require-approval', 'never', '--progress', 'events']
    return this.#attempt([...this.#bin('cdk'), ...words], onLine)
  }

  #cdk(...words: readonly string[]): Promise<Ended> {
    const running = { cwd: this.#checkout, environment: this.#environment() }
    return run(this.#options.log, [...this.#bin('cdk'), ...words], running)
  }

  #attempt(words: readonly string[], onLine = (_line: string) => {}): Promise<Ended> {
    return attempt(this.#options.log, words, { cwd: this.#checkout, environment: this.#environment(), onLine })
  }

  /** Like `npx`, but without its startup time. */
  #bin(name: string): readonly string[] {
    return [process.execPath, join(root, 'node_modules', '.bin', name)]
  }

  #environment(): NodeJS.ProcessEnv {
    const { emulator, variables } = this.#options
    const PATH = [join(process.execPath, '..'), process.env.PATH].join(delimiter)
    return { ...process.env, PATH, ...emulator.environment, ...variables, CI: '1', NO_COLOR: '1' }
  }
}

function failuresIn(output: string): string {
  const lines = output.split('\n').filter((line) => line.includes('_FAILED'))
  return (lines.length > 0 ? lines : output.trim().split('\n').slice(-10)).join('\n')
}
