/**
 * A query of CloudWatch Logs Insights, run to its end.
 *
 * Two calls of the service's JSON protocol, signed like all others here, need no client of its own.
 */

import { setTimeout as pause } from 'node:timers/promises'
import { isLoopback } from '../shared/domain/loopback.ts'
import { request } from './http.ts'
import { OutOfReach, Problem, reasonOf, UsageProblem } from './problem.ts'

/** As the broker tells it (docs/contract.md). */
export type AuditQuery = {
  readonly log_groups: readonly string[]
  readonly query: string
  readonly from: string
}

/** A line of the audit (docs/audit.md), as far as a history shows it. */
export type LogLine = {
  readonly time?: string
  readonly event?: string
  readonly generation?: string | number
  readonly client_id?: string
  readonly ip?: string
  readonly reason?: string
  readonly actor?: string
  readonly note?: string
}

const answerWithinMs = 10_000
const betweenLooksMs = 500
/** What Insights gives a query at most is an hour; a session's takes seconds. */
const mostLooks = 600

/** @throws {Problem} */
export async function insights(
  { log_groups, query, from }: AuditQuery,
  region: string | undefined,
): Promise<LogLine[]> {
  if (log_groups.length === 0) throw new Problem('The broker does not say where its log is.')
  const call = await callerFor(region)
  const { queryId } = await call('StartQuery', {
    logGroupNames: log_groups,
    queryString: query,
    startTime: Math.floor(Date.parse(from) / 1000),
    endTime: Math.ceil(Date.now() / 1000),
  })
  for (let looks = 0; looks < mostLooks; looks += 1) {
    const { status, results } = await call('GetQueryResults', { queryId })
    if (status === 'Complete') return (results as Row[]).map(lineOf)
    if (status !== 'Scheduled' && status !== 'Running') throw new Problem(`CloudWatch ended the query: ${status}.`)
    await pause(betweenLooksMs)
  }
  throw new OutOfReach('CloudWatch did not finish the query within five minutes.')
}

type Row = readonly { readonly field: string; readonly value: string }[]

function lineOf(row: Row): LogLine {
  const {
    '@timestamp': timestamp = '',
    '@ptr': _,
    ...members
  } = Object.fromEntries(row.map(({ field, value }) => [field, value]))
  return { time: timestamp.replace(' ', 'T'), ...members }
}

async function callerFor(given: string | undefined) {
  const { regionFor, signed } = await import('./signature.ts')
  const named = given || process.env.AWS_REGION || process.env.AWS_DEFAULT_REGION
  const base = process.env.AWS_ENDPOINT_URL_CLOUDWATCH_LOGS || `https://logs.${named}.amazonaws.com`
  const url = new URL('/', base)
  if (url.protocol !== 'https:' && !isLoopback(url)) {
    throw new UsageProblem('AWS_ENDPOINT_URL_CLOUDWATCH_LOGS must be an https URL.')
  }
  const region = regionFor(url, named)
  return async (action: string, members: object): Promise<Readonly<Record<string, unknown>>> => {
    const body = JSON.stringify(members)
    const plain = { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': `Logs_20140328.${action}` }
    const headers = await signed({ method: 'POST', url, headers: plain, body }, 'logs', region)
    const response = await request(url, { method: 'POST', headers, body, timeoutMs: answerWithinMs }).catch(
      (error: unknown) => {
        throw new OutOfReach(`CloudWatch Logs is out of reach (${reasonOf(error)}).`)
      },
    )
    const answer = objectIn(await response.text())
    if (response.status === 200) return answer
    const words = String(answer.message ?? answer.Message ?? answer.__type ?? `status ${response.status}`)
    if (response.status >= 500) throw new OutOfReach(`CloudWatch Logs failed: ${words}`)
    throw new Problem(
      `CloudWatch Logs: ${words}`,
      undefined,
      'It takes logs:StartQuery and logs:GetQueryResults on the log groups that `sessions show` names.',
    )
  }
}

function objectIn(text: string): Readonly<Record<string, unknown>> {
  try {
    return JSON.parse(text) as Readonly<Record<string, unknown>>
  } catch {
    return {}
  }
}
