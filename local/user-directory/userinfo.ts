/**
 * The user directory's userinfo endpoint: who the person is, for the holder of an access token (RFC 6750 §2.1).
 */

import type { IncomingMessage } from 'node:http'
import { profileOf } from './person.ts'
import type { Directory, Reply } from './server.ts'

export async function userinfo(directory: Directory, _url: URL, incoming: IncomingMessage): Promise<Reply> {
  const [, token] = /^bearer +(\S+)$/i.exec(incoming.headers.authorization ?? '') ?? []
  if (token === undefined) return { status: 401, headers: { 'www-authenticate': 'Bearer' } }
  const userName = await directory.accessTokens.userNameIn(token)
  if (userName !== undefined) return { status: 200, body: profileOf(userName) }
  return {
    status: 401,
    headers: { 'www-authenticate': 'Bearer error="invalid_token"' },
    body: { error: 'invalid_token' },
  }
}
