/**
 * The broker as AWS runs it: a gateway, and instances of the functions that serve one call at a time. Each instance has its own
 * caches, its own SDK client and its own clock.
 */

import { requestTimeoutSeconds } from '../../infra/limits.ts'
import { type FunctionName, routes } from '../../infra/routes.ts'
import { contextOf, eventOf, type Handler } from '../../local/gateway/event.ts'
import { createRouter, type Match } from '../../local/gateway/router.ts'
import { configFrom } from '../../shared/config.ts'
import { composeParts, type Parts, setProcessParts } from '../../shared/parts.ts'
import { Unavailable } from '../../shared/unavailable.ts'
import { oneOf } from './chance.ts'
import { clientFor } from './clients.ts'
import type { Faults } from './faults.ts'
import type { Network, Sender } from './network.ts'
import { type Program, virtual } from './virtual.ts'

export const baseUrl = 'https://broker.example'

/** A client's request. */
export type Request = {
  /** Names it: who sends it, and the how-manyth it is. */
  readonly key: string
  readonly method: 'GET' | 'POST' | 'DELETE'
  readonly path: string
  readonly query?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly form?: Readonly<Record<string, string>>
  readonly json?: object
  /** How long the client waits. @default 30 s */
  readonly timeoutMs?: number
  /** Whether the network may deliver it twice. Only some clients can bear that. */
  readonly mayComeTwice?: boolean
}

export type Answer = {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly cookies: readonly string[]
  readonly text: string
  readonly body: Readonly<Record<string, unknown>>
  /** The gateway's own answer, when a function was killed or took too long. */
  readonly isGateways: boolean
}

/** One call of a function. */
export type Call = Sender & {
  readonly request: Request
  readonly functionName: FunctionName | 'retry-revocations'
  readonly startedAtMs: number
  readonly instance: Instance
  isAnswered: boolean
  /** Whether it goes by a keyring that could not be read again, perhaps from before a rotation. */
  hasOldKeyring: boolean
}

export type Instance = Program & {
  readonly name: string
  readonly parts: Parts
  call: Call | undefined
  calls: number
  /** Whether it could not read the keyring the last time, so that its next call begins with the one that it has. */
  hasOldKeyring: boolean
}

export type BrokerOptions = {
  readonly network: Network
  readonly faults: Faults
  /** How far the clocks are apart, at most, from the right time. */
  readonly maxSkewMs: number
  readonly keyring: () => string
  readonly trace: (line: string) => void
  /** Called when an instance sends a message although it serves no call. */
  readonly onLateMessage: (instance: Instance) => void
  /** @param answer undefined: it was killed, or took too long */
  readonly onAnswer: (call: Call, answer: Answer | undefined) => void
  /** Replaces parts of an instance, for a planted bug. */
  readonly alter?: ((parts: Parts) => Partial<Parts>) | undefined
  /** Changes a request before a function has it, for a planted bug. */
  readonly rewrite?: ((request: Request) => Request) | undefined
}

const find = createRouter(routes)
const handlers = new Map<string, Handler>()

/** Loads all functions, and what they load on demand, so that no run waits for a file. */
export async function loadFunctions(): Promise<void> {
  const names = new Set<string>([...routes.map(({ functionName }) => functionName), 'retry-revocations'])
  for (const name of names) {
    const { handler } = (await import(`../../functions/${name}.ts`)) as { handler: Handler }
    handlers.set(name, handler)
  }
  await import('../../shared/grants/provider-token.ts')
  await import('../../shared/tokens/verify-client.ts')
  await import('../../shared/grants/provider-device-login.ts')
  await import('../../shared/vault/end-at-provider.ts')
}

export class Broker {
  readonly #options: BrokerOptions
  readonly #instances: Instance[] = []
  readonly #timeouts = new Map<Call, () => void>()
  #count = 0

  constructor(options: BrokerOptions) {
    this.#options = options
  }

  /** @returns undefined: the client has no answer */
  request(request: Request): Promise<Answer | undefined> {
    const { faults } = this.#options
    const { key, timeoutMs = 30_000 } = request
    const drawn = faults.ofCall(key)
    const fault = drawn === 'twice' && request.mayComeTwice !== true ? undefined : drawn
    const chance = faults.chance(`way ${key}`)
    return new Promise((resolve) => {
      const timer = virtual.after(timeoutMs, () => resolve(undefined))
      const arrive = (answer: Answer) => {
        if (fault === 'answer-lost') return
        virtual.after(chance.between(1, 20), () => {
          timer.isCancelled = true
          resolve(answer)
        })
      }
      this.#options.trace(`${key} ${request.method} ${request.path}${fault === undefined ? '' : ` (${fault})`}`)
      if (fault === 'lost') return
      virtual.after(fault === 'slow' ? chance.between(500, 9_000) : chance.between(1, 20), () =>
        this.#serve(request, arrive),
      )
      if (fault === 'twice') {
        // Often so soon that both are served at once.
        virtual.after(chance.between(1, oneOf(chance, [25, 3_000])), () =>
          this.#serve({ ...request, key: `${key}+` }, () => {}),
        )
      }
    })
  }

  /** What EventBridge calls every few minutes. */
  runSchedule(key: string): Promise<void> {
    return new Promise((resolve) => {
      const request = { key, method: 'POST', path: '/retry-revocations' } as const
      this.#invoke('retry-revocations', request, {}, () => resolve())
    })
  }

  #serve(request: Request, arrive: (answer: Answer) => void): void {
    const found = find(request.method, request.path)
    if (found.kind !== 'route') throw new Error(`no route: ${request.method} ${request.path}`)
    const { rewrite = (same: Request) => same } = this.#options
    this.#invoke(found.match.route.functionName, request, eventFor(rewrite(request), found.match), arrive)
  }

  #invoke(functionName: Call['functionName'], request: Request, event: object, arrive: (answer: Answer) => void): void {
    const instance = this.#instanceFor(request.key)
    const call: Call = {
      ...{ request, functionName, instance, program: instance, key: request.key, startedAtMs: virtual.nowMs },
      ...{ messages: 0, faults: 0, isAnswered: false, hasOldKeyring: instance.hasOldKeyring },
    }
    instance.call = call
    instance.calls += 1
    const end = (answer: Answer | undefined) => {
      if (call.isAnswered) return
      call.isAnswered = true
      timeout.isCancelled = true
      this.#timeouts.delete(call)
      const given = answer ?? gatewayAnswer
      this.#options.trace(
        `${call.key} answered ${given.status} ${String(given.body.error ?? '')}${answer ? '' : ' by the gateway'}`,
      )
      this.#options.onAnswer(call, answer)
      instance.call = undefined
      arrive(given)
    }
    const timeout = virtual.after(requestTimeoutSeconds * 1_000, () => {
      instance.isAlive = false
      end(undefined)
    })
    this.#timeouts.set(call, () => end(undefined))
    virtual.after(
      0,
      () => {
        setProcessParts(instance.parts)
        const result = handlers.get(functionName)!(event as never, contextFor(functionName))
        result.then(
          (answered) => end(answerOf(answered)),
          (error: unknown) => {
            this.#options.trace(`${call.key} threw ${String(error)}`)
            end(undefined)
          },
        )
      },
      instance,
    )
  }

  /** A killed function's caller is told by the gateway at once. */
  killed(program: Program): void {
    const call = (program as Instance).call
    if (call !== undefined) virtual.after(1, () => this.#timeouts.get(call)?.())
  }

  /** An instance that is free, or sometimes a new one although others are free. */
  #instanceFor(key: string): Instance {
    const chance = this.#options.faults.chance(`instance ${key}`)
    const free = this.#instances.filter(({ isAlive, call, frozenUntilMs }) => {
      return isAlive && call === undefined && frozenUntilMs <= virtual.nowMs
    })
    return free.length === 0 || (this.#instances.length < 4 && chance.happens(0.15))
      ? this.#newInstance()
      : oneOf(chance, free)
  }

  #newInstance(): Instance {
    const { network, faults, maxSkewMs, keyring, alter = () => ({}) } = this.#options
    const at = this.#count++
    const name = `instance ${at}`
    const sender = () => {
      if (instance.call === undefined) this.#options.onLateMessage(instance)
      return instance.call ?? idle
    }
    const parts = composeParts(config, clientFor(at, network.storeHandler(sender)))
    const instance: Instance = {
      ...{
        name,
        parts: { ...parts },
        call: undefined,
        calls: 0,
        isAlive: true,
        frozenUntilMs: 0,
        hasOldKeyring: false,
      },
      skewMs: faults.chance(`clock of ${name}`).between(-maxSkewMs, maxSkewMs),
    }
    const idle: Sender = { program: instance, key: name, messages: 0, faults: 0 }
    const read = async (secret: string) => {
      try {
        const text = await network.readSecret(sender(), secret, keyring)
        instance.hasOldKeyring = false
        return text
      } catch (error) {
        instance.hasOldKeyring = true
        // A call that has begun with the old keyring ends with it, even if it reads the new one meanwhile.
        if (instance.call !== undefined) instance.call.hasOldKeyring = true
        throw new Unavailable('secrets', error) // As shared/secrets.ts does.
      }
    }
    // The keyring's own cache reads through the same object.
    Object.assign(parts.secrets, { read })
    Object.assign(instance.parts, alter(parts))
    this.#instances.push(instance)
    return instance
  }
}

Object.assign(process.env, { AWS_REGION: 'eu-central-1', AWS_ACCESS_KEY_ID: 'local', AWS_SECRET_ACCESS_KEY: 'local' })
const config = configFrom({ TABLE_NAME: 'token-broker', SECRETS: 'file:/nowhere', BASE_URL: baseUrl })

function contextFor(functionName: Call['functionName']) {
  const context = contextOf(functionName)
  const endsAtMs = virtual.nowMs + requestTimeoutSeconds * 1_000
  return Object.assign(context, { getRemainingTimeInMillis: () => endsAtMs - virtual.nowMs })
}

function eventFor({ key, method, path, query = '', headers = {}, form, json }: Request, match: Match) {
  const text = json === undefined ? form && new URLSearchParams(form).toString() : JSON.stringify(json)
  const body = text === undefined ? undefined : Buffer.from(text)
  const all = {
    host: 'localhost',
    ...(body && { 'content-type': json === undefined ? 'application/x-www-form-urlencoded' : 'application/json' }),
    ...headers,
  }
  return eventOf(
    {
      ...{
        id: key,
        method,
        path,
        query,
        body,
        sourceIp: '192.0.2.7',
        protocol: 'HTTP/1.1',
        domainName: 'broker.example',
      },
      rawHeaders: Object.entries(all).flat(),
    },
    match,
  )
}

function answerOf(answered: unknown): Answer {
  const { statusCode, headers, multiValueHeaders, body } = answered as {
    readonly statusCode?: number
    readonly headers?: Record<string, string>
    readonly multiValueHeaders?: Record<string, string[]>
    readonly body: string
  }
  const isJson = headers?.['content-type'] === 'application/json'
  return {
    ...{
      status: statusCode ?? 200,
      headers: headers ?? {},
      cookies: multiValueHeaders?.['set-cookie'] ?? [],
      text: body ?? '',
    },
    body: isJson && body !== '' ? (JSON.parse(body) as Record<string, unknown>) : {},
    isGateways: false,
  }
}

const gatewayAnswer: Answer = {
  ...{ status: 503, headers: { 'retry-after': '1' }, cookies: [], text: '', isGateways: true },
  body: { error: 'temporarily_unavailable' },
}
