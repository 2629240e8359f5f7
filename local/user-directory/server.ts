/**
 * A stand-in for a user directory that speaks OAuth 2.0 and no OpenID Connect: three endpoints under the name of one
 * application, to be typed in by hand, for there is no discovery document. Any user name and password will do.
 *
 * Owns which path is whose. Must not know the broker, which talks to it as to any other provider. It imitates the
 * documented interface of such a product and is none.
 */

import type { IncomingMessage, ServerResponse } from 'node:http'
import type { ProviderClients } from '../identity-provider/clients.ts'
import { errorPage } from '../identity-provider/pages.ts'
import type { Store } from '../identity-provider/store.ts'
import { openAccessTokens } from './access-tokens.ts'
import { authorize } from './authorize.ts'
import { createCodes } from './codes.ts'
import { exchange } from './token.ts'
import { userinfo } from './userinfo.ts'

/** Every path of it begins so. */
export const directoryPath = '/userdocs/'

export type Directory = {
  readonly clients: ProviderClients
  readonly codes: ReturnType<typeof createCodes>
  readonly accessTokens: Awaited<ReturnType<typeof openAccessTokens>>
}

/** What one of the endpoints answers; a body that is an object goes as JSON. */
export type Reply = {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Readonly<Record<string, unknown>>
}

type Endpoint = (directory: Directory, url: URL, incoming: IncomingMessage) => Promise<Reply>

const endpoints: Readonly<Record<string, { readonly methods: readonly string[]; readonly answer: Endpoint }>> = {
  [`${directoryPath}oauth/authorize`]: { methods: ['GET', 'POST'], answer: authorize },
  [`${directoryPath}oauth/token`]: { methods: ['POST'], answer: exchange },
  [`${directoryPath}oauth/userinfo`]: { methods: ['GET'], answer: userinfo },
}

/** @param address where the server listens that this is part of */
export async function createUserDirectory(address: string, store: Store, clients: ProviderClients) {
  const issuer = `${address}${directoryPath.slice(0, -1)}`
  const directory: Directory = {
    clients,
    codes: createCodes(store),
    accessTokens: await openAccessTokens(issuer, store),
  }
  return async (incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
    const url = new URL(incoming.url ?? '/', address)
    const { status, headers, body } = await replyTo(directory, url, incoming)
    const isJson = typeof body === 'object'
    outgoing
      .writeHead(status, {
        'cache-control': 'no-store',
        ...(isJson && { 'content-type': 'application/json', pragma: 'no-cache' }),
        ...headers,
      })
      .end(isJson ? JSON.stringify(body) : body)
  }
}

async function replyTo(directory: Directory, url: URL, incoming: IncomingMessage): Promise<Reply> {
  const endpoint = endpoints[url.pathname]
  if (endpoint === undefined) {
    const page = errorPage('not_found', 'There is nothing at this address.')
    return { status: 404, headers: page.headers, body: page.html }
  }
  if (!endpoint.methods.includes(incoming.method ?? '')) {
    return { status: 405, headers: { allow: endpoint.methods.join(', ') }, body: { error: 'invalid_request' } }
  }
  return endpoint.answer(directory, url, incoming)
}
