/** Reads and checks an authorization request of a known client (RFC 6749 §4.1.1, OIDC Core §3.1.2.1). */

import { isCodeChallenge } from '../domain/pkce.ts'
import type { Client } from '../domain/registration.ts'
import { requestsSignInAge } from '../domain/sign-in-age.ts'
import type { Call } from '../http/call.ts'
import { OAuthError } from '../http/errors.ts'
import type { Parameters } from '../http/parameters.ts'
import { grantRequested } from '../http/requested.ts'
import type { SignInWishes } from '../providers/provider.ts'
import { subjectOfIdToken } from '../tokens/verify-id-token.ts'
import type { ResponseMode, ReturnAddress } from './authorization-response.ts'
import type { CodeRequest } from './browser.ts'

/** How the client is to be answered. Read first, because mistakes are answered in the same way. A form goes to web addresses alone. */
export function responseModeIn(parameters: Parameters, redirectUri: string): ResponseMode {
  return parameters.optional('response_mode') === 'form_post' && isWebAddress(redirectUri) ? 'form_post' : 'query'
}

/**
 * @returns what the client is to get, and what the provider is asked for
 * @throws {OAuthError}
 * @throws {Unavailable}
 */
export async function signInRequest(
  call: Call,
  client: Client,
  to: ReturnAddress,
): Promise<{ readonly request: CodeRequest; readonly wishes: SignInWishes }> {
  const { parameters } = call
  checkResponse(client, parameters, to)
  const codeChallenge = challengeIn(client, parameters)
  const wishes = wishesIn(parameters)
  if (call.application.provider.kind === 'oauth2' && requestsSignInAge(wishes)) {
    // OIDC Core §3.1.2.1: what cannot be done is an error. Nothing in this provider's answer says when people signed in.
    const description = 'The provider of this application can not confirm prompt=login or max_age.'
    throw new OAuthError('invalid_request', description)
  }
  const granted = grantRequested(client, parameters)
  const request = {
    clientId: client.clientId,
    redirectUri: to.redirectUri,
    responseMode: to.mode,
    ...granted,
    state: to.state,
    nonce: parameters.optional('nonce'),
    codeChallenge,
    sub: await subjectHinted(call, client),
  }
  return { request, wishes }
}

function checkResponse(client: Client, parameters: Parameters, { mode }: ReturnAddress): void {
  if (!client.grants.includes('authorization_code')) {
    throw new OAuthError('unauthorized_client', 'This client is not registered for authorization_code.')
  }
  // OIDC Core §6: request objects are not for us.
  if (parameters.optional('request') !== undefined) {
    throw new OAuthError('request_not_supported', 'request is not supported.')
  }
  if (parameters.optional('request_uri') !== undefined) {
    throw new OAuthError('request_uri_not_supported', 'request_uri is not supported.')
  }
  const responseType = parameters.optional('response_type')
  if (responseType === undefined) throw new OAuthError('invalid_request', 'response_type is missing.')
  if (responseType !== 'code') throw new OAuthError('unsupported_response_type', 'response_type must be code.')
  if (!['query', 'form_post', undefined].includes(parameters.optional('response_mode'))) {
    throw new OAuthError('invalid_request', 'response_mode must be query or form_post.')
  }
  if (parameters.optional('response_mode') === 'form_post' && mode !== 'form_post') {
    throw new OAuthError('invalid_request', 'response_mode=form_post needs an http or https redirect_uri.')
  }
  // RFC 6749 App. A.5. A form would change the ends of lines, and drop the rest.
  if (mode === 'form_post' && /\p{Cc}/u.test(parameters.optional('state') ?? '')) {
    throw new OAuthError('invalid_request', 'state must not hold control characters.')
  }
}

function isWebAddress(redirectUri: string): boolean {
  return /^https?:/.test(redirectUri)
}

/** RFC 7636 §4.3 and §4.4.1; RFC 9700 §2.1.1: public clients must, others may. */
function challengeIn(client: Client, parameters: Parameters): string | undefined {
  const challenge = parameters.optional('code_challenge')
  const method = parameters.optional('code_challenge_method')
  if (challenge === undefined) {
    if (client.auth === 'none') throw new OAuthError('invalid_request', 'code_challenge is missing.')
    if (method !== undefined) throw new OAuthError('invalid_request', 'code_challenge is missing.')
    return undefined
  }
  if (method !== 'S256') throw new OAuthError('invalid_request', 'code_challenge_method must be S256.')
  if (!isCodeChallenge(challenge)) throw new OAuthError('invalid_request', 'code_challenge is malformed.')
  return challenge
}

function wishesIn(parameters: Parameters): SignInWishes {
  const prompt = parameters.optional('prompt')
  const prompts = prompt?.split(' ') ?? []
  const known = ['none', 'login', 'consent', 'select_account']
  if (!prompts.every((word) => known.includes(word)) || (prompts.includes('none') && prompts.length > 1)) {
    throw new OAuthError('invalid_request', 'prompt is malformed.')
  }
  const maxAge = parameters.optional('max_age')
  if (maxAge !== undefined && !/^\d{1,9}$/.test(maxAge)) {
    throw new OAuthError('invalid_request', 'max_age must be a number of seconds.')
  }
  return {
    prompt,
    maxAgeSeconds: maxAge === undefined ? undefined : Number(maxAge),
    loginHint: parameters.optional('login_hint'),
    acrValues: parameters.optional('acr_values'),
    uiLocales: parameters.optional('ui_locales'),
  }
}

async function subjectHinted({ parts, issuer, parameters }: Call, { clientId }: Client): Promise<string | undefined> {
  const hint = parameters.optional('id_token_hint')
  if (hint === undefined) return undefined
  const sub = await subjectOfIdToken(await parts.keyring(), issuer, clientId, hint)
  if (sub === undefined) {
    throw new OAuthError('invalid_request', 'id_token_hint is no ID token that this issuer made for this client.')
  }
  return sub
}
