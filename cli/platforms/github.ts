/** Requests the token of a GitHub Actions job at the URL that GitHub gives to jobs with `id-token: write`. */

import { isConfidential } from '../../shared/domain/loopback.ts'
import { objectIn, request } from '../http.ts'
import { exitCodes, OutOfReach, Problem, reasonOf } from '../problem.ts'
import { withRetries } from './retries.ts'

const answerWithinMs = 5_000
const permission = `Add this to the job or the workflow. A pull request from a fork never gets a token.
  permissions:
    id-token: write`

export async function token(audience: string): Promise<string> {
  const { ACTIONS_ID_TOKEN_REQUEST_URL: place, ACTIONS_ID_TOKEN_REQUEST_TOKEN: bearer, GITHUB_ACTIONS } = process.env
  const url = URL.parse(place ?? '')
  if (url === null || !bearer) {
    throw new Problem(
      'GitHub gives this job no token: ACTIONS_ID_TOKEN_REQUEST_URL or ACTIONS_ID_TOKEN_REQUEST_TOKEN is missing.',
      exitCodes.failed,
      GITHUB_ACTIONS ? permission : `GitHub Actions sets them in jobs that may have a token. ${permission}`,
    )
  }
  if (!isConfidential(url)) throw new Problem('ACTIONS_ID_TOKEN_REQUEST_URL must be an https URL.')
  url.searchParams.set('audience', audience)
  return withRetries(() => ask(url, bearer))
}

export function audienceHint(audience: string): string {
  return `GitHub ignored the audience ${audience}. Check ACTIONS_ID_TOKEN_REQUEST_URL.`
}

async function ask(url: URL, bearer: string): Promise<string> {
  const headers = { authorization: `Bearer ${bearer}`, accept: 'application/json; api-version=2.0' }
  let status: number
  let words: string
  try {
    const response = await request(url, { method: 'GET', headers, timeoutMs: answerWithinMs })
    status = response.status
    words = await response.text()
  } catch (error) {
    throw new OutOfReach(`GitHub gave no token: it is out of reach (${reasonOf(error)}).`, 'Run the job again.')
  }
  if (status === 429 || status >= 500) {
    throw new OutOfReach(`GitHub gave no token: status ${status}.`, 'Run the job again.')
  }
  const { value } = objectIn(words) ?? {}
  if (status === 200 && typeof value === 'string') return value
  throw new Problem(`GitHub gave no token: status ${status}.`, exitCodes.failed, permission)
}
