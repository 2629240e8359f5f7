/**
 * Requests and answers on the wire, redirects never followed.
 *
 * Owns encoding and nothing else. Must not know OAuth.
 */
import { Agent, type IncomingMessage, request } from 'node:http'

export type Fields = Readonly<Record<string, string | undefined>> | readonly (readonly [string, string])[]

export type Headers = Readonly<Record<string, string>>

export type Answer = {
  readonly status: number
  /** Names in lower case; a header sent twice is joined with `, `, but for Set-Cookie see `cookies`. */
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly cookies: readonly string[]
  readonly text: string
  /** The JSON object of the body, or an empty one when the body is something else. */
  readonly body: Readonly<Record<string, unknown>>
}

export type Sending = {
  readonly method?: string
  readonly headers?: Headers
  readonly body?: string
  /** The address to speak from: any of 127.0.0.0/8 is this machine. */
  readonly localAddress?: string
}

/** Called with every answer before the test gets it. What they throw fails the test. */
export const observers: ((url: URL, method: string, answer: Answer) => void)[] = []

/** Gives a connection up long before a server does, so that no request meets one that is being closed. */
const agent = new Agent({ keepAlive: true, timeout: 1_000 })

/** Sends one request and reads the whole answer. */
export function send(url: string | URL, sending: Sending = {}): Promise<Answer> {
  const { method = 'GET', headers = {}, body, localAddress } = sending
  const length: Headers = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) }
  return new Promise((resolve, reject) => {
    const outgoing = request(url, { method, headers: { ...length, ...headers }, agent, localAddress }, (incoming) => {
      read(incoming)
        .then((answer) => {
          for (const observe of observers) observe(new URL(url), method, answer)
          resolve(answer)
        })
        .catch(reject)
    })
    outgoing.on('error', reject)
    outgoing.end(body)
  })
}

async function read(incoming: IncomingMessage): Promise<Answer> {
  const chunks: Buffer[] = []
  for await (const chunk of incoming) chunks.push(chunk)
  const text = Buffer.concat(chunks).toString('utf8')
  const headers: Record<string, string | undefined> = {}
  for (const [name, value] of Object.entries(incoming.headers)) {
    headers[name] = Array.isArray(value) ? value.join(', ') : value
  }
  const body = headers['content-type']?.startsWith('application/json') ? objectIn(text) : {}
  return { status: incoming.statusCode ?? 0, headers, cookies: incoming.headers['set-cookie'] ?? [], text, body }
}

function objectIn(text: string): Record<string, unknown> {
  const value: unknown = text === '' ? undefined : JSON.parse(text)
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {}
}

export function get(url: string | URL, headers: Headers = {}): Promise<Answer> {
  return send(url, { headers })
}

/** `application/x-www-form-urlencoded`; a list of pairs may repeat a name, an undefined value is left out. */
export function postForm(url: string | URL, fields: Fields, headers: Headers = {}): Promise<Answer> {
  return postRaw(url, formBody(fields), { 'content-type': 'application/x-www-form-urlencoded', ...headers })
}

export function postJson(url: string | URL, value: unknown, headers: Headers = {}): Promise<Answer> {
  return postRaw(url, JSON.stringify(value), { 'content-type': 'application/json', ...headers })
}

export function postRaw(url: string | URL, body: string, headers: Headers): Promise<Answer> {
  return send(url, { method: 'POST', headers, body })
}

export function formBody(fields: Fields): string {
  const pairs: readonly (readonly [string, string | undefined])[] = isPairs(fields) ? fields : Object.entries(fields)
  const form = new URLSearchParams()
  for (const [name, value] of pairs) {
    if (value !== undefined) form.append(name, value)
  }
  return form.toString()
}

function isPairs(fields: Fields): fields is readonly (readonly [string, string])[] {
  return Array.isArray(fields)
}

/** RFC 6749 §2.3.1: id and secret are form-encoded (appendix B) before they are joined. */
export function basic(clientId: string, secret: string): Headers {
  return rawBasic(formEncoded(clientId), formEncoded(secret))
}

/** As RFC 7617 has it and many clients send it: not encoded. */
export function rawBasic(clientId: string, secret: string): Headers {
  return { authorization: `Basic ${Buffer.from(`${clientId}:${secret}`, 'utf8').toString('base64')}` }
}

export function bearer(token: string): Headers {
  return { authorization: `Bearer ${token}` }
}

function formEncoded(value: string): string {
  return new URLSearchParams({ v: value }).toString().slice('v='.length)
}
