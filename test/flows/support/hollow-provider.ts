/**
 * An identity provider of which nothing works but its discovery document: as one looks that went down a moment ago.
 *
 * Owns that document (OIDC Discovery §3).
 */
import { once } from 'node:events'
import { createServer } from 'node:http'
import { freePort } from './ports.ts'

export type HollowProvider = { readonly issuer: string; stop(): Promise<void> }

/** Its token endpoint and keys are where nobody listens. */
export async function startHollowProvider(): Promise<HollowProvider> {
  const issuer = `http://127.0.0.1:${await freePort()}`
  const nowhere = `http://127.0.0.1:${await freePort()}`
  const metadata = JSON.stringify({
    issuer,
    authorization_endpoint: `${issuer}/authorize`,
    token_endpoint: `${nowhere}/token`,
    jwks_uri: `${nowhere}/jwks`,
    response_types_supported: ['code'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['RS256'],
    code_challenge_methods_supported: ['S256'],
    token_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post', 'none'],
  })
  const server = createServer((request, response) => {
    const known = request.url === '/.well-known/openid-configuration'
    response.writeHead(known ? 200 : 404, { 'content-type': 'application/json' }).end(known ? metadata : '{}')
  })
  server.listen(Number(new URL(issuer).port), '127.0.0.1')
  await once(server, 'listening')
  const stop = async () => {
    const closed = once(server, 'close')
    server.close()
    server.closeAllConnections()
    await closed
  }
  return { issuer, stop }
}
