/** What each route does, by path and method. The test of the description holds this list against the route table. */

import type { GrantType } from '../domain/registration.ts'
import type { KnownName } from '../http/parameters.ts'
import {
  anywhere,
  clientErrors,
  fileErrors,
  opsErrors,
  pageErrors,
  publicErrors,
  tokenErrors,
  userinfoErrors,
} from './errors.ts'
import { bodyContent, clientParameters, grantContent, grantList, grants } from './grants.ts'
import { inQuery } from './parameters.ts'
import { answer, page, redirect, requestId } from './schemas.ts'
import type { Content, Operation, Parameter, Schema, Security } from './types.ts'

/** `{}`: the client's credentials are in the body, or it is a public client. */
const anyClient: Security = [{ clientSecretBasic: [] }, {}]
const bearer: Security = [{ accessToken: [] }]
const operator: Security = [{ awsSigV4: [] }]
const nobody: Security = []

const oauth = { tags: ['OAuth2'] } as const
const discovery = { tags: ['Discovery'], security: nobody } as const
const pages = { tags: ['Pages'], security: nobody } as const
const ops = { tags: ['Operators'], security: operator } as const
const documents = { tags: ['Documents'], security: nobody } as const

const form = (content: Content) => ({ required: true, content })

const authorizeOptional: readonly KnownName[] = [
  ...([
    'scope',
    'state',
    'code_challenge',
    'code_challenge_method',
    'nonce',
    'resource',
    'audience',
    'response_mode',
  ] as const),
  ...([
    'prompt',
    'max_age',
    'login_hint',
    'id_token_hint',
    'acr_values',
    'ui_locales',
    'request',
    'request_uri',
  ] as const),
]
const authorizeRequired = ['client_id', 'redirect_uri', 'response_type'] as const

const authorize = {
  ...oauth,
  security: nobody,
  summary: 'Send a browser here to sign a person in (RFC 6749 §4.1.1)',
  description:
    'For browsers: the answer leads on to the identity provider, and from there back to `redirect_uri` with `code`, `state` and `iss`, or with `error`.',
  responses: {
    200: page(
      'A page that asks the person to confirm a native client, or with `response_mode=form_post` a form that brings an error to the client.',
    ),
    303: redirect('On to the identity provider, or back to the client with an error.'),
    ...pageErrors('Or the client or its redirect URI is not registered. Later mistakes go back to the client.'),
  },
} as const

const userinfo = {
  ...oauth,
  summary: 'Claims of the person that an access token stands for (OIDC Core §5.3)',
  responses: { 200: answer('Userinfo', 'The claims that the scopes of the token release.'), ...userinfoErrors() },
} as const

const activatePage = {
  200: page('The page.'),
  303: redirect('On to the identity provider.'),
  ...pageErrors('Or the form is out of date, or the code is not good.'),
}

const metadata: Operation = {
  ...discovery,
  summary: 'Endpoints and abilities of an application (OIDC Discovery §4, RFC 8414 §3)',
  responses: { 200: answer('Metadata', 'The metadata.'), ...publicErrors() },
}

function tokenRequest(...types: readonly [GrantType, ...GrantType[]]): Operation {
  const [first, ...others] = types
  const isEvery = others.length > 0
  return {
    ...oauth,
    security: anyClient,
    summary: isEvery ? 'Token endpoint: every grant (RFC 6749 §3.2)' : grants[first].summary,
    description: isEvery
      ? grantList(types)
      : `The same as \`/oauth/token\`, for \`${first}\` only.\n\n${grantList(types)}`,
    requestBody: form(grantContent(types)),
    responses: { 200: answer('Tokens', 'The tokens.'), ...tokenErrors(types.flatMap((type) => grants[type].errors)) },
  }
}

const subject = { type: 'string', maxLength: 1_024 }

function query(name: string, description: string, schema: Schema = { type: 'string' }): Parameter {
  return { name, in: 'query', description, schema }
}

const reason = query('reason', 'Why, for the audit. At most 128 bytes.', { type: 'string', maxLength: 128 })

const sessionFilters = [
  query('subject', 'Sessions of this person (`sub`).', subject),
  query('email', 'Sessions of the person with this e-mail address. Not together with `subject`.'),
  query('name', 'A part of the name, e-mail address or subject.'),
  query('client_id', 'Sessions of this client.'),
  query('state', 'Sessions in this state.', {
    type: 'string',
    enum: ['pending', 'approved', 'denied', 'active', 'expired', 'revoked'],
  }),
  query('limit', 'How many at most.', { type: 'integer', minimum: 1, maximum: 100, default: 50 }),
  query('cursor', 'From the answer before.'),
]

const revocation: Content = {
  'application/json': {
    schema: {
      type: 'object',
      description: 'Exactly one of `subject`, `client_id` and `all`.',
      oneOf: [{ required: ['subject'] }, { required: ['client_id'] }, { required: ['all'] }],
      properties: {
        subject: { ...subject, description: 'All sessions of this person.' },
        client_id: { type: 'string', description: 'All sessions of this client.' },
        all: { type: 'boolean', enum: [true], description: 'All sessions of the application.' },
        reason: reason.schema,
        cursor: { type: 'string', description: 'From the answer before, with a subject.' },
      },
    },
    examples: { client: { value: { client_id: 'cli', reason: 'lost laptop' } } },
  },
}

/** By `METHOD path`. */
export const operations: Readonly<Record<string, Operation>> = {
  'POST /{application}/oauth/device_authorization': {
    ...oauth,
    security: anyClient,
    summary: 'Start a device flow (RFC 8628 §3.1)',
    requestBody: form(
      bodyContent([], ['scope', 'resource', 'audience', ...clientParameters], {
        client_id: 'cli',
        scope: 'openid offline_access',
      }),
    ),
    responses: {
      200: answer('DeviceAuthorization', 'The codes.'),
      ...clientErrors(['unauthorized_client', 'invalid_scope', 'invalid_target']),
    },
  },
  'POST /{application}/oauth/token': tokenRequest(
    'urn:ietf:params:oauth:grant-type:device_code',
    'authorization_code',
    'refresh_token',
    'client_credentials',
    'urn:ietf:params:oauth:grant-type:token-exchange',
  ),
  'POST /{application}/oauth/token/device': tokenRequest('urn:ietf:params:oauth:grant-type:device_code'),
  'POST /{application}/oauth/token/code': tokenRequest('authorization_code'),
  'POST /{application}/oauth/token/refresh': tokenRequest('refresh_token'),
  'POST /{application}/oauth/token/client': tokenRequest('client_credentials'),
  'POST /{application}/oauth/token/exchange': tokenRequest('urn:ietf:params:oauth:grant-type:token-exchange'),
  'POST /{application}/oauth/revoke': {
    ...oauth,
    security: anyClient,
    summary: 'End a session (RFC 7009)',
    description: 'Any refresh token of the session will do, old or new, and so will an access token.',
    requestBody: form(
      bodyContent(['token'], ['token_type_hint', ...clientParameters], { client_id: 'cli', token: 'rt_example' }),
    ),
    responses: {
      200: answer('Revoked', 'The session is over, or there was none.'),
      ...clientErrors(['unsupported_token_type']),
    },
  },
  'POST /{application}/oauth/introspect': {
    ...oauth,
    security: anyClient,
    summary: 'Check a token (RFC 7662)',
    description: 'For clients with a secret or a key that are registered to introspect.',
    requestBody: form(
      bodyContent(['token'], ['token_type_hint', ...clientParameters], {
        token: 'eyJhbGciOiJFUzI1NiJ9.e30.c2lnbmF0dXJl',
      }),
    ),
    responses: { 200: answer('Introspection', 'What the token is worth.'), ...clientErrors([]) },
  },
  'GET /{application}/oauth/userinfo': { ...userinfo, security: bearer },
  'POST /{application}/oauth/userinfo': {
    ...userinfo,
    security: [...bearer, {}],
    requestBody: { required: false, content: bodyContent([], ['access_token'], {}) },
  },
  'GET /{application}/oauth/authorize': {
    ...authorize,
    parameters: [
      ...authorizeRequired.map((name) => inQuery(name, true)),
      ...authorizeOptional.map((name) => inQuery(name)),
    ],
  },
  'POST /{application}/oauth/authorize': {
    ...authorize,
    requestBody: form(
      bodyContent(authorizeRequired, [...authorizeOptional, 'csrf', 'decision'], {
        client_id: 'web',
        redirect_uri: 'http://127.0.0.1:9999/cb',
        response_type: 'code',
        scope: 'openid',
        state: 'af0ifjsldkj',
      }),
    ),
  },
  'GET /{application}/oauth/callback': {
    ...pages,
    summary: 'The identity provider returns the browser here',
    description: 'Clients never call it.',
    parameters: [inQuery('state'), inQuery('code')],
    responses: {
      200: page('With `response_mode=form_post`: a form that brings a code or an error to the client.'),
      303: redirect('Back to the client with a code or an error, or on to the result.'),
      ...pageErrors('Or the sign-in was not begun in this browser, or has expired.'),
      403: page('The identity provider refused the sign-in, or the person did there.'),
    },
  },
  'GET /{application}/activate': {
    ...pages,
    summary: 'The page where a person types a user code (RFC 8628 §3.3)',
    parameters: (['user_code', 'proof', 'result', 'ui_locales'] as const).map((name) => inQuery(name)),
    responses: { ...activatePage, 410: page('The result is not known any more, or only in another browser.') },
  },
  'POST /{application}/activate': {
    ...pages,
    summary: 'The form of that page',
    requestBody: form(
      bodyContent(['user_code'], ['decision', 'csrf', 'proof', 'ui_locales'], { user_code: 'WDJB-MJHT' }),
    ),
    responses: activatePage,
  },
  'GET /{application}/.well-known/openid-configuration': metadata,
  'GET /.well-known/oauth-authorization-server/{application}': metadata,
  'GET /{application}/.well-known/jwks.json': {
    ...discovery,
    summary: 'Keys that tokens verify with (RFC 7517)',
    responses: { 200: answer('Keys', 'The public keys.'), ...publicErrors() },
  },
  'GET /applications': {
    ...ops,
    summary: 'List the applications',
    responses: { 200: answer('Applications', 'Their names.'), ...opsErrors(false) },
  },
  'GET /{application}/sessions': {
    ...ops,
    summary: 'Find sessions, the newest first',
    parameters: sessionFilters,
    responses: { 200: answer('Sessions', 'A page of sessions.'), ...opsErrors(true) },
  },
  'POST /{application}/sessions/revoke': {
    ...ops,
    summary: 'End all sessions of a person, a client or the application',
    requestBody: { required: true, content: revocation },
    responses: { 200: answer('EndedSessions', 'From `effective_at` on they are over.'), ...opsErrors(true) },
  },
  'GET /{application}/sessions/{sid}': {
    ...ops,
    summary: 'Show one session',
    responses: { 200: answer('SessionDetails', 'The session, and how to find its history.'), ...opsErrors(true) },
  },
  'DELETE /{application}/sessions/{sid}': {
    ...ops,
    summary: 'End one session',
    parameters: [reason],
    responses: { 200: answer('EndedSession', 'It is over.'), ...opsErrors(true) },
  },
  'GET /openapi.json': {
    ...documents,
    summary: 'This description',
    responses: {
      200: {
        description: 'OpenAPI 3.1.',
        headers: requestId,
        content: { 'application/json': { schema: { type: 'object' } } },
      },
      ...anywhere,
    },
  },
  'GET /apidocs': {
    ...documents,
    summary: 'This description in a browser',
    description: 'Only where the stage has the setting `apiDocs`.',
    responses: { 200: page('The page.'), ...anywhere },
  },
  'GET /apidocs/{file}': {
    ...documents,
    summary: 'Scripts and styles of that page',
    responses: {
      200: { description: 'The file.', headers: requestId, content: { 'text/*': { schema: { type: 'string' } } } },
      ...fileErrors(),
    },
  },
}
