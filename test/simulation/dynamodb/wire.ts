/** The model of DynamoDB behind its protocol: a request's headers and body in, a status and a body out. */

import type { Model, Write } from './model.ts'
import { Refused } from './values.ts'

/** An answer on the wire, and the changes behind it. */
export type Served = { readonly status: number; readonly body: string; readonly writes: readonly Write[] }

/** @param target the header `x-amz-target` */
export function serve(model: Model, target: string, body: string, nowMs: number): Served {
  return serveParsed(model, operationOf(target), JSON.parse(body) as object, nowMs)
}

export function serveParsed(model: Model, operation: string, request: object, nowMs: number): Served {
  try {
    const { answer, writes } = model.run(operation, request, nowMs)
    return { status: 200, body: JSON.stringify(answer), writes }
  } catch (error) {
    if (!(error instanceof Refused)) throw error
    return { ...refusal(400, error.name, error.message, error.details), writes: [] }
  }
}

export function operationOf(target: string): string {
  return target.replace(/^.*\./, '')
}

export function refusal(
  status: number,
  name: string,
  message: string,
  details: Readonly<Record<string, unknown>> = {},
): Omit<Served, 'writes'> {
  return {
    status,
    body: JSON.stringify({ __type: `com.amazonaws.dynamodb.v20120810#${name}`, message, ...details }),
  }
}
