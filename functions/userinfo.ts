/** userinfo: the claims of the person behind an access token (OIDC Core §5.3, RFC 6750). One read. */

import { releasedClaims } from '../shared/domain/released-claims.ts'
import { type Answer, type Call, header } from '../shared/http/call.ts'
import { errorBody, OAuthError } from '../shared/http/errors.ts'
import { oauthErrorAnswer, publicEndpoint } from '../shared/http/stack.ts'
import { liveSession } from '../shared/sessions/live-session.ts'

export const handler = publicEndpoint('cross-origin', answerClaims, refusal)

async function answerClaims(call: Call): Promise<Answer> {
  const token = bearerToken(call)
  // RFC 6750 §3.1: a caller without a token is told the scheme and no error.
  if (token === undefined) return { status: 401, headers: { 'www-authenticate': 'Bearer' }, body: {} }
  const session = await liveSession(call, token)
  if (session === undefined) {
    throw new OAuthError('invalid_token', 'The access token is invalid, expired or revoked.', { status: 401 })
  }
  const { userinfo } = call.application
  const scopes = session.claims.scope?.split(' ') ?? []
  if (!scopes.includes(userinfo.scope)) {
    throw new OAuthError('insufficient_scope', 'The access token lacks the scope for userinfo.', { status: 403 })
  }
  const { sub, claims } = session.family.person!
  return { status: 200, body: { ...releasedClaims(call.application, scopes, claims), sub } }
}

/**
 * RFC 6750 §2.1 and §2.2: in the header or in the body of a POST, by one of the two (§3.1). One in the query is not looked at.
 *
 * @returns what was sent, which may have characters that no token has; undefined if there is nothing
 */
function bearerToken(call: Call): string | undefined {
  const authorization = header(call.event, 'authorization') ?? ''
  const inHeader = /^bearer( |$)/i.test(authorization) ? authorization.slice('bearer'.length).trim() : undefined
  const inBody = call.event.httpMethod === 'POST' ? call.parameters.optional('access_token') : undefined
  if (inHeader !== undefined && inBody !== undefined) {
    throw new OAuthError('invalid_request', 'The access token was sent twice.')
  }
  return inHeader || inBody
}

/** RFC 6750 §3.1: a refusal of any request, a malformed one too, comes with a challenge. */
function refusal(error: Error, call: Partial<Call>): Answer {
  const answer = oauthErrorAnswer(error, call)
  if (!(error instanceof OAuthError) || ![400, 401, 403].includes(answer.status)) return answer
  const { error: code, error_description: description } = errorBody(error)
  const scope = code === 'insufficient_scope' ? `, scope="${call.application!.userinfo.scope}"` : ''
  const challenge = `Bearer error="${code}", error_description="${description}"${scope}`
  return { ...answer, headers: { ...answer.headers, 'www-authenticate': challenge } }
}
