/**
 * A browser for the demo: cookies, redirects and forms, no scripts.
 */

export type Page = {
  readonly url: URL
  readonly status: number
  readonly html: string
}

type Cookie = { readonly name: string; readonly value: string; readonly path: string }

const maxRedirects = 20

export class Browser {
  /** Cookies by host, because all ports of a host share them. */
  readonly #cookies = new Map<string, Cookie[]>()
  readonly #stopsAt: (url: URL) => boolean

  /** @param stopsAt whether to stop at a redirect to this address, and return an empty page instead of requesting it */
  constructor(stopsAt: (url: URL) => boolean = () => false) {
    this.#stopsAt = stopsAt
  }

  open(address: string | URL): Promise<Page> {
    return this.#go(new URL(address), { method: 'GET' })
  }

  /**
   * Fills in the page's form and submits it, prefilled fields included.
   *
   * @throws when the page has no form
   */
  submit(page: Page, values: Readonly<Record<string, string>>): Promise<Page> {
    const [, head, inside] = /<form\b([^>]*)>([\s\S]*?)<\/form>/i.exec(page.html) ?? []
    if (head === undefined || inside === undefined) throw new Error(`There is no form at ${page.url.pathname}`)
    const fields = new URLSearchParams()
    for (const [input] of inside.matchAll(/<input\b[^>]*>/gi)) {
      const name = attribute(input, 'name')
      if (name !== undefined && attribute(input, 'type') !== 'submit') fields.set(name, attribute(input, 'value') ?? '')
    }
    for (const [name, value] of Object.entries(values)) fields.set(name, value)
    const action = new URL(attribute(head, 'action') || page.url.href, page.url)
    return this.#go(action, { method: 'POST', body: fields })
  }

  async #go(first: URL, { method, body }: { method: 'GET' | 'POST'; body?: URLSearchParams }): Promise<Page> {
    let response = await this.#request(first, { method, ...(body === undefined ? {} : { body }) })
    let url = first
    for (let redirects = 0; response.status >= 300 && response.status < 400; redirects += 1) {
      if (redirects === maxRedirects)
        throw new Error(`${first.origin} redirects the browser more than ${maxRedirects} times`)
      await response.body?.cancel()
      url = new URL(response.headers.get('location') ?? '', url)
      if (this.#stopsAt(url)) return { url, status: response.status, html: '' }
      response = await this.#request(url, { method: 'GET' })
    }
    return { url, status: response.status, html: await response.text() }
  }

  async #request(url: URL, init: RequestInit): Promise<Response> {
    const cookie = this.cookieHeader(url)
    const headers = cookie === '' ? {} : { cookie }
    const response = await fetch(url, { ...init, headers, redirect: 'manual' })
    for (const line of response.headers.getSetCookie()) this.#keep(url, line)
    return response
  }

  /** What the browser would send to an address in the header Cookie. */
  cookieHeader(url: URL): string {
    const cookies = (this.#cookies.get(url.hostname) ?? []).filter(({ path }) => isWithin(url.pathname, path))
    return cookies.map(({ name, value }) => `${name}=${value}`).join('; ')
  }

  /** RFC 6265 §5.3, as far as one host needs it. */
  #keep(url: URL, line: string): void {
    const [pair = '', ...rest] = line.split(';').map((part) => part.trim())
    const at = pair.indexOf('=')
    const told = new Map(
      rest.map((part): [string, string] => [part.split('=')[0]?.toLowerCase() ?? '', part.replace(/^[^=]*=/, '')]),
    )
    const cookie = { name: pair.slice(0, at), value: pair.slice(at + 1), path: told.get('path') ?? '/' }
    const others = (this.#cookies.get(url.hostname) ?? []).filter(
      ({ name, path }) => name !== cookie.name || path !== cookie.path,
    )
    const isOver = told.get('max-age') === '0' || Date.parse(told.get('expires') ?? '') <= Date.now()
    this.#cookies.set(url.hostname, isOver ? others : [cookie, ...others])
  }
}

/** RFC 6265 §5.1.4 */
function isWithin(path: string, cookiePath: string): boolean {
  return path === cookiePath || path.startsWith(cookiePath.endsWith('/') ? cookiePath : `${cookiePath}/`)
}

function attribute(tag: string, name: string): string | undefined {
  const value = new RegExp(`\\s${name}="([^"]*)"`, 'i').exec(tag)?.[1]
  return value?.replace(/&(?:#(\d+)|(amp|lt|gt|quot));/g, (_whole, code: string | undefined, named: string) =>
    code === undefined ? { amp: '&', lt: '<', gt: '>', quot: '"' }[named]! : String.fromCodePoint(Number(code)),
  )
}
