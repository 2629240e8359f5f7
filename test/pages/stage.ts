/**
 * Three sites: a broker that shows the pages, the provider that its form may lead to, and a stranger that
 * it may not.
 *
 * Owns what a POST to the broker answers. Must not know what is tested.
 */

import type { IncomingMessage, ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'
import type { Page } from '../../shared/pages/page.ts'
import { serve } from './browser.ts'

export type Stage = {
  readonly url: (name: string) => string
  readonly providerOrigin: string
  /** Bodies of the forms that reached the broker. */
  readonly forms: URLSearchParams[]
  /** Where the broker sends a form on to: its own page that asks, the provider, or the stranger. */
  readonly leadTo: (site: 'itself' | 'provider' | 'stranger') => void
  readonly close: () => void
}

/** @param pagesFor the pages by name, whose form may lead to this provider */
export async function raiseStage(pagesFor: (providerOrigin: string) => Map<string, Page>): Promise<Stage> {
  const provider = await serve((_, response) => response.end('Sign in here'))
  const stranger = await serve((_, response) => response.end('Not here'))
  const pages = pagesFor(provider.origin)
  const forms: URLSearchParams[] = []
  let next = provider.origin

  const broker = await serve((request, response) => {
    if (request.method === 'POST') {
      void keep(request, forms).then(() => response.writeHead(303, { location: next }).end())
    } else {
      show(pages.get(request.url?.slice(1) ?? ''), response)
    }
  })

  return {
    url: (name) => `${broker.origin}/${name}`,
    providerOrigin: provider.origin,
    forms,
    leadTo: (site) => {
      next = { itself: '/confirm', provider: provider.origin, stranger: stranger.origin }[site]
    },
    close: () => {
      for (const site of [broker, provider, stranger]) site.close()
    },
  }
}

async function keep(request: IncomingMessage, forms: URLSearchParams[]): Promise<void> {
  forms.push(new URLSearchParams(await text(request)))
}

function show(page: Page | undefined, response: ServerResponse): void {
  if (page === undefined) response.writeHead(404).end()
  else response.writeHead(page.status, page.headers).end(page.html)
}
