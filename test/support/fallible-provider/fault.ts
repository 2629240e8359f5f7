/**
 * What may go wrong with an answer of an identity provider, as its client sees it.
 *
 * Owns the faults, their order and how each is put on the wire. Must not know what the requests mean.
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
  /** Nothing happens, and this is the answer: HTML, or an OAuth error where `error` names one. */
  | {
      readonly kind: 'refuse'
      readonly status: number
      readonly error?: string
      readonly retryAfterSeconds?: number | string
      /** WWW-Authenticate, beside the body. */
      readonly challenge?: string
    }
  /** Nothing happens, and the connection is reset. */
  | { readonly kind: 'hang-up' }
  /** Nothing happens, and no answer comes: the caller finds out by its own patience. */
  | { readonly kind: 'ignore' }
  /** It happens, and the connection is reset instead of an answer. */
  | { readonly kind: 'lose-answer' }
  /** It happens, and no answer comes. */
  | { readonly kind: 'keep-silent' }
  /** It happens, and the answer comes late. */
  | { readonly kind: 'delay'; readonly ms: number }
  /** It happens, and the answer comes when the test says so. */
  | { readonly kind: 'hold'; readonly reached: () => void; readonly until: Promise<void> }
  /** It happens when the test says so, as if the request had been so long on its way. */
  | { readonly kind: 'hold-back'; readonly reached: () => void; readonly until: Promise<void> }
  /** It happens, and the answer's JSON breaks off in the middle. */
  | { readonly kind: 'malformed' }
  /** It happens, and the answer has these members instead of its own; undefined leaves one out. */
  | { readonly kind: 'change'; readonly members: Readonly<Record<string, unknown>> }

export const serverError: Fault = { kind: 'refuse', status: 500 }
export const unavailable: Fault = { kind: 'refuse', status: 503, retryAfterSeconds: 9 }
export const tooManyRequests: Fault = { kind: 'refuse', status: 429, retryAfterSeconds: 9 }
/** Only said: the grant lives on, and the next one to ask is answered as ever. */
export const invalidGrant: Fault = { kind: 'refuse', status: 400, error: 'invalid_grant' }
export const withoutExpiry: Fault = { kind: 'change', members: { expires_in: undefined } }

/** The faults that are still to come, for each kind of request in the order in which they were asked for. */
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

/** Answers, or does not, as the fault has it. `work` makes the right answer, and with it whatever happens. */
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
