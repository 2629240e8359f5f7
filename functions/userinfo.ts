/** userinfo: the claims of the person behind an access token (OIDC Core §5.3, RFC 6750). One read. */

import { releasedClaims } from '../shared/domain/released-claims.ts'
import { type Answer, type Call, header } from '../shared/http/call.ts'
import { OAuthError } from '../shared/http/errors.ts'
import { publicEndpoint } from '../shared/http/stack.ts'
import { liveSession } from '../shared/sessions/live-session.ts'

export const handler = publicEndpoint('cross-origin', async (call) => {
  const token = bearerToken(call)
  if (token === undefined) return challenge()
  const session = await liveSession(call, token)
  if (session === undefined) throw refused('invalid_token', 401, 'The access token is invalid, expired or revoked.')
  const { userinfo } = call.application
  const scopes = session.claims.scope?.split(' ') ?? []
  if (!scopes.includes(userinfo.scope)) {
    throw refused('insufficient_scope', 403, 'The access token lacks the scope for userinfo.', userinfo.scope)
  }
  const { sub, claims } = session.family.person!
  return { status: 200, body: { ...releasedClaims(call.application, scopes, claims), sub } }
})

/** RFC 6750 §2.1 and §2.2: in the header or in the body of a POST, by one of the two (§3.1). One in the query is not looked at. */
function bearerToken(call: Call): string | undefined {
  const authorization = header(call.event, 'authorization') ?? ''
  const inBody = call.event.httpMethod === 'POST' ? call.parameters.optional('access_token') : undefined
  if (/^bearer( |$)/i.test(authorization) && inBody !== undefined) {
    throw refused('invalid_request', 400, 'The access token was sent twice.')
  }
  const [, inHeader] = /^bearer +([A-Za-z0-9\-._~+/]+=*) *$/i.exec(authorization) ?? []
  return inHeader ?? inBody
}

/** RFC 6750 §3.1: a caller without a token is told the scheme and no error. */
function challenge(): Answer {
  return { status: 401, headers: { 'www-authenticate': 'Bearer' }, body: {} }
}

function refused(
  error: 'invalid_token' | 'insufficient_scope' | 'invalid_request',
  status: number,
  description: string,
  scope?: string,
): OAuthError {
  const scoped = scope === undefined ? '' : `, scope="${scope}"`
  const headers = { 'www-authenticate': `Bearer error="${error}", error_description="${description}"${scoped}` }
  return new OAuthError(error, description, { status, headers })
}
