/** The schema of a registry file: its members, their defaults, and the rules between them. */

import * as v from 'valibot'
import { maxClientAudiences } from '../domain/audience.ts'
import { tokenExchange } from '../domain/derived-members.ts'
import { maxScopeLength, maxScopes } from '../domain/scope.ts'
import { identitiesSchema } from './identities.ts'
import { jwkSchema } from './keys.ts'
import { localText, looks } from './looks.ts'
import { providerSchema } from './provider.ts'
import { isRedirectUri, listOf, members, type RecordInFile, scope, seconds, text } from './values.ts'

const yearSeconds = 31_536_000
const authMethod = v.picklist([
  'none',
  'client_secret_basic',
  'client_secret_post',
  'private_key_jwt',
  'workload_identity',
])
const methodsWithSecret: readonly unknown[] = ['client_secret_basic', 'client_secret_post']
/** The value of `secrets` for a client whose secrets the command line generates and only the table holds. */
export const secretsInTable = 'table'
const algorithm = v.picklist(['ES256', 'RS256'])
const grant = v.picklist([
  'authorization_code',
  'client_credentials',
  'refresh_token',
  'urn:ietf:params:oauth:grant-type:device_code',
  tokenExchange,
])
function hasSecrets(secrets: unknown): boolean {
  return listOf(secrets).length > 0 || secrets === secretsInTable
}

const clientRules: readonly { readonly why: string; readonly broken: (client: RecordInFile) => boolean }[] = [
  {
    why: 'a public client (auth "none") has no secrets',
    broken: ({ auth, secrets }) => auth === 'none' && hasSecrets(secrets),
  },
  {
    why: 'this auth needs a secret in `secrets`, or "table" there',
    broken: ({ auth, secrets }) => methodsWithSecret.includes(auth) && !hasSecrets(secrets),
  },
  {
    why: 'auth "private_key_jwt" needs a key in `jwks`, and has no secrets',
    broken: ({ auth, secrets, jwks }) =>
      auth === 'private_key_jwt' && (listOf(Object(jwks).keys).length === 0 || hasSecrets(secrets)),
  },
  {
    why: 'jwks is for auth "private_key_jwt" alone',
    broken: ({ auth, jwks }) => auth !== 'private_key_jwt' && listOf(Object(jwks).keys).length > 0,
  },
  {
    why: 'auth "workload_identity" needs an identity in `identities`, and has no secrets',
    broken: ({ auth, secrets, identities }) =>
      auth === 'workload_identity' && (listOf(identities).length === 0 || hasSecrets(secrets)),
  },
  {
    why: 'identities and singleUseAssertions are for auth "workload_identity" alone',
    broken: ({ auth, identities, singleUseAssertions }) =>
      auth !== 'workload_identity' && (identities !== undefined || singleUseAssertions !== undefined),
  },
  {
    // RFC 6749 §4.4: confidential clients only.
    why: 'client_credentials needs a client that authenticates',
    broken: ({ auth, grants }) => auth === 'none' && listOf(grants).includes('client_credentials'),
  },
  {
    why: 'authorization_code needs one of `redirectUris`',
    broken: ({ grants, redirectUris }) =>
      listOf(grants).includes('authorization_code') && listOf(redirectUris).length === 0,
  },
  {
    why: 'idleSeconds must not be above absoluteSeconds',
    broken: ({ idleSeconds, absoluteSeconds }) => Number(idleSeconds ?? 0) > Number(absoluteSeconds ?? yearSeconds),
  },
  {
    why: 'introspection needs a client that authenticates',
    broken: ({ auth, mayIntrospect }) => auth === 'none' && mayIntrospect === true,
  },
  {
    // RFC 8693 §2.1 leaves this to the server. The holder of a stolen access token must not get the provider's for it.
    why: 'token exchange needs a client that authenticates',
    broken: ({ auth, grants }) => auth === 'none' && listOf(grants).includes(tokenExchange),
  },
  {
    why: 'exchangesFor is for a client with the grant of token exchange',
    broken: ({ grants, exchangesFor }) => listOf(exchangesFor).length > 0 && !listOf(grants).includes(tokenExchange),
  },
  {
    why: `scopes must not be more than ${maxScopes}, nor longer than ${maxScopeLength} characters in all`,
    broken: ({ scopes }) => listOf(scopes).length > maxScopes || listOf(scopes).join(' ').length > maxScopeLength,
  },
]
const audienceList = v.pipe(
  v.array(text(128)),
  v.minLength(1, 'must name one audience at least'),
  v.maxLength(maxClientAudiences, `must name ${maxClientAudiences} audiences at most`),
)
export const secretList = v.pipe(v.array(text(256)), v.maxLength(2, 'two secrets may live at once, no more'))
/** Not a union, so that a mistake is reported for the secret that has it. */
export const secretsSchema = v.lazy((input) => (typeof input === 'string' ? v.literal(secretsInTable) : secretList))

export const clientSchema = v.pipe(
  members({
    clientId: v.pipe(text(128), v.regex(/^\P{Cc}+$/u, 'must not hold control characters')),
    displayName: v.optional(localText(64)),
    auth: authMethod,
    secrets: v.optional(secretsSchema, []),
    jwks: v.optional(members({ keys: v.pipe(v.array(jwkSchema), v.maxLength(4, 'four keys may be there, no more')) }), {
      keys: [],
    }),
    identities: v.optional(identitiesSchema),
    singleUseAssertions: v.optional(v.boolean()),
    grants: v.optional(v.array(grant), []),
    redirectUris: v.optional(
      v.array(
        v.pipe(
          text(512),
          v.check(
            isRedirectUri,
            'must be an absolute URI without fragment and credentials, with other characters percent-encoded (RFC 3986); http is for a loopback address alone',
          ),
        ),
      ),
      [],
    ),
    consent: v.optional(v.boolean()),
    scopes: v.optional(v.array(scope), ['openid', 'profile', 'email', 'offline_access']),
    audiences: v.optional(audienceList),
    mayIntrospect: v.optional(v.boolean(), false),
    accessToken: v.optional(v.picklist(['broker', 'provider']), 'broker'),
    exchangesFor: v.optional(v.array(text(128)), []),
    idTokenAlgorithm: v.optional(algorithm, 'RS256'),
    idTokenOnRefresh: v.optional(v.boolean()),
    claimsInIdToken: v.optional(v.boolean()),
    accessTokenSeconds: v.optional(seconds(1, 86_400), 300),
    idleSeconds: v.optional(seconds(1, yearSeconds), 2_592_000),
    absoluteSeconds: v.optional(seconds(1, 10 * yearSeconds), yearSeconds),
    graceSeconds: v.optional(seconds(0, 300), 0),
  }),
  // Run even if single members are wrong, so that all mistakes are reported at once.
  v.rawCheck(({ dataset, addIssue }) => {
    const client = Object(dataset.value) as RecordInFile
    for (const { why, broken } of clientRules) if (broken(client)) addIssue({ message: why })
  }),
)

const claimName = v.pipe(
  text(64),
  v.check(
    (name) => name !== 'address',
    'is an object (OIDC Core §5.1.1): only strings, numbers and booleans can be kept',
  ),
)

/** The first segments of the paths that belong to no application (infra/routes.ts). */
const reservedNames = ['applications', 'apidocs']

const applicationSchema = members({
  name: v.pipe(
    v.string(),
    v.regex(/^[a-z0-9][a-z0-9-]{0,31}$/, 'must be 1 to 32 of a-z, 0-9 and -'),
    v.check((name) => !reservedNames.includes(name), 'is a path of the broker itself: choose another name'),
  ),
  displayName: localText(64),
  ...looks,
  provider: providerSchema,
  errorProfile: v.optional(v.picklist(['rfc', 'auth0']), 'rfc'),
  accessTokenAlgorithm: v.optional(algorithm, 'ES256'),
  audiences: audienceList,
  userinfo: v.optional(
    members({
      scope: v.optional(scope, 'openid'),
      claims: v.record(v.string(), v.array(claimName)),
    }),
    { scope: 'openid', claims: { profile: ['name', 'preferred_username'], email: ['email', 'email_verified'] } },
  ),
  clients: v.array(clientSchema),
})

/** `$schema` is for editors: docs/registry.schema.json is generated from this schema. */
export const fileSchema = members({ $schema: v.optional(v.string()), applications: v.array(applicationSchema) })
