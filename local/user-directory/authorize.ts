/**
 * The user directory's authorization endpoint (RFC 6749 §4.1.1): a person signs in here, or does not want to.
 *
 * Owns what an authorization request must be. Parameters that RFC 6749 does not have, such as a code challenge or a nonce,
 * are ignored, as it says.
 */

import type { IncomingMessage } from 'node:http'
import { bodyIn } from '../identity-provider/body.ts'
import { errorPage, loginPage, type Page } from '../identity-provider/pages.ts'
import { longestUserName, userNameFrom } from '../identity-provider/person.ts'
import type { Directory, Reply } from './server.ts'

/** All that there is. */
const onlyScope = 'profile'

type Request = { readonly clientId: string; readonly redirectUri: string; readonly state: string | null }

export async function authorize(directory: Directory, url: URL, incoming: IncomingMessage): Promise<Reply> {
  const query = url.searchParams
  const request = trustedRequest(directory, query)
  if (request === undefined) {
    return pageReply(400, errorPage('invalid_request', 'The client or its redirect URI is not known here.'))
  }
  const problem = problemWith(query)
  if (problem !== undefined) return sendBack(request, { error: problem })
  // The form goes to the address of its page, which holds the request.
  const action = `${url.pathname}${url.search}`
  if (incoming.method === 'GET') return pageReply(200, loginPage({ action, userName: '' }))
  const body = await bodyIn(incoming)
  if (body === undefined) return pageReply(413, errorPage('invalid_request', 'The form is too long.'))
  const form = new URLSearchParams(body)
  if (form.has('cancel')) return sendBack(request, { error: 'access_denied' })
  const typed = form.get('login') ?? ''
  const userName = userNameFrom(typed)
  if (userName !== undefined) {
    const { clientId, redirectUri } = request
    return sendBack(request, {
      code: await directory.codes.issue({ clientId, redirectUri, scope: onlyScope, userName }),
    })
  }
  const mistake = `Please type a user name of at most ${longestUserName} characters.`
  return pageReply(400, loginPage({ action, userName: typed, problem: mistake }))
}

/** RFC 6749 §4.1.2.1: nobody is sent to an address that is not the client's. */
function trustedRequest({ clients }: Directory, query: URLSearchParams): Request | undefined {
  const clientId = query.get('client_id') ?? ''
  const redirectUri = query.get('redirect_uri') ?? ''
  const known = clients.redirectUris(clientId)
  const isKnown = known.includes(redirectUri) || known.includes(withoutPort(redirectUri))
  return isKnown ? { clientId, redirectUri, state: query.get('state') } : undefined
}

function withoutPort(uri: string): string {
  return uri.replace(/^(http:\/\/127\.0\.0\.1):\d+\//, '$1/')
}

function problemWith(query: URLSearchParams): string | undefined {
  if (query.get('response_type') !== 'code') return 'unsupported_response_type'
  return (query.get('scope') ?? onlyScope) === onlyScope ? undefined : 'invalid_scope'
}

function sendBack({ redirectUri, state }: Request, parameters: Readonly<Record<string, string>>): Reply {
  const url = new URL(redirectUri)
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value)
  if (state !== null) url.searchParams.set('state', state)
  return { status: 303, headers: { location: url.href } }
}

function pageReply(status: number, { headers, html }: Page): Reply {
  return { status, headers, body: html }
}
