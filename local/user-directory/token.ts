/**
 * The user directory's token endpoint (RFC 6749 §4.1.3): an authorization code in, an access token out, by form or JSON,
 * with the client's secret in the body.
 *
 * Owns what such a request must be. There are no refresh tokens and no ID tokens.
 */

import type { IncomingMessage } from 'node:http'
import { bodyIn } from '../identity-provider/body.ts'
import { accessTokenSeconds } from './access-tokens.ts'
import type { Directory, Reply } from './server.ts'

type Parameters = Readonly<Record<string, unknown>>

export async function exchange(directory: Directory, _url: URL, incoming: IncomingMessage): Promise<Reply> {
  const parameters = parametersIn(incoming.headers['content-type'] ?? '', (await bodyIn(incoming)) ?? '')
  if (parameters === undefined) return refusal('invalid_request')
  const clientId = textOf(parameters.client_id)
  const isClient = directory.clients.isSecret(clientId, textOf(parameters.client_secret))
  if (incoming.headers.authorization !== undefined || !isClient) return refusal('invalid_client', 401)
  if (parameters.grant_type === undefined) return refusal('invalid_request')
  if (parameters.grant_type !== 'authorization_code') return refusal('unsupported_grant_type')
  const code = textOf(parameters.code)
  const redirectUri = textOf(parameters.redirect_uri)
  if (code === '' || redirectUri === '') return refusal('invalid_request')
  const grant = await directory.codes.find(code)
  if (grant?.clientId !== clientId || grant.redirectUri !== redirectUri) return refusal('invalid_grant')
  await directory.codes.spend(code)
  const token = await directory.accessTokens.sign(grant)
  const { scope } = grant
  return {
    status: 200,
    body: { access_token: token, expires_in: accessTokenSeconds, scope, token_type: 'Bearer' },
  }
}

/** @returns undefined for what is neither a form nor a JSON object, and for a parameter sent twice */
function parametersIn(contentType: string, text: string): Parameters | undefined {
  if (contentType.startsWith('application/x-www-form-urlencoded')) {
    const pairs = [...new URLSearchParams(text)]
    const parameters = Object.fromEntries(pairs)
    return Object.keys(parameters).length === pairs.length ? parameters : undefined
  }
  if (!contentType.startsWith('application/json')) return undefined
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Parameters) : undefined
  } catch {
    return undefined
  }
}

const textOf = (value: unknown) => (typeof value === 'string' ? value : '')

function refusal(error: string, status = 400): Reply {
  return { status, body: { error } }
}
