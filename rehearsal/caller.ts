/** A program that uses the broker through the client library openid-client, and the person who signs in for it. */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import * as openid from 'openid-client'
import { approve } from '../local/demo/person.ts'
import { freePort } from '../local/ports.ts'

export type Session = { readonly config: openid.Configuration; readonly tokens: openid.TokenEndpointResponse }

/** The redirect URI of the code flow. */
export const redirectUri = `http://127.0.0.1:${await freePort()}/cb`
const scope = 'openid profile email offline_access'

export async function deviceFlow(issuer: string, clientId: string, person: string): Promise<Session> {
  const config = await openid.discovery(new URL(issuer), clientId, undefined, openid.None())
  const started = await openid.initiateDeviceAuthorization(config, { scope })
  const { status, html } = await approve(started.verification_uri_complete ?? '', person)
  assert.equal(status, 200, html)
  // The library waits for the interval before its first poll. Shorten it, because the person has already approved.
  const tokens = await openid.pollDeviceAuthorizationGrant(config, { ...started, interval: 0.1 })
  return { config, tokens }
}

/** @param secret of a client with `client_secret_basic`, whose redirect URI is `redirectUri` */
export async function codeFlow(issuer: string, clientId: string, secret: string, person: string): Promise<Session> {
  const config = await openid.discovery(new URL(issuer), clientId, undefined, openid.ClientSecretBasic(secret))
  const [pkceCodeVerifier, expectedState] = [openid.randomPKCECodeVerifier(), openid.randomState()]
  const address = openid.buildAuthorizationUrl(config, {
    redirect_uri: redirectUri,
    scope,
    state: expectedState,
    code_challenge_method: 'S256',
    code_challenge: await openid.calculatePKCECodeChallenge(pkceCodeVerifier),
  })
  const application = createServer((_, response) => response.end()).listen(
    Number(new URL(redirectUri).port),
    '127.0.0.1',
  )
  await once(application, 'listening')
  try {
    const { url } = await approve(address.href, person)
    return { config, tokens: await openid.authorizationCodeGrant(config, url, { pkceCodeVerifier, expectedState }) }
  } finally {
    application.close()
  }
}

export async function refresh({ config, tokens }: Session): Promise<Session> {
  return { config, tokens: await openid.refreshTokenGrant(config, tokens.refresh_token ?? '') }
}

/** Whether the broker has refused the request (RFC 6749 §5.2). A 5xx is not a refusal: the client may try again. */
export function isRefusal(error: unknown): boolean {
  return error instanceof openid.ResponseBodyError && error.status < 500
}

/** @throws unless the refresh is refused with invalid_grant */
export async function refusesRefresh(session: Session): Promise<void> {
  await assert.rejects(refresh(session), { error: 'invalid_grant' })
}
