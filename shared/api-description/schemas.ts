/** The bodies of good answers. */

import type { Content, MediaType, Response, Schema } from './types.ts'

/** Of every answer that a function gives. */
export const requestId = { 'X-Request-Id': { $ref: '#/components/headers/RequestId' } }
export const html: Content = { 'text/html': { schema: { type: 'string' } } }

const text: Schema = { type: 'string' }
const uri: Schema = { type: 'string', format: 'uri' }
const texts: Schema = { type: 'array', items: text }
const time: Schema = { type: 'string', format: 'date-time' }
const seconds = (description: string): Schema => ({ type: 'integer', minimum: 0, description })
const unixTime: Schema = { type: 'integer', description: 'Seconds since 1970.' }

function object(required: readonly string[], properties: Schema): Schema {
  return { type: 'object', ...(required.length > 0 && { required }), properties }
}

const lifetimes = {
  refresh_token_timeout: seconds('How long the refresh token lasts if nobody uses it.'),
  authorization_expires_in: seconds('How long the session lasts, refreshed or not.'),
}
const session = object(
  [
    'sid',
    'application',
    'client_id',
    'flow',
    'state',
    'scopes',
    'audiences',
    'created_at',
    'started_from',
    'refreshes',
  ],
  {
    sid: text,
    application: text,
    client_id: text,
    sub: text,
    name: text,
    email: text,
    flow: { type: 'string', enum: ['device', 'code'] },
    state: { type: 'string', enum: ['pending', 'approved', 'denied', 'active', 'expired', 'revoked'] },
    scopes: texts,
    audiences: texts,
    created_at: time,
    started_from: { ...text, description: 'The address.' },
    refreshes: { type: 'integer', minimum: 0 },
    last_refreshed_at: time,
    expires_at: time,
    absolute_expires_at: time,
    revoked_at: time,
    revoked_reason: text,
    revoked_by: { ...text, description: 'ARN of the operator.' },
    revoked_note: text,
  },
)

const wholeToken = {
  access_token: 'eyJhbGciOiJFUzI1NiIsInR5cCI6ImF0K2p3dCIsImtpZCI6ImsxIn0.eyJzdWIiOiJhZGEifQ.c2lnbmF0dXJl',
  token_type: 'Bearer',
  expires_in: 300,
  scope: 'openid offline_access',
  refresh_token: 'rt_example',
  refresh_token_timeout: 2_592_000,
  authorization_expires_in: 31_536_000,
  refresh_token_grace: 0,
}
const oneSession = {
  sid: 'hyW6qxvrHqKDPyzL4DWXSg',
  application: 'demo',
  client_id: 'cli',
  sub: 'ada',
  flow: 'device',
  state: 'active',
  scopes: ['openid', 'offline_access'],
  audiences: ['https://api.example.test'],
  created_at: '2026-01-15T12:00:00.000Z',
  started_from: '192.0.2.7',
  refreshes: 1,
  expires_at: '2026-02-14T12:00:00.000Z',
}

/** With an example for each. */
const bodies = {
  Tokens: {
    schema: object(['access_token', 'token_type', 'expires_in'], {
      access_token: { ...text, description: 'A JWT as RFC 9068 says, or the token of the identity provider.' },
      token_type: { type: 'string', enum: ['Bearer'] },
      expires_in: seconds('How long the access token lasts.'),
      scope: text,
      refresh_token: { ...text, description: 'With the scope `offline_access`. Keep it in place of the former one.' },
      ...lifetimes,
      refresh_token_grace: seconds('How long after its use this refresh token still gets the same answer.'),
      id_token: { ...text, description: 'With the scope `openid`.' },
      issued_token_type: { ...text, description: 'At a token exchange (RFC 8693 §2.2.1).' },
    }),
    example: wholeToken,
  },
  DeviceAuthorization: {
    schema: object(['device_code', 'user_code', 'verification_uri', 'expires_in', 'interval'], {
      device_code: text,
      user_code: text,
      verification_uri: uri,
      verification_uri_complete: uri,
      expires_in: seconds('How long both codes last.'),
      interval: seconds('The pause between two polls.'),
    }),
    example: {
      device_code: 'dc_example',
      user_code: 'WDJB-MJHT',
      verification_uri: 'https://auth.example.com/demo/activate',
      verification_uri_complete: 'https://auth.example.com/demo/activate?user_code=WDJB-MJHT&proof=example',
      expires_in: 900,
      interval: 5,
    },
  },
  Revoked: { schema: object([], {}), example: {} },
  Introspection: {
    schema: object(['active'], {
      active: { type: 'boolean' },
      token_type: { type: 'string', enum: ['Bearer'] },
      iss: uri,
      sub: text,
      aud: { anyOf: [text, texts] },
      client_id: text,
      sid: text,
      scope: text,
      iat: unixTime,
      exp: unixTime,
      jti: text,
      ...lifetimes,
    }),
    example: { active: false },
  },
  Userinfo: {
    schema: {
      ...object(['sub'], { sub: text, id: text, name: text, username: text, email: text }),
      additionalProperties: true,
    },
    example: { sub: 'ada', name: 'Ada Lovelace', email: 'ada@example.com' },
  },
  Metadata: {
    schema: {
      ...object(['issuer', 'authorization_endpoint', 'token_endpoint', 'jwks_uri', 'response_types_supported'], {
        issuer: uri,
        authorization_endpoint: uri,
        token_endpoint: uri,
        device_authorization_endpoint: uri,
        revocation_endpoint: uri,
        introspection_endpoint: uri,
        userinfo_endpoint: uri,
        jwks_uri: uri,
        response_types_supported: texts,
        grant_types_supported: texts,
        scopes_supported: texts,
      }),
      additionalProperties: true,
    },
    example: {
      issuer: 'https://auth.example.com/demo',
      authorization_endpoint: 'https://auth.example.com/demo/oauth/authorize',
      token_endpoint: 'https://auth.example.com/demo/oauth/token',
      jwks_uri: 'https://auth.example.com/demo/.well-known/jwks.json',
      response_types_supported: ['code'],
    },
  },
  Keys: {
    schema: object(['keys'], {
      keys: {
        type: 'array',
        items: {
          ...object(['kty', 'kid', 'use', 'alg'], {
            kty: text,
            kid: text,
            use: { type: 'string', enum: ['sig'] },
            alg: text,
          }),
          additionalProperties: true,
        },
      },
    }),
    example: { keys: [{ kty: 'EC', kid: 'k1', use: 'sig', alg: 'ES256', crv: 'P-256', x: 'example', y: 'example' }] },
  },
  Applications: {
    schema: object(['applications'], { applications: texts }),
    example: { applications: ['demo'] },
  },
  Sessions: {
    schema: object(['sessions'], {
      sessions: { type: 'array', items: session },
      cursor: { ...text, description: 'Send it to get the next page. Absent on the last one.' },
      keeps_email: {
        type: 'boolean',
        description: '`false` if the application keeps no e-mail addresses to search by.',
      },
    }),
    example: { sessions: [oneSession] },
  },
  SessionDetails: {
    schema: object(['session', 'audit_query'], {
      session,
      audit_query: object(['log_groups', 'query', 'from'], { log_groups: texts, query: text, from: time }),
      audit_lines: { type: 'array', items: { type: 'object' }, description: 'Only on the local stack.' },
    }),
    example: {
      session: oneSession,
      audit_query: { log_groups: [], query: 'fields @timestamp, event', from: '2026-01-15T12:00:00.000Z' },
    },
  },
  EndedSession: {
    schema: object(['revoked', 'session', 'effective_at', 'access_tokens_until'], {
      revoked: { type: 'integer', enum: [0, 1], description: '0 if the session was over already.' },
      session,
      effective_at: time,
      access_tokens_until: {
        ...time,
        description: 'By then the last access token that the broker issued has expired.',
      },
    }),
    example: {
      revoked: 1,
      session: { ...oneSession, state: 'revoked', revoked_at: '2026-01-16T12:00:00.000Z', revoked_reason: 'ops' },
      effective_at: '2026-01-16T12:00:00.000Z',
      access_tokens_until: '2026-01-16T12:05:00.000Z',
    },
  },
  EndedSessions: {
    schema: object(['by', 'revoked_before', 'effective_at', 'access_tokens_until', 'complete'], {
      by: { type: 'string', enum: ['subject', 'client_id', 'application'] },
      revoked: { type: 'integer', minimum: 0, description: 'How many, for a subject.' },
      revoked_before: { ...time, description: 'Sessions that began up to this moment are over.' },
      effective_at: time,
      access_tokens_until: time,
      complete: {
        type: 'boolean',
        description:
          'With a subject, false until no sign-in that began before can still be under way: for half a minute.',
      },
      cursor: { ...text, description: 'If it is not complete: send the request again with it.' },
    }),
    example: {
      by: 'client_id',
      revoked_before: '2026-01-16T12:00:00.000Z',
      effective_at: '2026-01-16T12:00:10.000Z',
      access_tokens_until: '2026-01-16T12:05:10.000Z',
      complete: true,
    },
  },
} as const satisfies Readonly<Record<string, { schema: Schema; example: unknown }>>

export const answerSchemas = Object.fromEntries(Object.entries(bodies).map(([name, { schema }]) => [name, schema]))

/** A good answer in JSON. */
export function answer(name: keyof typeof bodies, description: string): Response {
  const { example } = bodies[name]
  const json: MediaType = {
    schema: { $ref: `#/components/schemas/${name}` },
    examples: { [name]: { value: example } },
  }
  return { description, headers: requestId, content: { 'application/json': json } }
}

/** A page. */
export function page(description: string): Response {
  return { description, headers: requestId, content: html }
}

/** A redirect. */
export function redirect(description: string): Response {
  return { description, headers: { ...requestId, Location: { $ref: '#/components/headers/Location' } } }
}
