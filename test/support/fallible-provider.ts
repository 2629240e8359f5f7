/**
 * An identity provider whose requests a test can count, hold and make fail. It runs in the test's process and answers over HTTP, so
 * brokers in other processes can share it. For wrong answers to one sign-in there is provider.ts.
 */

import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import type { Decision } from './fallible-provider/codes.ts'
import { answerWith, createScript, type Fault } from './fallible-provider/fault.ts'
import {
  createProtocol,
  fallibleClientId,
  type Kind,
  kindOf,
  type Parameters,
  type Protocol,
} from './fallible-provider/protocol.ts'
import { type Behaviour, usualBehaviour } from './fallible-provider/tokens.ts'

export * from './fallible-provider/fault.ts'
export { fallibleClientId, type Kind } from './fallible-provider/protocol.ts'

export type ProviderRequest = {
  readonly kind: Kind
  readonly parameters: Parameters
  readonly authorization: string | undefined
  /** `under way`, then `answered`, the `error` of a refusal, or the kind of the fault. */
  outcome: string
}

export type FallibleProvider = {
  readonly issuer: string
  /** What goes into a registry as an application's `provider`. */
  registration(kind: 'oidc' | 'oauth2'): Record<string, unknown>
  /** May be changed at any time. `heal` restores it. */
  readonly behaviour: Behaviour

  /** The next `times` requests of that kind meet the fault, by default all of them. Faults of one kind queue up. */
  fail(kind: Kind, fault: Fault, times?: number): void
  /** The next request of that kind takes effect, and is answered when the test releases it. */
  hold(kind: Kind): { readonly reached: Promise<void>; release(): void }
  /** The next request of that kind takes effect only when the test releases it. */
  holdBack(kind: Kind): { readonly reached: Promise<void>; release(): void }
  heal(): void

  /** In the order in which they came, since the last `forget`. */
  readonly requests: readonly ProviderRequest[]
  count(kind: Kind): number
  /** Resolves once so many requests of that kind have come since the last `forget`. */
  asked(kind: Kind, times: number): Promise<void>
  forget(): void

  /** What a person does with a user code. */
  decide(userCode: string, decision: Decision): void
  /** Ends the grant of this refresh token or access token, as ops of the provider would. */
  end(token: string): void
  /** In the order in which they were given. */
  usedRefreshTokens(): string[]
  liveRefreshTokens(): string[]
  accessTokens(): string[]
  /** All that must not leave the broker: codes, device codes, refresh tokens. */
  secrets(): string[]
  stop(): Promise<void>
}

/** Longer than any test, so that no connection is closed for its age. */
const keepAliveMs = 120_000

export async function startFallibleProvider(): Promise<FallibleProvider> {
  const server = createServer()
  server.keepAliveTimeout = keepAliveMs
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const behaviour = { ...usualBehaviour }
  const { protocol, tokens, codes, devices } = await createProtocol(issuer, behaviour)
  const script = createScript<Kind>()
  const log = createLog()

  server.on('request', (incoming, outgoing) => {
    // A client that hung up, killed for example, needs no answer.
    respond({ protocol, script, log }, issuer, incoming, outgoing).catch(() => outgoing.destroy())
  })

  const held = (kind: Kind, how: 'hold' | 'hold-back') => {
    const [reached, released] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    script.add(kind, { kind: how, reached: reached.resolve, until: released.promise }, 1)
    return { reached: reached.promise, release: released.resolve }
  }
  return {
    ...{ issuer, behaviour },
    registration: (kind) => registrationOf(issuer, kind),
    fail: (kind, fault, times = Number.POSITIVE_INFINITY) => script.add(kind, fault, times),
    hold: (kind) => held(kind, 'hold'),
    holdBack: (kind) => held(kind, 'hold-back'),
    heal: () => {
      script.clear()
      Object.assign(behaviour, usualBehaviour)
    },
    ...log.reading,
    decide: devices.decide,
    end: tokens.revoke,
    usedRefreshTokens: tokens.usedRefreshTokens,
    liveRefreshTokens: tokens.liveRefreshTokens,
    accessTokens: tokens.accessTokens,
    secrets: () => [...codes.all(), ...devices.all(), ...tokens.refreshTokens()],
    stop: async () => {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}

type Parts = {
  readonly protocol: Protocol
  readonly script: ReturnType<typeof createScript<Kind>>
  readonly log: ReturnType<typeof createLog>
}

async function respond(
  { protocol, script, log }: Parts,
  issuer: string,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<void> {
  const url = new URL(incoming.url ?? '/', issuer)
  const parameters = await parametersOf(incoming, url)
  const kind = kindOf(url.pathname, parameters)
  if (kind === undefined) return void outgoing.writeHead(404).end()
  const { authorization } = incoming.headers
  const request = log.add({ kind, parameters, authorization, outcome: 'under way' })
  const fault = script.next(kind)
  await answerWith(fault, outgoing, async () => {
    const isClient = !isAuthenticated[kind] || clientIn(request) === fallibleClientId
    const bearer = /^Bearer (\S+)$/i.exec(authorization ?? '')?.[1] ?? ''
    const reply = isClient ? await protocol[kind](parameters, bearer) : unknownClient
    request.outcome = String(reply.body?.error ?? 'answered')
    return reply
  })
  if (fault !== undefined) request.outcome = fault.kind
}

const unknownClient = { status: 401, body: { error: 'invalid_client' } }

const isAuthenticated: Partial<Record<Kind, true>> = {
  code: true,
  refresh: true,
  poll: true,
  device: true,
  revoke: true,
}

/** RFC 6749 §2.3.1: in the header or in the body. */
function clientIn({ parameters, authorization }: ProviderRequest): string | undefined {
  const [, basic] = /^Basic (\S+)$/i.exec(authorization ?? '') ?? []
  if (basic === undefined) return parameters.client_id
  return Buffer.from(basic, 'base64').toString().split(':')[0]
}

async function parametersOf(incoming: IncomingMessage, url: URL): Promise<Parameters> {
  if (incoming.method !== 'POST') return Object.fromEntries(url.searchParams)
  const body = await text(incoming)
  const isJson = incoming.headers['content-type']?.startsWith('application/json')
  return isJson ? (JSON.parse(body) as Parameters) : Object.fromEntries(new URLSearchParams(body))
}

/** The requests so far, and the tests that wait for one. */
function createLog() {
  const requests: ProviderRequest[] = []
  let waiting: { readonly isThere: () => boolean; readonly tell: () => void }[] = []
  const count = (kind: Kind) => requests.filter((request) => request.kind === kind).length
  return {
    add: (request: ProviderRequest): ProviderRequest => {
      requests.push(request)
      for (const { tell } of waiting.filter(({ isThere }) => isThere())) tell()
      waiting = waiting.filter(({ isThere }) => !isThere())
      return request
    },
    reading: {
      requests: requests as readonly ProviderRequest[],
      count,
      asked: (kind: Kind, times: number): Promise<void> => {
        const { promise, resolve } = Promise.withResolvers<void>()
        const isThere = () => count(kind) >= times
        if (isThere()) resolve()
        else waiting.push({ isThere, tell: resolve })
        return promise
      },
      forget: () => {
        requests.length = 0
      },
    },
  }
}

function registrationOf(issuer: string, kind: 'oidc' | 'oauth2'): Record<string, unknown> {
  const common = { kind, clientId: fallibleClientId, auth: 'client_secret_post' }
  if (kind === 'oidc') return { ...common, issuer, scopes: ['openid', 'profile', 'email', 'offline_access'] }
  return {
    ...common,
    ...{ authorizationEndpoint: `${issuer}/authorize`, tokenEndpoint: `${issuer}/token` },
    userinfoEndpoint: `${issuer}/userinfo`,
    scopes: ['profile'],
  }
}
