/** HTTP requests of the command line, through the proxy that HTTPS_PROXY, HTTP_PROXY and NO_PROXY name. */

import { isLoopback } from '../shared/domain/loopback.ts'

export type Request = {
  readonly method: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | URLSearchParams
  readonly timeoutMs: number
}

/** The members that the answers of Node's and undici's `fetch` share. */
export type Response = {
  readonly status: number
  readonly headers: { get(name: string): string | null }
  text(): Promise<string>
}

/** Does not follow redirects, so that credentials never reach another server. */
export async function request(url: URL, { timeoutMs, ...init }: Request): Promise<Response> {
  const options = { ...init, redirect: 'manual', signal: AbortSignal.timeout(timeoutMs) } as const
  if (!isProxied(url)) return fetch(url, options)
  // Node's own `fetch` ignores these variables unless Node is started with an option that Node 20 lacks. Loading undici
  // takes longer than a request, so it is loaded only here.
  // undici is CommonJS, so in a bundle it has only a default export.
  const { default: undici } = await import('undici')
  proxy ??= new undici.EnvHttpProxyAgent()
  return undici.fetch(url, { ...options, dispatcher: proxy })
}

let proxy: import('undici').EnvHttpProxyAgent | undefined

/** Requests to this machine never use a proxy, because they have no TLS. The agent itself follows `NO_PROXY`. */
function isProxied(url: URL): boolean {
  const { HTTPS_PROXY, https_proxy, HTTP_PROXY, http_proxy } = process.env
  return !isLoopback(url) && Boolean(HTTPS_PROXY || https_proxy || HTTP_PROXY || http_proxy)
}

/** @returns undefined if the text is not a JSON object */
export function objectIn(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return value !== null && typeof value === 'object' && !Array.isArray(value)
      ? (value as Readonly<Record<string, unknown>>)
      : undefined
  } catch {
    return undefined
  }
}
