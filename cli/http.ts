/**
 * One HTTP request of the command line: through the proxy that HTTPS_PROXY, HTTP_PROXY and NO_PROXY name, or directly.
 *
 * Node's own `fetch` follows these variables only when Node is started with an option for it, and Node 20 has none.
 */

import { isLoopback } from '../shared/domain/loopback.ts'

export type Request = {
  readonly method: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | URLSearchParams
  readonly timeoutMs: number
}

/** What both kinds of `fetch` answer with. */
export type Response = {
  readonly status: number
  readonly headers: { get(name: string): string | null }
  text(): Promise<string>
}

/** Redirects are answers like others: no credential follows them. */
export async function request(url: URL, { timeoutMs, ...init }: Request): Promise<Response> {
  const options = { ...init, redirect: 'manual', signal: AbortSignal.timeout(timeoutMs) } as const
  if (!isProxied(url)) return fetch(url, options)
  // Loaded only here: it takes longer to load than a request takes.
  const { EnvHttpProxyAgent, fetch: fetchVia } = await import('undici')
  proxy ??= new EnvHttpProxyAgent()
  return fetchVia(url, { ...options, dispatcher: proxy })
}

let proxy: import('undici').EnvHttpProxyAgent | undefined

/** What stays on this machine takes no proxy: it goes without TLS. `NO_PROXY` is the agent's to judge. */
function isProxied(url: URL): boolean {
  const { HTTPS_PROXY, https_proxy, HTTP_PROXY, http_proxy } = process.env
  return !isLoopback(url) && Boolean(HTTPS_PROXY || https_proxy || HTTP_PROXY || http_proxy)
}

/** @returns nothing at all for what is no JSON object */
export function objectIn(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text)
    return value !== null && typeof value === 'object' ? (value as Readonly<Record<string, unknown>>) : {}
  } catch {
    return {}
  }
}
