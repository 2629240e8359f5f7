/** The schema of an application's provider. */

import * as v from 'valibot'
import { certificates, members, safeUrl, scope, text } from './values.ts'

const authMethod = v.picklist(['none', 'client_secret_basic', 'client_secret_post'])

/** Parameters of the authorization request that only the broker sets (RFC 6749 §4.1.1, RFC 7636 §4.3, OIDC Core §3.1.2.1). */
const ownParameters = [
  ...['client_id', 'client_secret', 'client_assertion', 'client_assertion_type', 'response_type', 'response_mode'],
  ...['redirect_uri', 'scope', 'state', 'nonce', 'code_challenge', 'code_challenge_method', 'request', 'request_uri'],
]

const brokerAtProvider = {
  clientId: text(256),
  auth: v.optional(authMethod, 'client_secret_basic'),
  parameters: v.optional(
    v.record(
      v.pipe(
        text(64),
        v.check((name) => !ownParameters.includes(name), 'is set by the broker'),
      ),
      text(512),
    ),
    {},
  ),
  deviceLogin: v.optional(v.picklist(['broker', 'upstream']), 'broker'),
  revokeTokens: v.optional(v.boolean(), false),
  certificateAuthority: v.optional(certificates),
}

export const providerSchema = v.pipe(
  v.variant(
    'kind',
    [
      members({
        kind: v.literal('oidc'),
        issuer: safeUrl,
        ...brokerAtProvider,
        scopes: v.optional(v.array(scope), ['openid', 'profile', 'email']),
      }),
      members({
        kind: v.literal('oauth2'),
        authorizationEndpoint: safeUrl,
        tokenEndpoint: safeUrl,
        userinfoEndpoint: safeUrl,
        deviceAuthorizationEndpoint: v.optional(safeUrl),
        revocationEndpoint: v.optional(safeUrl),
        ...brokerAtProvider,
        scopes: v.optional(v.array(scope), []),
        body: v.optional(v.picklist(['form', 'json']), 'form'),
        pkce: v.optional(v.boolean(), true),
        claims: v.optional(v.record(v.string(), text(64)), {}),
      }),
    ],
    (issue) => (issue.received === 'undefined' ? 'is missing' : 'must be "oidc" or "oauth2"'),
  ),
  // RFC 9700 §2.1.1
  v.check(
    (provider) => provider.kind === 'oidc' || provider.auth !== 'none' || provider.pkce,
    'auth "none" needs pkce',
  ),
  v.check(
    (provider) =>
      provider.kind === 'oidc' ||
      provider.deviceLogin === 'broker' ||
      provider.deviceAuthorizationEndpoint !== undefined,
    'deviceLogin "upstream" needs deviceAuthorizationEndpoint',
  ),
  v.check(
    (provider) => provider.kind === 'oidc' || !provider.revokeTokens || provider.revocationEndpoint !== undefined,
    'revokeTokens needs revocationEndpoint',
  ),
)
