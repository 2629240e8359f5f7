/** Runs a query of CloudWatch Logs Insights to its end. */

import { setTimeout as pause } from 'node:timers/promises'
import { type AwsAnswer, askAws } from './aws.ts'
import { OutOfReach, Problem } from './problem.ts'

/** The query as the broker returns it (docs/contract.md). */
export type AuditQuery = {
  readonly log_groups: readonly string[]
  readonly query: string
  readonly from: string
}

/** The members of an audit line (docs/audit.md) that a history shows. */
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
/** Five minutes. The query of a session takes seconds. */
const maxLooks = 600

/** @throws {Problem} */
export async function insights(
  { log_groups, query, from }: AuditQuery,
  region: string | undefined,
): Promise<LogLine[]> {
  if (log_groups.length === 0) throw new Problem('The broker did not name its log groups. Deploy the stack again.')
  const asked = {
    logGroupNames: log_groups,
    queryString: query,
    startTime: Math.floor(Date.parse(from) / 1000),
    endTime: Math.ceil(Date.now() / 1000),
  }
  const { queryId } = await call('StartQuery', asked, region)
  for (let looks = 0; looks < maxLooks; looks += 1) {
    const { status, results } = await call('GetQueryResults', { queryId }, region)
    if (status === 'Complete') return (results as Row[]).map(lineOf)
    if (status !== 'Scheduled' && status !== 'Running')
      throw new Problem(`CloudWatch ended the query with status ${status}.`)
    await pause(betweenLooksMs)
  }
  throw new OutOfReach('CloudWatch did not finish the query within five minutes. Try again later.')
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

const logs = {
  name: 'logs',
  title: 'CloudWatch Logs',
  endpointVariable: 'AWS_ENDPOINT_URL_CLOUDWATCH_LOGS',
} as const

async function call(action: string, members: object, region: string | undefined): Promise<AwsAnswer['body']> {
  const { status, body } = await askAws(logs, {
    method: 'POST',
    path: '/',
    region,
    timeoutMs: answerWithinMs,
    headers: { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': `Logs_20140328.${action}` },
    body: JSON.stringify(members),
  })
  if (status === 200) return body
  const words = String(body.message ?? body.Message ?? body.__type ?? `status ${status}`)
  const isBusy = /(Throttling|LimitExceeded)Exception$/.test(String(body.__type))
  if (status >= 500 || isBusy) throw new OutOfReach(`CloudWatch Logs failed: ${words}. Try again later.`)
  throw new Problem(
    `CloudWatch Logs: ${words}`,
    undefined,
    'You need the rights logs:StartQuery and logs:GetQueryResults on the log groups that `sessions show` prints.',
  )
}
