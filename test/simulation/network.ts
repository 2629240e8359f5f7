/** The network between a function and what it asks: DynamoDB, the provider and the secrets. */

import type { Model, Write } from './dynamodb/model.ts'
import { operationOf, refusal, type Served, serveParsed } from './dynamodb/wire.ts'
import type { Faults, MessageFault } from './faults.ts'
import { type Program, virtual } from './virtual.ts'

/** A function's call that sends a message, and how many it has sent. */
export type Sender = { readonly program: Program; readonly key: string; messages: number; faults: number }

/** What the SDK's own transport does: how long it waits, and what it throws (shared/store/table.ts has the same times). */
const storeTimeoutMs = 1_500
const lateMs = { least: 1_600, most: 9_000 }
const usualMs = { least: 1, most: 12 }

export type StoreEvent = {
  readonly sender: Sender
  readonly operation: string
  readonly request: Readonly<Record<string, unknown>>
  readonly served: Served
  readonly writes: readonly Write[]
  readonly atMs: number
}

export type NetworkOptions = {
  readonly faults: Faults
  readonly model: Model
  readonly trace: (line: string) => void
  /** Called when a request has taken effect at the store. */
  readonly onStore: (event: StoreEvent) => void
  /** Changes a request on its way, for a planted bug. */
  readonly rewrite?:
    | ((operation: string, input: Record<string, unknown>, sender: Sender) => Record<string, unknown>)
    | undefined
  readonly onKilled: (program: Program) => void
  /** Called when an answer of the store has reached the function that waits for it. */
  readonly onStoreAnswer: (sender: Sender, event: StoreEvent) => void
}

type HttpRequest = { readonly headers: Readonly<Record<string, string>>; readonly body: string | Uint8Array }
type HttpResponse = { readonly statusCode: number; readonly headers: Record<string, string>; readonly body: Uint8Array }

/** A message under way: it is delivered, takes effect, and its answer comes back, unless something goes wrong. */
type Message<Answer> = {
  readonly sender: Sender
  readonly name: string
  readonly timeoutMs: number
  readonly effect: () => Answer
  /** An error that the other side answers without any effect. */
  readonly refusedBy: (fault: 'throttled' | 'failing') => Answer
  readonly reject: (error: Error) => void
  readonly resolve: (answer: Answer) => void
}

export class Network {
  readonly #options: NetworkOptions

  constructor(options: NetworkOptions) {
    this.#options = options
  }

  /** The transport of one program's DynamoDB client. */
  storeHandler(senderOf: () => Sender) {
    const {
      model,
      onStore,
      onStoreAnswer,
      rewrite = (_: string, input: Record<string, unknown>) => input,
    } = this.#options
    return {
      handle: (request: HttpRequest) => {
        const sender = senderOf()
        const target = request.headers['x-amz-target'] ?? request.headers['X-Amz-Target'] ?? ''
        const operation = operationOf(target)
        const input = rewrite(operation, JSON.parse(textOf(request.body)) as Record<string, unknown>, sender)
        let event: StoreEvent | undefined
        return new Promise<{ response: HttpResponse }>((resolve, reject) => {
          this.#send<Pick<Served, 'status' | 'body'>>({
            ...{ sender, reject, timeoutMs: storeTimeoutMs },
            name: operation,
            effect: () => {
              const served = serveParsed(model, operation, input, virtual.nowMs)
              event = { sender, operation, request: input, served, writes: served.writes, atMs: virtual.nowMs }
              onStore(event)
              return served
            },
            refusedBy: (fault) =>
              fault === 'throttled'
                ? refusal(400, 'ThrottlingException', 'Rate exceeded')
                : refusal(500, 'InternalServerError', 'The request could not be processed'),
            resolve: ({ status, body }) => {
              if (event !== undefined) onStoreAnswer(sender, event)
              const headers = { 'content-type': 'application/x-amz-json-1.0' }
              resolve({ response: { statusCode: status, headers, body: Buffer.from(body) } })
            },
          })
        })
      },
      destroy: () => {},
      metadata: { handlerProtocol: 'http/1.1' },
      httpHandlerConfigs: () => ({}),
      updateHttpClientConfig: () => {},
    }
  }

  /** A request to the provider, as `fetch` makes it. */
  fetch(sender: Sender, name: string, signal: AbortSignal | undefined, answer: () => Response): Promise<Response> {
    return new Promise((resolve, reject) => {
      signal?.addEventListener('abort', () => reject(signal.reason as Error))
      this.#send<Response>({
        ...{ sender, name, resolve, effect: answer },
        timeoutMs: Number.POSITIVE_INFINITY,
        refusedBy: (fault) => new Response('{}', { status: fault === 'throttled' ? 429 : 503 }),
        reject: (cause) => reject(new TypeError('fetch failed', { cause })),
      })
    })
  }

  /** A secret, which is there or out of reach. */
  readSecret(sender: Sender, name: string, value: () => string): Promise<string> {
    return new Promise((resolve, reject) => {
      this.#send<string | undefined>({
        ...{ sender, name: `secret ${name}`, reject, timeoutMs: 2_000, effect: value, refusedBy: () => undefined },
        resolve: (text) => (text === undefined ? reject(new Error('ServiceUnavailable')) : resolve(text)),
      })
    })
  }

  #send<Answer>(message: Message<Answer>): void {
    const { sender, name, timeoutMs } = message
    const { faults, trace } = this.#options
    sender.messages += 1
    const key = `${sender.key}/${sender.messages}`
    const fault = faults.ofMessage(key)
    const chance = faults.chance(`time ${key}`)
    if (fault !== undefined) sender.faults += 1
    trace(`${key} ${name}${fault === undefined ? '' : ` (${fault})`}`)
    const thereMs =
      fault === 'late' ? chance.between(lateMs.least, lateMs.most) : chance.between(usualMs.least, usualMs.most)
    const backMs =
      fault === 'answer-late' ? chance.between(lateMs.least, lateMs.most) : chance.between(usualMs.least, usualMs.most)
    let isOpen = true
    const settle = (run: () => void) => () => {
      if (!isOpen) return
      isOpen = false
      timeout?.cancel()
      run()
    }
    const timeout = Number.isFinite(timeoutMs) ? this.#timeout(message, () => settle) : undefined
    const arrive = (answer: Answer, afterMs: number) =>
      virtual.after(
        afterMs,
        settle(() => this.#deliver(key, message, answer)),
        sender.program,
      )
    const fail = (code: string, afterMs: number) =>
      virtual.after(
        afterMs,
        settle(() => message.reject(connectionError(code))),
        sender.program,
      )
    this.#underWay(fault, {
      ...{ thereMs, backMs, arrive, fail },
      effect: message.effect,
      refusedBy: message.refusedBy,
    })
  }

  #underWay<Answer>(fault: MessageFault | undefined, way: Way<Answer>): void {
    const { thereMs, backMs, arrive, fail, effect, refusedBy } = way
    switch (fault) {
      case 'lost':
        return
      case 'refused':
        fail('ECONNREFUSED', 1)
        return
      case 'reset':
        virtual.after(thereMs, () => {
          effect()
          fail('ECONNRESET', backMs)
        })
        return
      case 'throttled':
      case 'failing':
        arrive(refusedBy(fault), thereMs + backMs)
        return
      default:
        // The message takes effect whatever has become of its sender meanwhile.
        virtual.after(thereMs, () => {
          const answer = effect()
          if (fault !== 'answer-lost') arrive(answer, backMs)
        })
    }
  }

  /** A function may be killed, or stand still, at the moment when an answer reaches it. */
  #deliver<Answer>(key: string, { sender, resolve }: Message<Answer>, answer: Answer): void {
    const fault = this.#options.faults.ofFunction(key)
    if (fault === undefined) {
      resolve(answer)
      return
    }
    const { program } = sender
    sender.faults += 1
    this.#options.trace(`${key} the function is ${fault}`)
    if (fault === 'killed') {
      program.isAlive = false
      this.#options.onKilled(program)
      return
    }
    program.frozenUntilMs = virtual.nowMs + this.#options.faults.chance(`frozen ${key}`).between(500, 15_000)
    virtual.after(0, () => resolve(answer), program)
  }

  #timeout<Answer>({ sender, timeoutMs, reject }: Message<Answer>, settle: () => (run: () => void) => () => void) {
    const event = virtual.after(
      timeoutMs,
      () => settle()(() => reject(Object.assign(new Error('no answer in time'), { name: 'TimeoutError' })))(),
      sender.program,
    )
    return {
      cancel: () => {
        event.isCancelled = true
      },
    }
  }
}

type Way<Answer> = {
  readonly thereMs: number
  readonly backMs: number
  readonly arrive: (answer: Answer, afterMs: number) => void
  readonly fail: (code: string, afterMs: number) => void
  readonly effect: () => Answer
  readonly refusedBy: (fault: 'throttled' | 'failing') => Answer
}

/** As the SDK's transport names it (node-http-handler, NODEJS_TIMEOUT_ERROR_CODES). */
function connectionError(code: string): Error {
  return Object.assign(new Error(code), { code, ...(code === 'ECONNRESET' && { name: 'TimeoutError' }) })
}

function textOf(body: string | Uint8Array): string {
  return typeof body === 'string' ? body : Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString()
}
