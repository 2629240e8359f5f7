/**
 * What ops declare: applications (tenants) and the clients registered with them.
 *
 * Owns the types alone. Must not know how they are written in a file (shared/registry-file.ts) or in the table
 * (shared/store/registrations.ts).
 */

import type { Description, LocalText } from './local-text.ts'

/** Grants that a client may be registered for, by the name that `grant_type` has on the wire. */
export type GrantType =
  | 'authorization_code'
  | 'client_credentials'
  | 'refresh_token'
  | 'urn:ietf:params:oauth:grant-type:device_code'
  | 'urn:ietf:params:oauth:grant-type:token-exchange'

/** How a client authenticates (RFC 7591 §2, `token_endpoint_auth_method`). */
export type ClientAuthMethod = 'none' | 'client_secret_basic' | 'client_secret_post' | 'private_key_jwt'

/** A client's public key (RFC 7517 §4), of a kind that its assertions may be signed with. */
export type PublicJwk = { readonly kid?: string | undefined } & (
  | { readonly kty: 'EC'; readonly crv: 'P-256'; readonly x: string; readonly y: string }
  | { readonly kty: 'OKP'; readonly crv: 'Ed25519'; readonly x: string }
  // Without `alg` an RSA key serves for either.
  | { readonly kty: 'RSA'; readonly n: string; readonly e: string; readonly alg?: 'RS256' | 'PS256' | undefined }
)

/** Signature algorithms that the keyring holds a key for (RFC 7518 §3.1). */
export type SigningAlgorithm = 'ES256' | 'RS256'

/** Where an application's people sign in. */
export type ProviderSettings = OidcSettings | OAuth2Settings

/** How the broker is known to a provider of any kind. */
type BrokerAtProvider = {
  readonly clientId: string
  /** `none` is a public client, PKCE alone. Otherwise the secret source has the secret (`providerSecretName`). */
  readonly auth: Exclude<ClientAuthMethod, 'private_key_jwt'>
  /** Scopes asked of the provider, in this order. */
  readonly scopes: readonly string[]
  /** Sent along whenever a sign-in begins there, `audience` for example. */
  readonly parameters: Readonly<Record<string, string>>
  /** Whose device flow people go through: the broker's own page, or the provider's (RFC 8628). */
  readonly deviceLogin: 'broker' | 'upstream'
  /** Whether the end of a session ends the provider's tokens too (RFC 7009). */
  readonly revokeTokens: boolean
  /** Certificates (PEM) that the provider's own must come of, for one that no public authority vouches for. */
  readonly certificateAuthority?: string | undefined
}

export type OidcSettings = BrokerAtProvider & {
  readonly kind: 'oidc'
  /** The provider's issuer; its metadata is discovered from there (OIDC Discovery §4). */
  readonly issuer: string
}

export type OAuth2Settings = BrokerAtProvider & {
  readonly kind: 'oauth2'
  readonly authorizationEndpoint: string
  readonly tokenEndpoint: string
  readonly userinfoEndpoint: string
  readonly deviceAuthorizationEndpoint?: string | undefined
  readonly revocationEndpoint?: string | undefined
  /** How the token endpoint wants its parameters. */
  readonly body: 'form' | 'json'
  /** Whether a code challenge goes along (RFC 7636). */
  readonly pkce: boolean
  /** What the provider calls a claim of ours, where the names differ. `sub`, where it is not named, is `sub` or else `id`. */
  readonly claims: Readonly<Record<string, string>>
}

/** What userinfo tells (OIDC Core §5.3). */
export type UserinfoSettings = {
  /** The scope that an access token must have to be heard here. */
  readonly scope: string
  /** Claims told, by the scope that releases them: `{ email: ["email"] }`. */
  readonly claims: Readonly<Record<string, readonly string[]>>
}

export type Application = {
  /** First path segment of every URL of the application. */
  readonly name: string
  /** What people read on the pages. */
  readonly displayName: LocalText
  readonly provider: ProviderSettings
  /** Ids of the same provider at its former addresses, by the word of ops (shared/domain/provider-identity.ts). */
  readonly formerProviders?: readonly string[] | undefined
  /** `auth0`: 403 and 429 where RFC 6749 and RFC 8628 have 400, for clients written to Auth0. */
  readonly errorProfile: 'rfc' | 'auth0'
  readonly accessTokenAlgorithm: SigningAlgorithm
  readonly userinfo: UserinfoSettings
  /** All that some client of it may ask for on a person's behalf. */
  readonly scopes: readonly string[]
  /** Whether some client of it is registered for token exchange (RFC 8693). Absent: none is. */
  readonly offersTokenExchange?: boolean | undefined
  /** A picture as a `data:` URL. */
  readonly logo?: string | undefined
  /** The colour of its buttons in each scheme, `#rrggbb`. */
  readonly accent?: { readonly light: string; readonly dark: string } | undefined
  /** Where its people find help: https or mailto. */
  readonly supportUrl?: string | undefined
  /** What its scopes mean, by scope. */
  readonly scopeDescriptions?: Readonly<Record<string, Description>> | undefined
  /** What its audiences are, by audience. */
  readonly resources?: Readonly<Record<string, Description>> | undefined
  /** Families created up to this moment (ms since the epoch) are revoked; 0: none. */
  readonly revokedBefore: number
  /** When it was registered, ms since the epoch. A later `revokedBefore` was set by an operator. */
  readonly addedAt?: number | undefined
}

export type Client = {
  readonly application: string
  readonly clientId: string
  /** What people read when they are asked to confirm. */
  readonly displayName: LocalText
  readonly auth: ClientAuthMethod
  /** SHA-256 of each live secret, base64url. Two at most, so that one can be rotated in. */
  readonly secretHashes: readonly string[]
  /** What its assertions verify with (RFC 7591 §2, `jwks`); empty unless `auth` is `private_key_jwt`. */
  readonly jwks: { readonly keys: readonly PublicJwk[] }
  readonly grants: readonly GrantType[]
  readonly redirectUris: readonly string[]
  /**
   * Whether a person is asked on a page of ours before the provider is (RFC 8252 §8.6); undefined: as its redirect needs it
   * (redirect-uri.ts).
   */
  readonly consent?: boolean | undefined
  readonly scopes: readonly string[]
  /** Audiences that may be asked for; the first is the default. */
  readonly audiences: readonly string[]
  readonly mayIntrospect: boolean
  /** Whose access token it is given: the broker's own, or the provider's, to call the provider's APIs with. */
  readonly accessToken: 'broker' | 'provider'
  /** Clients of whose sessions it may be given the provider's access token (RFC 8693); with the grant alone. */
  readonly exchangesFor: readonly string[]
  /** Whether the provider's tokens are kept with its sessions, because somebody is entitled to them or must revoke them. */
  readonly keepsProviderTokens: boolean
  readonly idTokenAlgorithm: SigningAlgorithm
  /** Whether an ID token comes with refreshes (OIDC Core §12.2); absent: for a client with the code grant alone. */
  readonly idTokenOnRefresh?: boolean | undefined
  /** Whether its ID tokens hold the claims that its scopes release; userinfo does anyway. Absent: they do not. */
  readonly claimsInIdToken?: boolean | undefined
  readonly accessTokenSeconds: number
  /** Longest gap between two refreshes. */
  readonly idleSeconds: number
  /** Longest life of a session, refreshed or not. */
  readonly absoluteSeconds: number
  /** How long the immediate predecessor of an unused refresh token gets that same token again. */
  readonly graceSeconds: number
  /** Families created up to this moment (ms since the epoch) are revoked; 0: none. */
  readonly revokedBefore: number
  /** When it was registered, ms since the epoch. A later `revokedBefore` was set by an operator. */
  readonly addedAt?: number | undefined
}

/** A client as a file declares it: without `secretHashes` its secrets are the table's own, and stay as they are. */
export type DeclaredClient = Omit<Client, 'secretHashes'> & { readonly secretHashes?: readonly string[] | undefined }

export type Registry = { readonly applications: readonly Application[]; readonly clients: readonly DeclaredClient[] }
