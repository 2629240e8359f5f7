/**
 * Which broker, which application, which table: options first, then the environment.
 *
 * Owns the names of both, and what counts as an address. Must not know what is done there.
 */

import { isConfidential, isLoopback } from '../shared/domain/loopback.ts'
import type { Input, Options } from './arguments.ts'
import { UsageProblem } from './problem.ts'

export const localUrl = 'http://127.0.0.1:8787'
const localApplication = 'demo'

export const brokerOptions: Options = {
  url: { takes: 'URL', says: `the broker; else TOKEN_BROKER_URL, else ${localUrl}` },
  application: { takes: 'NAME', says: 'else TOKEN_BROKER_APPLICATION; on this machine else demo' },
}

export const opsOptions: Options = {
  ...brokerOptions,
  region: { takes: 'REGION', says: 'to sign for; else AWS_REGION, else what the URL says' },
  sign: { says: 'sign for AWS although the URL is of this machine, as behind a tunnel' },
}

export const everywhereOption: Options = {
  'all-applications': { says: 'at every application of the broker' },
}

export const tableOptions: Options = {
  table: { takes: 'NAME', says: 'else TABLE_NAME' },
}

/** Without a slash at its end. @throws {UsageProblem} */
export function urlFrom(input: Input): string {
  return checkedUrl(input.text('url') || process.env.TOKEN_BROKER_URL || localUrl)
}

export function applicationFrom(input: Input, url: string): string {
  const name = givenApplication(input) ?? (isLoopback(new URL(url)) ? localApplication : undefined)
  if (name === undefined) throw new UsageProblem('Which application? --application NAME, or TOKEN_BROKER_APPLICATION.')
  return name
}

export function givenApplication(input: Input): string | undefined {
  return input.text('application') || process.env.TOKEN_BROKER_APPLICATION || undefined
}

/** There is no default: what is not named is not written to. */
export function tableFrom(input: Input): string {
  const name = input.text('table') || process.env.TABLE_NAME
  if (!name) {
    throw new UsageProblem(
      'Which table? --table NAME, or TABLE_NAME.',
      'In the cloud it is the stack’s output TableName; for the local stack `npm start` prints a line to paste.',
    )
  }
  return name
}

/** Whether the table is the local stack's: DynamoDB is on this machine. */
export function isLocalTable(): boolean {
  const { AWS_ENDPOINT_URL_DYNAMODB, AWS_ENDPOINT_URL } = process.env
  const endpoint = URL.parse(AWS_ENDPOINT_URL_DYNAMODB || AWS_ENDPOINT_URL || '')
  return endpoint !== null && isLoopback(endpoint)
}

/** Where that table is, for people. */
export function tablePlace(table: string): string {
  const { AWS_ENDPOINT_URL_DYNAMODB: endpoint, AWS_REGION, AWS_DEFAULT_REGION } = process.env
  return `${table} ${endpoint ? `at ${endpoint}` : `in ${AWS_REGION ?? AWS_DEFAULT_REGION ?? 'the profile’s region'}`}`
}

function checkedUrl(text: string): string {
  const url = URL.parse(text)
  const isPlain = url !== null && url.search === '' && url.hash === '' && url.username === '' && url.password === ''
  if (!isPlain || !isConfidential(url)) {
    throw new UsageProblem('The broker’s URL must be an https URL, without query; http is for this machine alone.')
  }
  return url.href.replace(/\/+$/, '')
}
