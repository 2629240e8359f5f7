/**
 * A person with a browser: a cookie jar, redirects followed by hand, forms filled in and sent.
 *
 * Owns what a browser does without scripts. Must not know the order of anybody's pages (flows.ts does).
 */
import { type Form, formsIn, textIn } from './html.ts'
import { type Answer, formBody, type Headers, send } from './wire.ts'

export type Page = {
  /** Where the browser is, or where it was sent and did not go (see `Halt`). */
  readonly url: URL
  readonly status: number
  readonly headers: Answer['headers']
  readonly html: string
  readonly text: string
  readonly forms: readonly Form[]
}

/** Says of an address that the browser is sent to whether to stop before it instead of going there. */
export type Halt = (url: URL) => boolean

/** Web clients' callbacks, where nobody listens: the address itself is the answer. */
export const callbackOrigin = 'http://127.0.0.1:9999'

type Cookie = { readonly name: string; readonly value: string; readonly host: string; readonly path: string }

export type PersonSettings = {
  readonly name?: string
  readonly localAddress?: string
  /** Asked for each request: headers that no browser would send by itself. */
  readonly headers?: () => Headers
}

export class Person {
  readonly name: string
  /** Every address that the browser asked for, in order. */
  readonly visited: URL[] = []
  readonly #localAddress: string | undefined
  readonly #headers: () => Headers
  readonly #cookies = new Map<string, Cookie>()

  constructor({ name = 'ada', localAddress, headers = () => ({}) }: PersonSettings = {}) {
    this.name = name
    this.#headers = headers
    this.#localAddress = localAddress
  }

  /** The same browser, cookies included, as if what happens from now on had not. */
  copy(): Person {
    const other = new Person({ name: this.name, headers: this.#headers })
    for (const [key, cookie] of this.#cookies) other.#cookies.set(key, cookie)
    return other
  }

  open(url: string | URL, halt: Halt = isCallback): Promise<Page> {
    return this.#follow(new URL(url), halt)
  }

  /** Sends a form with what the page put in, the person's values over it, and the button pressed. */
  submit(page: Page, form: Form, values: Headers, button?: string, halt: Halt = isCallback): Promise<Page> {
    const fields: Record<string, string> = {}
    for (const { name, value } of form.fields) if (name !== '') fields[name] = value
    Object.assign(fields, values)
    const pressed = form.buttons.find(({ value }) => value === button) ?? form.buttons[0]
    if (pressed && pressed.name !== '') fields[pressed.name] = pressed.value
    if (form.method === 'GET') {
      const target = new URL(form.action)
      target.search = formBody(fields)
      return this.#follow(target, halt)
    }
    return this.#follow(form.action, halt, { body: formBody(fields), headers: formHeaders(page) })
  }

  async #follow(start: URL, halt: Halt, post?: { readonly body: string; readonly headers: Headers }): Promise<Page> {
    let url = start
    let answer = await this.#ask(url, post)
    for (let hops = 0; answer.headers.location !== undefined && answer.status >= 300; hops += 1) {
      if (hops === 15) throw new Error(`Redirected in circles, lately to ${url}`)
      url = new URL(answer.headers.location, url)
      if (halt(url)) return pageFrom(url, answer)
      answer = await this.#ask(url)
    }
    return pageFrom(url, answer)
  }

  async #ask(url: URL, post?: { readonly body: string; readonly headers: Headers }): Promise<Answer> {
    this.visited.push(url)
    const answer = await send(url, {
      ...(post ? { method: 'POST', body: post.body } : {}),
      ...(this.#localAddress === undefined ? {} : { localAddress: this.#localAddress }),
      headers: { accept: 'text/html', ...this.#headers(), ...post?.headers, ...this.#cookieHeader(url) },
    })
    for (const cookie of answer.cookies) this.#keep(cookie, url)
    return answer
  }

  /** RFC 6265 §5.4, as far as a loopback needs it: ports share cookies, and Secure holds there too. */
  #cookieHeader(url: URL): Headers {
    const matching = [...this.#cookies.values()].filter(
      ({ host, path }) => host === url.hostname && pathMatches(url.pathname, path),
    )
    return matching.length === 0 ? {} : { cookie: matching.map(({ name, value }) => `${name}=${value}`).join('; ') }
  }

  #keep(line: string, url: URL): void {
    const [pair = '', ...attributes] = line.split(';').map((part) => part.trim())
    const [name = '', ...rest] = pair.split('=')
    const told = new Map(attributes.map((attribute) => splitOnce(attribute)))
    const path = told.get('path') ?? (url.pathname.slice(0, url.pathname.lastIndexOf('/')) || '/')
    const key = `${name};${url.hostname};${path}`
    const expires = told.get('expires')
    const gone = told.get('max-age') === '0' || (expires !== undefined && Date.parse(expires) <= Date.now())
    if (gone) this.#cookies.delete(key)
    else this.#cookies.set(key, { name, value: rest.join('='), host: url.hostname, path })
  }
}

function isCallback(url: URL): boolean {
  return url.origin === callbackOrigin
}

function splitOnce(attribute: string): [string, string] {
  const at = attribute.indexOf('=')
  return at < 0 ? [attribute.toLowerCase(), ''] : [attribute.slice(0, at).toLowerCase(), attribute.slice(at + 1)]
}

/** RFC 6265 §5.1.4. */
function pathMatches(path: string, cookiePath: string): boolean {
  return path === cookiePath || path.startsWith(cookiePath.endsWith('/') ? cookiePath : `${cookiePath}/`)
}

/** Fetch §3.1: the Origin of a form's POST is `null` where the page asks for no referrer. */
function formHeaders(page: Page): Headers {
  const origin = page.headers['referrer-policy'] === 'no-referrer' ? 'null' : page.url.origin
  return { 'content-type': 'application/x-www-form-urlencoded', origin }
}

function pageFrom(url: URL, { status, headers, text }: Answer): Page {
  return { url, status, headers, html: text, text: textIn(text), forms: formsIn(text, url) }
}
