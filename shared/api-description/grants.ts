/** The grants, and the body of a request to a token endpoint. The type holds this list against the grants of clients. */

import type { GrantType } from '../domain/registration.ts'
import type { JsonErrorCode } from '../http/errors.ts'
import type { KnownName } from '../http/parameters.ts'
import { inBody } from './parameters.ts'
import type { Content, Example, Schema } from './types.ts'

type Described = {
  readonly summary: string
  readonly required: readonly KnownName[]
  readonly optional: readonly KnownName[]
  readonly errors: readonly JsonErrorCode[]
  /** By a client of the local stack. One that uses Basic is not in the body. */
  readonly example: Readonly<Partial<Record<KnownName, string>>>
}

const accessTokenType = 'urn:ietf:params:oauth:token-type:access_token'

export const grants: Readonly<Record<GrantType, Described>> = {
  'urn:ietf:params:oauth:grant-type:device_code': {
    summary: 'Poll for the tokens of a device (RFC 8628 §3.4)',
    required: ['device_code'],
    optional: ['resource', 'audience'],
    errors: ['invalid_grant', 'authorization_pending', 'slow_down', 'access_denied', 'expired_token'],
    example: { client_id: 'cli', device_code: 'dc_example' },
  },
  authorization_code: {
    summary: 'Exchange an authorization code (RFC 6749 §4.1.3)',
    required: ['code', 'redirect_uri'],
    optional: ['code_verifier', 'resource', 'audience'],
    errors: ['invalid_grant'],
    example: {
      client_id: 'web',
      client_secret: 'web-secret',
      code: 'ac_example',
      redirect_uri: 'http://127.0.0.1:9999/cb',
    },
  },
  refresh_token: {
    summary: 'Refresh: the next access token and the next refresh token (RFC 6749 §6)',
    required: ['refresh_token'],
    optional: ['scope', 'resource', 'audience'],
    errors: ['invalid_grant'],
    example: { client_id: 'cli', refresh_token: 'rt_example' },
  },
  client_credentials: {
    summary: 'A token for the client itself (RFC 6749 §4.4)',
    required: [],
    optional: ['scope', 'resource', 'audience'],
    errors: [],
    example: { scope: 'reports:read' },
  },
  'urn:ietf:params:oauth:grant-type:token-exchange': {
    summary: "A worker gets the provider's access token of a session (RFC 8693)",
    required: ['subject_token', 'subject_token_type'],
    optional: ['requested_token_type', 'actor_token', 'actor_token_type', 'scope', 'resource', 'audience'],
    errors: ['invalid_grant'],
    example: { subject_token: 'eyJhbGciOiJFUzI1NiJ9.e30.c2lnbmF0dXJl', subject_token_type: accessTokenType },
  },
}

/** By which a client says and proves who it is, unless it uses Basic. */
export const clientParameters: readonly KnownName[] = [
  'client_id',
  'client_secret',
  'client_assertion',
  'client_assertion_type',
]

/** The body of a request for one of these grants. */
export function grantContent(types: readonly GrantType[]): Content {
  const [only, ...others] = types
  const required = only !== undefined && others.length === 0 ? grants[only].required : []
  const names = new Set(types.flatMap((type) => [...grants[type].required, ...grants[type].optional]))
  const grantType = { ...inBody('grant_type'), enum: types, ...(others.length === 0 && { default: only }) }
  const properties = { grant_type: grantType, ...membersOf([...names, ...clientParameters]) }
  const examples = types.map((type): [string, Example] => [
    type.replace(/^.*:/, ''),
    { summary: grants[type].summary, value: { grant_type: type, ...grants[type].example } },
  ])
  return formAndJson(
    { type: 'object', required: ['grant_type', ...required], properties },
    Object.fromEntries(examples),
  )
}

/** A body with these members. */
export function bodyContent(
  required: readonly KnownName[],
  optional: readonly KnownName[],
  example: Readonly<Partial<Record<KnownName, string>>>,
): Content {
  const properties = membersOf([...required, ...optional])
  const schema = { type: 'object', ...(required.length > 0 && { required }), properties }
  return formAndJson(schema, { request: { value: example } })
}

/** For each grant, what it needs. */
export function grantList(types: readonly GrantType[]): string {
  return types.map(listed).join('\n')
}

function listed(type: GrantType): string {
  const { summary, required, optional } = grants[type]
  const needs = required.length > 0 ? `; required: ${coded(required)}` : ''
  return `- \`${type}\`: ${summary}${needs}; optional: ${coded(optional)}`
}

function coded(names: readonly string[]): string {
  return names.map((name) => `\`${name}\``).join(', ')
}

function membersOf(names: readonly KnownName[]): Schema {
  return Object.fromEntries([...new Set(names)].map((name) => [name, inBody(name)]))
}

function formAndJson(schema: Schema, examples: Readonly<Record<string, Example>>): Content {
  return { 'application/x-www-form-urlencoded': { schema, examples }, 'application/json': { schema, examples } }
}
