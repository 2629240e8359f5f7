/**
 * Faults of an identity provider as its client sees them, and how each is put on the wire.
 */

import type { ServerResponse } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'

export type Reply = {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  /** Goes as JSON. */
  readonly body?: Readonly<Record<string, unknown>>
}

export type Fault =
  /** The request has no effect, and this is the answer: HTML, or an OAuth error where `error` names one. */
  | {
      readonly kind: 'refuse'
      readonly status: number
      readonly error?: string
      readonly retryAfterSeconds?: number | string
      /** WWW-Authenticate, beside the body. */
      readonly challenge?: string
    }
  /** The request has no effect, and the connection is reset. */
  | { readonly kind: 'hang-up' }
  /** The request has no effect, and no answer comes: the caller times out. */
  | { readonly kind: 'ignore' }
  /** The request takes effect, and the connection is reset instead of an answer. */
  | { readonly kind: 'lose-answer' }
  /** The request takes effect, and no answer comes. */
  | { readonly kind: 'keep-silent' }
  /** The request takes effect, and the answer comes late. */
  | { readonly kind: 'delay'; readonly ms: number }
  /** The request takes effect, and the answer comes when the test releases it. */
  | { readonly kind: 'hold'; readonly reached: () => void; readonly until: Promise<void> }
  /** The request takes effect when the test releases it, as if it had been on its way. */
  | { readonly kind: 'hold-back'; readonly reached: () => void; readonly until: Promise<void> }
  /** The request takes effect, and the answer's JSON is cut off. */
  | { readonly kind: 'malformed' }
  /** The request takes effect, and these members replace the answer's own; undefined leaves one out. */
  | { readonly kind: 'change'; readonly members: Readonly<Record<string, unknown>> }

export const serverError: Fault = { kind: 'refuse', status: 500 }
export const unavailable: Fault = { kind: 'refuse', status: 503, retryAfterSeconds: 9 }
export const tooManyRequests: Fault = { kind: 'refuse', status: 429, retryAfterSeconds: 9 }
/** A false refusal: the grant lives on. */
export const invalidGrant: Fault = { kind: 'refuse', status: 400, error: 'invalid_grant' }
export const withoutExpiry: Fault = { kind: 'change', members: { expires_in: undefined } }

/** The planned faults, in order, for each kind of request. */
export function createScript<Kind extends string>() {
  const plans = new Map<Kind, { readonly fault: Fault; left: number }[]>()
  return {
    add: (kind: Kind, fault: Fault, times: number): void => {
      plans.set(kind, [...(plans.get(kind) ?? []), { fault, left: times }])
    },
    next: (kind: Kind): Fault | undefined => {
      const plan = plans.get(kind)?.find(({ left }) => left > 0)
      if (plan !== undefined) plan.left -= 1
      return plan?.fault
    },
    clear: (): void => plans.clear(),
  }
}

/** Answers as the fault says. @param work takes effect, and makes the right answer */
export async function answerWith(
  fault: Fault | undefined,
  outgoing: ServerResponse,
  work: () => Promise<Reply>,
): Promise<void> {
  switch (fault?.kind) {
    case 'refuse':
      return refuse(outgoing, fault)
    case 'hang-up':
      return reset(outgoing)
    case 'ignore':
      return
    case 'hold-back':
      fault.reached()
      await fault.until
  }
  const reply = await work()
  switch (fault?.kind) {
    case 'lose-answer':
      return reset(outgoing)
    case 'keep-silent':
      return
    case 'delay':
      await pause(fault.ms)
      return send(outgoing, reply)
    case 'hold':
      fault.reached()
      await fault.until
      return send(outgoing, reply)
    case 'malformed':
      return send(outgoing, reply, (text) => text.slice(0, -2))
    case 'change':
      return send(outgoing, { ...reply, body: { ...reply.body, ...fault.members } })
  }
  send(outgoing, reply)
}

function send(outgoing: ServerResponse, reply: Reply, spoil = (text: string) => text): void {
  const { status, headers, body } = reply
  outgoing.writeHead(status, { 'cache-control': 'no-store', ...(body && json), ...headers })
  outgoing.end(body && spoil(JSON.stringify(body)))
}

const json = { 'content-type': 'application/json' }

function refuse(outgoing: ServerResponse, fault: Fault & { kind: 'refuse' }): void {
  const { status, error, retryAfterSeconds, challenge } = fault
  outgoing.writeHead(status, {
    'content-type': error === undefined ? 'text/html' : 'application/json',
    ...(retryAfterSeconds !== undefined && { 'retry-after': String(retryAfterSeconds) }),
    ...(challenge !== undefined && { 'www-authenticate': challenge }),
  })
  outgoing.end(error === undefined ? '<p>as asked</p>' : JSON.stringify({ error }))
}

/** The caller gets ECONNRESET, not the end of an answer. */
function reset(outgoing: ServerResponse): void {
  outgoing.socket?.resetAndDestroy()
}
