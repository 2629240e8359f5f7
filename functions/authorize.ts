/**
 * authorize: a client sends a browser here, and from here it goes on to the provider (RFC 6749 §4.1.1).
 *
 * No request to the table but the registration's. Who the client is and where it may be answered is settled first; until
 * then mistakes are told to the person on a page, and afterwards to the client by a redirect (RFC 6749 §4.1.2.1).
 */

import { broker } from '../shared/broker.ts'
import { isCodeChallenge } from '../shared/domain/pkce.ts'
import type { Client } from '../shared/domain/registration.ts'
import { grantAsked } from '../shared/http/authorization-request.ts'
import {
  type AuthorizationErrorCode,
  errorResponse,
  type ReturnAddress,
} from '../shared/http/authorization-response.ts'
import { type CodeSignIn, carry, pageAnswer, redirect } from '../shared/http/browser.ts'
import type { Answer, Call } from '../shared/http/call.ts'
import { drawHandle } from '../shared/http/cookies.ts'
import { OAuthError } from '../shared/http/errors.ts'
import { lookOf } from '../shared/http/look.ts'
import { problemPage } from '../shared/http/page-problems.ts'
import { type SetupMistake, wronglySetUp } from '../shared/http/pages/problems.ts'
import type { Parameters } from '../shared/http/parameters.ts'
import { pageEndpoint, reportFault } from '../shared/http/stack.ts'
import { providerOf } from '../shared/providers/index.ts'
import type { SignInWishes } from '../shared/providers/provider.ts'
import { Unavailable } from '../shared/unavailable.ts'

export const handler = pageEndpoint(async (call) => {
  const asked = await trustedClient(call)
  if ('kind' in asked) {
    return pageAnswer(wronglySetUp({ look: lookOf(call), requestId: call.requestId, mistake: asked }))
  }
  const to = { issuer: call.issuer, redirectUri: asked.redirectUri, state: call.parameters.optional('state') }
  try {
    return await sendToProvider(call, asked.client, to)
  } catch (error) {
    if (error instanceof AuthorizationError) return errorResponse(to, error.error, error.message)
    if (!(error instanceof Unavailable)) throw error
    reportFault(error, call)
    return errorResponse(to, 'temporarily_unavailable', 'Please try again shortly.')
  }
}, problemPage)

class AuthorizationError extends Error {
  readonly error: AuthorizationErrorCode
  constructor(error: AuthorizationErrorCode, description: string) {
    super(description)
    this.error = error
  }
}

/** RFC 6749 §3.1.2.3, RFC 9700 §4.1.3: the redirect URI is one of the registered ones, character by character. */
async function trustedClient({
  application,
  parameters,
}: Call): Promise<{ client: Client; redirectUri: string } | SetupMistake> {
  const clientId = parameters.optional('client_id')
  if (clientId === undefined) return { kind: 'client-missing' }
  const client = await broker().registrations.client(application.name, clientId)
  if (client === undefined) return { kind: 'client-unknown', clientId }
  const redirectUri = parameters.optional('redirect_uri')
  if (redirectUri === undefined) return { kind: 'redirect-missing', clientId }
  if (!client.redirectUris.includes(redirectUri)) return { kind: 'redirect-unregistered', clientId, redirectUri }
  return { client, redirectUri }
}

async function sendToProvider(call: Call, client: Client, to: ReturnAddress): Promise<Answer> {
  const { parameters } = call
  checkResponse(client, parameters)
  const codeChallenge = challengeIn(client, parameters)
  const wishes = wishesIn(parameters)
  const asked = scopesAsked(client, parameters)
  const { url, secrets } = await providerOf(call.application).begin(
    `${call.issuer}/oauth/callback`,
    wishes,
    drawHandle(call),
  )
  const signIn: CodeSignIn = {
    flow: 'code',
    clientId: client.clientId,
    redirectUri: to.redirectUri,
    ...asked,
    state: to.state,
    nonce: parameters.optional('nonce'),
    codeChallenge,
  }
  const cookies = await carry(call, 'sign-in', { ...signIn, secrets })
  if (cookies === undefined) throw new AuthorizationError('invalid_request', 'state and nonce are too long.')
  return redirect(url, cookies)
}

function checkResponse(client: Client, parameters: Parameters): void {
  if (!client.grants.includes('authorization_code')) {
    throw new AuthorizationError('unauthorized_client', 'This client is not registered for authorization_code.')
  }
  // OIDC Core §6: request objects are not for us.
  if (parameters.optional('request') !== undefined) {
    throw new AuthorizationError('request_not_supported', 'request is not supported.')
  }
  if (parameters.optional('request_uri') !== undefined) {
    throw new AuthorizationError('request_uri_not_supported', 'request_uri is not supported.')
  }
  const responseType = parameters.optional('response_type')
  if (responseType === undefined) throw new AuthorizationError('invalid_request', 'response_type is missing.')
  if (responseType !== 'code') throw new AuthorizationError('unsupported_response_type', 'response_type must be code.')
  if ((parameters.optional('response_mode') ?? 'query') !== 'query') {
    throw new AuthorizationError('invalid_request', 'response_mode must be query.')
  }
}

/** RFC 7636 §4.3 and §4.4.1; RFC 9700 §2.1.1: public clients must, others may. */
function challengeIn(client: Client, parameters: Parameters): string | undefined {
  const challenge = parameters.optional('code_challenge')
  const method = parameters.optional('code_challenge_method')
  if (challenge === undefined) {
    if (client.auth === 'none') throw new AuthorizationError('invalid_request', 'code_challenge is missing.')
    if (method !== undefined) throw new AuthorizationError('invalid_request', 'code_challenge is missing.')
    return undefined
  }
  if (method !== 'S256') throw new AuthorizationError('invalid_request', 'code_challenge_method must be S256.')
  if (!isCodeChallenge(challenge)) throw new AuthorizationError('invalid_request', 'code_challenge is malformed.')
  return challenge
}

/** OIDC Core §3.1.2.1. */
function wishesIn(parameters: Parameters): SignInWishes {
  const prompt = parameters.optional('prompt')
  const prompts = prompt?.split(' ') ?? []
  const known = ['none', 'login', 'consent', 'select_account']
  if (!prompts.every((word) => known.includes(word)) || (prompts.includes('none') && prompts.length > 1)) {
    throw new AuthorizationError('invalid_request', 'prompt is malformed.')
  }
  const maxAge = parameters.optional('max_age')
  if (maxAge !== undefined && !/^\d{1,9}$/.test(maxAge)) {
    throw new AuthorizationError('invalid_request', 'max_age must be a number of seconds.')
  }
  return {
    prompt,
    maxAgeSeconds: maxAge === undefined ? undefined : Number(maxAge),
    loginHint: parameters.optional('login_hint'),
  }
}

function scopesAsked(client: Client, parameters: Parameters): ReturnType<typeof grantAsked> {
  try {
    return grantAsked(client, parameters)
  } catch (error) {
    if (error instanceof OAuthError && (error.error === 'invalid_scope' || error.error === 'invalid_target')) {
      throw new AuthorizationError(error.error, error.message)
    }
    throw error
  }
}
