/**
 * HTTP responses: translates a function's answer, and shapes the gateway's own errors as OAuth errors.
 */

import type { ServerResponse } from 'node:http'
import type { APIGatewayProxyResult } from 'aws-lambda'
import { preflightHeaders } from '../../infra/routes.ts'
import { crossOriginHeaders, securityHeaders } from '../../shared/http/headers.ts'

export type Response = {
  readonly status: number
  /** Name, value, name, value. The same name may occur several times (Set-Cookie). */
  readonly headers: readonly string[]
  readonly body: Buffer | string
}

export function responseOf(result: APIGatewayProxyResult): Response {
  const { statusCode, headers = {}, multiValueHeaders = {}, body, isBase64Encoded } = result
  const several = new Set(Object.keys(multiValueHeaders).map((name) => name.toLowerCase()))
  const flat: string[] = []
  for (const [name, value] of Object.entries(headers)) {
    if (!several.has(name.toLowerCase())) flat.push(name, String(value))
  }
  for (const [name, values] of Object.entries(multiValueHeaders)) {
    for (const value of values) flat.push(name, String(value))
  }
  return { status: statusCode, headers: flat, body: isBase64Encoded ? Buffer.from(body, 'base64') : (body ?? '') }
}

/** @param headers additional ones: name, value, name, value */
export function errorResponse(
  status: number,
  error: 'invalid_request' | 'temporarily_unavailable',
  description: string,
  requestId: string,
  headers: readonly string[] = [],
): Response {
  return {
    status,
    headers: [
      ...['content-type', 'application/json', 'cache-control', 'no-store', 'pragma', 'no-cache'],
      ...['x-request-id', requestId],
      ...Object.entries(securityHeaders).flat(),
      ...headers,
    ],
    body: JSON.stringify({ error, error_description: description }),
  }
}

/**
 * Headers of errors that every route may return. Scripts of other origins may read these errors
 * (infra/gateway-errors.ts).
 */
export const crossOrigin: readonly string[] = Object.entries(crossOriginHeaders).flat()

export function preflightResponse(): Response {
  const headers = { ...securityHeaders, ...preflightHeaders }
  return { status: 204, headers: Object.entries(headers).flat(), body: '' }
}

/** @throws before anything is sent, if the function returned a header that cannot be written */
export function send(outgoing: ServerResponse, response: Response): void {
  writeHead(outgoing, response)
  outgoing.end(response.body)
}

export function writeHead(outgoing: ServerResponse, { status, headers, body }: Response): void {
  const length = status === 204 || status === 304 ? [] : ['content-length', String(Buffer.byteLength(body))]
  outgoing.writeHead(status, [...headers, ...length])
}
