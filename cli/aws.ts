/** One signed request to an AWS service, through the proxy (docs/decisions/0049). */

import { isConfidential } from '../shared/domain/loopback.ts'
import { objectIn, type Response, request } from './http.ts'
import { OutOfReach, reasonOf, UsageProblem } from './problem.ts'

export type AwsService = {
  /** The service's name in host names and in signatures. */
  readonly name: string
  readonly title: string
  /** The AWS tools' variable for another endpoint of this service. */
  readonly endpointVariable: string
}

export type AwsRequest = {
  readonly method: 'GET' | 'POST'
  /** With the query. */
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  readonly timeoutMs: number
  /** @default AWS_REGION */
  readonly region?: string | undefined
  /** What to do if AWS does not answer. */
  readonly hint?: string
}

export type AwsAnswer = {
  readonly status: number
  readonly headers: Response['headers']
  readonly text: string
  /** The text as a JSON object; empty if it is not one. */
  readonly body: Readonly<Record<string, unknown>>
}

/** @throws {Problem} when the call cannot be made, or gets no answer */
export async function askAws({ name, title, endpointVariable }: AwsService, asked: AwsRequest): Promise<AwsAnswer> {
  const { method, headers, body, timeoutMs } = asked
  const { regionFor, signed } = await import('./signature.ts')
  const region = asked.region || process.env.AWS_REGION || process.env.AWS_DEFAULT_REGION
  const suffix = region?.startsWith('cn-') ? 'amazonaws.com.cn' : 'amazonaws.com'
  const variable = [endpointVariable, 'AWS_ENDPOINT_URL'].find((one) => process.env[one]) ?? ''
  const endpoint = process.env[variable] || `https://${name}.${region}.${suffix}`
  // As in the SDKs, an endpoint may have a path.
  const url = new URL(endpoint.replace(/\/$/, '') + asked.path)
  if (!isConfidential(url)) throw new UsageProblem(`${variable} must be an https URL.`)
  const withSignature = await signed({ method, url, headers, body }, name, regionFor(url, region))
  try {
    const response = await request(url, { method, headers: withSignature, timeoutMs, ...(body !== '' && { body }) })
    const text = await response.text()
    return { status: response.status, headers: response.headers, text, body: objectIn(text) ?? {} }
  } catch (error) {
    throw new OutOfReach(`${title} is out of reach (${reasonOf(error)}).`, asked.hint)
  }
}
