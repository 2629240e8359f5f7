/** metadata: the server metadata (RFC 8414, OIDC Discovery §3) and the public keys (RFC 7517 §5). */

import { languages } from '../shared/domain/local-text.ts'
import type { Call } from '../shared/http/call.ts'
import { publicEndpoint } from '../shared/http/stack.ts'
import { assertionAlgorithms } from '../shared/tokens/assertion-algorithms.ts'
import { publishedKeysCachedSeconds } from '../shared/tokens/keyring.ts'

/** Short enough that a key published ahead of its use is seen in time. */
const cacheable = { 'cache-control': `public, max-age=${publishedKeysCachedSeconds}` }

export const handler = publicEndpoint('cross-origin', async (call) => {
  const isKeys = call.event.resource.endsWith('/jwks.json')
  return { status: 200, headers: cacheable, body: isKeys ? await keys(call) : metadataOf(call) }
})

async function keys({ parts }: Call): Promise<object> {
  return { keys: (await parts.keyring()).publicKeys }
}

function metadataOf({ application, issuer }: Call): object {
  const provingMethods = ['client_secret_basic', 'client_secret_post', 'private_key_jwt']
  const clientAuthMethods = [...provingMethods, 'none']
  const claims = Object.values(application.userinfo.claims).flat()
  return {
    issuer,
    authorization_endpoint: `${issuer}/oauth/authorize`,
    token_endpoint: `${issuer}/oauth/token`,
    device_authorization_endpoint: `${issuer}/oauth/device_authorization`,
    revocation_endpoint: `${issuer}/oauth/revoke`,
    introspection_endpoint: `${issuer}/oauth/introspect`,
    userinfo_endpoint: `${issuer}/oauth/userinfo`,
    jwks_uri: `${issuer}/.well-known/jwks.json`,
    scopes_supported: application.scopes,
    claims_supported: ['sub', ...new Set(claims)],
    response_types_supported: ['code'],
    response_modes_supported: ['query', 'form_post'],
    grant_types_supported: [
      'authorization_code',
      'refresh_token',
      'urn:ietf:params:oauth:grant-type:device_code',
      'client_credentials',
      ...(application.offersTokenExchange ? ['urn:ietf:params:oauth:grant-type:token-exchange'] : []),
    ],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['RS256', 'ES256'],
    token_endpoint_auth_methods_supported: clientAuthMethods,
    token_endpoint_auth_signing_alg_values_supported: assertionAlgorithms,
    revocation_endpoint_auth_methods_supported: clientAuthMethods,
    revocation_endpoint_auth_signing_alg_values_supported: assertionAlgorithms,
    introspection_endpoint_auth_methods_supported: provingMethods,
    introspection_endpoint_auth_signing_alg_values_supported: assertionAlgorithms,
    code_challenge_methods_supported: ['S256'],
    authorization_response_iss_parameter_supported: true,
    // draft-ietf-oauth-refresh-token-expiration-03 §8
    refresh_token_expiration_types_supported: ['authorization', 'token_timeout'],
    // Initiating User Registration via OpenID Connect 1.0 §4.1. What a provider without OpenID Connect supports is unknown.
    ...(application.provider.kind === 'oidc' && {
      prompt_values_supported: ['none', 'login', 'consent', 'select_account'],
    }),
    ui_locales_supported: languages,
    // Left out it would mean true (OIDC Discovery §3).
    request_uri_parameter_supported: false,
  }
}
