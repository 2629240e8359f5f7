/** Reads the broker, application and table of a command from its options, else from the environment. */

import { type Command, InvalidArgumentError, Option } from 'commander'
import { isConfidential, isLoopback } from '../shared/domain/loopback.ts'
import { UsageProblem } from './problem.ts'

export const localUrl = 'http://127.0.0.1:8787'
const localApplication = 'demo'
/** What to do when a broker on this machine does not answer. */
export const notRunning = 'Start it with `npm start`, or name another broker with --url or TOKEN_BROKER_URL.'

export type JsonFlag = { readonly json?: true }
export type BrokerSettings = { readonly url?: string; readonly application?: string }
export type OpsSettings = BrokerSettings & { readonly region?: string; readonly sign?: true }
export type Everywhere = { readonly allApplications?: true }
export type TableSettings = { readonly table?: string }

export function withUrl(command: Command, ifNotSet = `${localUrl} if not set`): Command {
  return command.addOption(new Option('--url <url>', `URL of the broker; ${ifNotSet}`).env('TOKEN_BROKER_URL'))
}

export function withBroker(command: Command): Command {
  return withUrl(command).option(
    '--application <name>',
    'application; demo if not set, for a broker on this machine (env: TOKEN_BROKER_APPLICATION)',
  )
}

/** Options of the operators' commands, which sign their requests for AWS. */
export function withOps(command: Command): Command {
  return withBroker(command)
    .option('--region <region>', 'AWS region to sign for (env: AWS_REGION), else the one in the URL')
    .option('--sign', 'sign for AWS even if the URL is on this machine, for example for a tunnel')
}

export function withEverywhere(command: Command): Command {
  return command.option('--all-applications', 'search all applications of the broker')
}

export function withTable(command: Command): Command {
  return command.addOption(new Option('--table <name>', 'name of the table').env('TABLE_NAME'))
}

/** An option that may be repeated, each time with one value. */
export function repeatable(flags: string, description: string): Option {
  return new Option(flags, `${description} (repeatable)`).argParser((value, before?: readonly string[]) => [
    ...(before ?? []),
    value,
  ])
}

/** An option whose value is a whole number within these bounds. */
export function integer(flags: string, description: string, min: number, max: number): Option {
  return new Option(flags, description).argParser((value) => {
    const number = Number(value)
    if (/^\d+$/.test(value) && number >= min && number <= max) return number
    throw new InvalidArgumentError(`It must be a whole number from ${min} to ${max}.`)
  })
}

/** @returns the URL without a trailing slash @throws {UsageProblem} */
export function urlFrom({ url: given }: BrokerSettings): string {
  const url = parsedUrl(given || localUrl)
  const isPlain =
    url !== undefined && url.search === '' && url.hash === '' && url.username === '' && url.password === ''
  if (!isPlain || !isConfidential(url)) {
    throw new UsageProblem('The URL of the broker must be an https URL without a query. http is for this machine only.')
  }
  return url.href.replace(/\/+$/, '')
}

/** @throws {UsageProblem} */
export function applicationFrom(settings: BrokerSettings): string {
  const name = givenApplication(settings) ?? (isLoopback(new URL(urlFrom(settings))) ? localApplication : undefined)
  if (name !== undefined) return name
  throw new UsageProblem('Pass --application NAME or set TOKEN_BROKER_APPLICATION to say which application to use.')
}

export function givenApplication({ application }: BrokerSettings): string | undefined {
  return application || process.env.TOKEN_BROKER_APPLICATION || undefined
}

/** There is no default: a command never writes to a table that was not named. */
export function tableFrom({ table }: TableSettings): string {
  if (table) return table
  throw new UsageProblem(
    'Pass --table NAME or set TABLE_NAME to say which table to use.',
    'In the cloud, the stack output TableName has it. For the local stack, `npm start` prints a line to paste.',
  )
}

function parsedUrl(text: string): URL | undefined {
  return URL.canParse(text) ? new URL(text) : undefined
}

/** Whether the table belongs to the local stack: its DynamoDB is on this machine. */
export function isLocalTable(): boolean {
  const { AWS_ENDPOINT_URL_DYNAMODB, AWS_ENDPOINT_URL } = process.env
  const endpoint = parsedUrl(AWS_ENDPOINT_URL_DYNAMODB || AWS_ENDPOINT_URL || '')
  return endpoint !== undefined && isLoopback(endpoint)
}

/** Describes the table and where it is. */
export function tablePlace(table: string): string {
  const { AWS_ENDPOINT_URL, AWS_ENDPOINT_URL_DYNAMODB, AWS_REGION, AWS_DEFAULT_REGION } = process.env
  const endpoint = AWS_ENDPOINT_URL_DYNAMODB || AWS_ENDPOINT_URL
  return `${table} ${endpoint ? `at ${endpoint}` : `in ${AWS_REGION ?? AWS_DEFAULT_REGION ?? 'the region of the profile'}`}`
}
