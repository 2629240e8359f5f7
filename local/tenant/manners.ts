/**
 * What makes the package's answers Auth0's where no setting does: statuses, words, and what metadata leaves out.
 *
 * Owns these differences. Must not know how an answer comes about. What stands here is what Auth0 documents or has been
 * seen to answer.
 */

import type Provider from 'oidc-provider'
import type { Context, Middleware } from 'oidc-provider'
import { showError } from '../identity-provider/settings.ts'
import { intervalSeconds } from './device-codes.ts'
import { broughtCode } from './device-pages.ts'

/** Below where it is mounted; the settings have the others. */
export const activatePath = '/activate'
export const tokenPath = '/oauth/token'

type Answer = Readonly<Record<string, unknown>>

/** RFC 6749 §5.2 and RFC 8628 §3.5 would have 400 for each. */
const statuses: Readonly<Record<string, number>> = {
  ...{ authorization_pending: 403, expired_token: 403, access_denied: 403, invalid_grant: 403, slow_down: 429 },
}

const words: Readonly<Record<string, string>> = {
  authorization_pending: 'User has yet to authorize device code.',
  'refresh_token invalid_grant': 'Unknown or invalid refresh token.',
}

/** @param userinfo answers for the tokens that the package does not take there */
export function addManners(provider: Provider, userinfo: Middleware): void {
  provider.use(takeUserCode)
  provider.use(wantSession(provider.cookieName('session')))
  provider.use(oneAtATime(tokenPath))
  provider.use(userinfo)
  provider.use(async (context, next) => {
    await next()
    reword(context)
  })
}

function reword(context: Context): void {
  const { body, oidc } = context
  if (typeof body !== 'object' || body === null) return
  const answer = body as Answer
  // Undefined where nothing is at the address.
  switch (oidc?.route) {
    case 'discovery':
      context.body = sparse(answer)
      break
    case 'device_authorization':
      if (answer.error === undefined) context.body = { ...answer, interval: intervalSeconds }
      break
    case 'token':
      if (answer.error !== undefined) refuse(context, String(answer.error), answer)
  }
}

function refuse(context: Context, error: string, answer: Answer): void {
  const description = words[`${context.oidc.body?.grant_type} ${error}`] ?? words[error] ?? answer.error_description
  context.status = statuses[error] ?? context.status
  context.body = { error, error_description: description }
}

/** Public clients and the device flow work, and Auth0's metadata does not say so. */
function sparse(metadata: Answer): Answer {
  const { grant_types_supported: _grants, token_endpoint_auth_methods_supported: methods, ...rest } = metadata
  const confidential = (methods as readonly string[]).filter((method) => method !== 'none')
  return { ...rest, token_endpoint_auth_methods_supported: confidential }
}

/** The package would send the code on by a script. */
const takeUserCode: Middleware = async (context, next) => {
  const { user_code: userCode } = context.query
  if (context.method === 'GET' && context.path === activatePath && typeof userCode === 'string') {
    context.state[broughtCode] = userCode
    context.querystring = ''
  }
  await next()
}

/** A form that the browser had from nobody here; the package would fail over it. */
function wantSession(cookie: string): Middleware {
  return async (context, next) => {
    const isForm = context.method === 'POST' && context.path === activatePath
    if (!isForm || context.cookies.get(cookie) !== undefined) return next()
    context.status = 400
    showError(context, { error: 'invalid_request', error_description: 'This page has expired.' })
  }
}

/** Two that show one refresh token at once must not both find it unused: the package reads first and writes later. */
function oneAtATime(path: string): Middleware {
  let before: Promise<void> = Promise.resolve()
  return async (context, next) => {
    if (context.path !== path) return next()
    const mine = before.then(next)
    before = mine.catch(() => {})
    return mine
  }
}
