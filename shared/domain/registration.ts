/** What ops declare: applications (tenants) and their clients. */

import type { Description, LocalText } from './local-text.ts'

/** Values of `grant_type` that a client may be registered for. */
export type GrantType =
  | 'authorization_code'
  | 'client_credentials'
  | 'refresh_token'
  | 'urn:ietf:params:oauth:grant-type:device_code'
  | 'urn:ietf:params:oauth:grant-type:token-exchange'

/** How a client authenticates (RFC 7591 §2, `token_endpoint_auth_method`), or `workload_identity`, a name of ours. */
export type ClientAuthMethod =
  | 'none'
  | 'client_secret_basic'
  | 'client_secret_post'
  | 'private_key_jwt'
  | 'workload_identity'

/** A client's public key (RFC 7517 §4), of a type that may sign its assertions. */
export type PublicJwk = { readonly kid?: string | undefined } & (
  | { readonly kty: 'EC'; readonly crv: 'P-256'; readonly x: string; readonly y: string }
  | { readonly kty: 'OKP'; readonly crv: 'Ed25519'; readonly x: string }
  // Without `alg`, an RSA key verifies both.
  | { readonly kty: 'RSA'; readonly n: string; readonly e: string; readonly alg?: 'RS256' | 'PS256' | undefined }
)

/** A public key of an issuer of workload identities, where its keys stand in the registration. */
export type IssuerJwk = { readonly kid?: string | undefined; readonly alg?: string | undefined } & (
  | { readonly kty: 'EC'; readonly crv: 'P-256' | 'P-384'; readonly x: string; readonly y: string }
  | { readonly kty: 'OKP'; readonly crv: 'Ed25519'; readonly x: string }
  | { readonly kty: 'RSA'; readonly n: string; readonly e: string }
)

/** The exact values that a token's claims must have. A claim may hold further claims. */
export type RequiredClaims = { readonly [name: string]: string | number | boolean | RequiredClaims }

/** The platform tokens that a client authenticates with (RFC 7523 §2.2). Every member that is present must match. */
export type WorkloadIdentity = {
  readonly issuer: string
  /** Absent: the application's own issuer. */
  readonly audience?: string | undefined
  readonly subject?: string | undefined
  readonly claims?: RequiredClaims | undefined
  /** Absent: the keys come from the issuer's metadata. */
  readonly jwks?: { readonly keys: readonly IssuerJwk[] } | undefined
  /** How long after its `iat` a token is accepted; absent: an hour. */
  readonly maxAgeSeconds?: number | undefined
}

/** Signature algorithms of the keyring (RFC 7518 §3.1). */
export type SigningAlgorithm = 'ES256' | 'RS256'

/** The provider where an application's people sign in. */
export type ProviderSettings = OidcSettings | OAuth2Settings

/** The broker's own registration at a provider. */
type BrokerAtProvider = {
  readonly clientId: string
  /** `none`: a public client with PKCE. Otherwise the secret is named by `providerSecretName`. */
  readonly auth: Exclude<ClientAuthMethod, 'private_key_jwt' | 'workload_identity'>
  /** Scopes requested from the provider, in this order. */
  readonly scopes: readonly string[]
  /** Further parameters of the authorization request, for example `audience`. */
  readonly parameters: Readonly<Record<string, string>>
  /** The device flow that people use: the broker's own page, or the provider's (RFC 8628). */
  readonly deviceLogin: 'broker' | 'upstream'
  /** Whether the end of a session revokes the provider's tokens too (RFC 7009). */
  readonly revokeTokens: boolean
  /** The private CA of the provider (PEM); absent: public CAs. */
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
  /** The encoding of the token endpoint's parameters. */
  readonly body: 'form' | 'json'
  /** Whether to send a code challenge (RFC 7636). */
  readonly pkce: boolean
  /** The provider's names of claims, by the broker's names, where they differ. The default for `sub` is `sub`, or else `id`. */
  readonly claims: Readonly<Record<string, string>>
}

/** The settings of userinfo (OIDC Core §5.3). */
export type UserinfoSettings = {
  /** The scope that an access token needs for userinfo. */
  readonly scope: string
  /** Claims by the scope that releases them: `{ email: ["email"] }`. */
  readonly claims: Readonly<Record<string, readonly string[]>>
}

export type Application = {
  /** First path segment of every URL of the application. */
  readonly name: string
  /** The name on the pages. */
  readonly displayName: LocalText
  readonly provider: ProviderSettings
  /** Ids of the same provider at its former addresses, as ops confirmed (provider-identity.ts). */
  readonly formerProviders?: readonly string[] | undefined
  /** `auth0`: status 403 and 429 instead of the 400 of RFC 6749 and RFC 8628, for clients written for Auth0. */
  readonly errorProfile: 'rfc' | 'auth0'
  readonly accessTokenAlgorithm: SigningAlgorithm
  readonly userinfo: UserinfoSettings
  /** All scopes that its clients may request on a person's behalf. */
  readonly scopes: readonly string[]
  /** Whether one of its clients is registered for token exchange (RFC 8693). Absent: none is. */
  readonly offersTokenExchange?: boolean | undefined
  /** An image as a `data:` URL. */
  readonly logo?: string | undefined
  /** The colour of buttons by colour scheme, `#rrggbb`. */
  readonly accent?: { readonly light: string; readonly dark: string } | undefined
  /** Where people find help: https or mailto. */
  readonly supportUrl?: string | undefined
  /** Descriptions by scope. */
  readonly scopeDescriptions?: Readonly<Record<string, Description>> | undefined
  /** Descriptions by audience. */
  readonly resources?: Readonly<Record<string, Description>> | undefined
  /** Families created up to this time (ms since the epoch) are revoked; 0: none. */
  readonly revokedBefore: number
  /** When it was registered, ms since the epoch. An operator has set a `revokedBefore` that is more than ten seconds later. */
  readonly addedAt?: number | undefined
}

export type Client = {
  readonly application: string
  readonly clientId: string
  /** The name that people see when they are asked to consent. */
  readonly displayName: LocalText
  readonly auth: ClientAuthMethod
  /** SHA-256 of each valid secret, base64url. At most two, for rotation. */
  readonly secretHashes: readonly string[]
  /** Public keys for its assertions (RFC 7591 §2, `jwks`); empty unless `auth` is `private_key_jwt`. */
  readonly jwks: { readonly keys: readonly PublicJwk[] }
  /** With `auth` `workload_identity` alone: the tokens that prove this client. One that matches is enough. */
  readonly identities?: readonly WorkloadIdentity[] | undefined
  /** Whether each token of its platform is accepted once only. Absent: it may be used until it ends. */
  readonly singleUseAssertions?: boolean | undefined
  readonly grants: readonly GrantType[]
  readonly redirectUris: readonly string[]
  /**
   * Whether the broker asks the person for consent before the sign-in (RFC 8252 §8.6); undefined: if the redirect URI needs it
   * (redirect-uri.ts).
   */
  readonly consent?: boolean | undefined
  readonly scopes: readonly string[]
  /** Audiences that it may request; the first is the default. */
  readonly audiences: readonly string[]
  readonly mayIntrospect: boolean
  /** The access token that it gets: the broker's own, or the provider's, to call the provider's APIs. */
  readonly accessToken: 'broker' | 'provider'
  /** Clients whose access tokens it may exchange for the provider's (RFC 8693); empty without that grant. */
  readonly exchangesFor: readonly string[]
  /** Whether its sessions store the provider's tokens, because a client may get them or the broker must revoke them. */
  readonly keepsProviderTokens: boolean
  readonly idTokenAlgorithm: SigningAlgorithm
  /** Whether refreshes return an ID token (OIDC Core §12.2); absent: only for a client with the authorization_code grant. */
  readonly idTokenOnRefresh?: boolean | undefined
  /** Whether ID tokens hold the claims that its scopes release, as userinfo does. Absent: they do not. */
  readonly claimsInIdToken?: boolean | undefined
  readonly accessTokenSeconds: number
  /** When the last access token expires that was issued before `accessTokenSeconds` was lowered, ms. Absent: it never was. */
  readonly longerTokensUntil?: number | undefined
  /** The longest time between two refreshes. */
  readonly idleSeconds: number
  /** The longest life of a session. */
  readonly absoluteSeconds: number
  /** How long the immediate predecessor of an unused refresh token may be retried. */
  readonly graceSeconds: number
  /** Families created up to this time (ms since the epoch) are revoked; 0: none. */
  readonly revokedBefore: number
  /** When it was registered, ms since the epoch. An operator has set a `revokedBefore` that is more than ten seconds later. */
  readonly addedAt?: number | undefined
}

/** A client as a registry file declares it. Without `secretHashes`, the secrets in the table stay as they are. */
export type DeclaredClient = Omit<Client, 'secretHashes'> & { readonly secretHashes?: readonly string[] | undefined }

export type Registry = { readonly applications: readonly Application[]; readonly clients: readonly DeclaredClient[] }
