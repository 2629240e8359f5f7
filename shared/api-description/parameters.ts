/** What each parameter means. The type holds this list against the parameters that the broker reads. */

import type { KnownName } from '../http/parameters.ts'
import type { Parameter, Schema } from './types.ts'

type Described = { readonly description: string; readonly schema?: Schema }

const described: Readonly<Record<KnownName, Described>> = {
  access_token: { description: 'The access token, in place of the Authorization header (RFC 6750 §2.2).' },
  acr_values: { description: 'Passed on to the identity provider (OIDC Core §3.1.2.1).' },
  actor_token: { description: 'Not supported: a request that has it is refused (RFC 8693 §2.1).' },
  actor_token_type: { description: 'Not supported, see `actor_token`.' },
  audience: { description: 'Another name for one `resource`.' },
  client_assertion: {
    description:
      "A JWT (RFC 7523 §2.2): for `private_key_jwt` one that the client has signed; for a client with a workload identity the token that its platform gives it, such as AWS, Kubernetes, GitHub Actions or GitLab, whose audience is the application's issuer.",
  },
  client_assertion_type: {
    description: 'Goes with `client_assertion`.',
    schema: { type: 'string', enum: ['urn:ietf:params:oauth:client-assertion-type:jwt-bearer'] },
  },
  client_id: {
    description:
      'The client. It may be left out if the client authenticates by Basic or an assertion of its own; a token of its platform needs it.',
  },
  client_secret: { description: 'The secret, for `client_secret_post` (RFC 6749 §2.3.1).' },
  code: { description: 'The authorization code. It is good once, for 60 seconds.' },
  code_challenge: { description: 'PKCE (RFC 7636 §4.2). Required for public clients.' },
  code_challenge_method: {
    description: 'Required with `code_challenge` (RFC 7636 §4.3).',
    schema: { type: 'string', enum: ['S256'] },
  },
  code_verifier: { description: 'PKCE (RFC 7636 §4.5). Required if the authorization request had a challenge.' },
  csrf: { description: "Set by the broker's own form." },
  decision: {
    description: "A person's answer on the broker's own form.",
    schema: { type: 'string', enum: ['approve', 'deny'] },
  },
  device_code: { description: 'The device code (RFC 8628 §3.4).' },
  grant_type: { description: 'The grant (RFC 6749 §4).' },
  id_token_hint: { description: 'An ID token of this issuer: only that person may sign in (OIDC Core §3.1.2.1).' },
  login_hint: { description: 'Passed on to the identity provider.' },
  max_age: {
    description: 'Seconds since the person last signed in, at most.',
    schema: text({ pattern: '^\\d{1,9}$' }),
  },
  nonce: { description: 'Repeated in the ID token.' },
  prompt: { description: '`none`, or some of `login`, `consent` and `select_account`, separated by spaces.' },
  proof: { description: 'Part of the complete link that the broker makes.' },
  redirect_uri: {
    description: 'Where the browser returns. Equal to a registered one; with loopback addresses any port.',
  },
  refresh_token: { description: 'The refresh token. It is good once; the answer brings the next one.' },
  request: { description: 'Not supported: a request that has it is refused.' },
  request_uri: { description: 'Not supported: a request that has it is refused.' },
  requested_token_type: {
    description: 'Only access tokens (RFC 8693 §2.1).',
    schema: { type: 'string', enum: ['urn:ietf:params:oauth:token-type:access_token'] },
  },
  resource: {
    description: 'The API that the token is for (RFC 8707). It may be repeated, and is one of the client’s audiences.',
    schema: { type: 'array', items: { type: 'string' } },
  },
  response_mode: {
    description: 'How the answer returns.',
    schema: { type: 'string', enum: ['query', 'form_post'], default: 'query' },
  },
  response_type: { description: 'Always `code`.', schema: { type: 'string', enum: ['code'] } },
  result: { description: 'Set by the broker: shows the result of a sign-in again.' },
  scope: { description: 'Scopes, separated by spaces (RFC 6749 §3.3).' },
  state: { description: 'Repeated in the answer (RFC 6749 §4.1.1).' },
  subject_token: { description: 'The access token of the session (RFC 8693 §2.1).' },
  subject_token_type: {
    description: 'Goes with `subject_token`.',
    schema: {
      type: 'string',
      enum: ['urn:ietf:params:oauth:token-type:access_token', 'urn:ietf:params:oauth:token-type:jwt'],
    },
  },
  token: { description: 'The token that the request is about: an access token or a refresh token.' },
  token_type_hint: { description: 'Accepted and not needed (RFC 7009 §2.1).' },
  ui_locales: { description: 'Languages of the pages, the preferred one first (OIDC Core §3.1.2.1).' },
  user_code: { description: 'The code that a person types. Case, dash and spaces do not matter.' },
}

/** A parameter in a query. */
export function inQuery(name: KnownName, isRequired = false): Parameter {
  const { description, schema = text() } = described[name]
  return { name, in: 'query', ...(isRequired && { required: true }), description, schema }
}

/** A member of a form or of a JSON object. */
export function inBody(name: KnownName): Schema {
  const { description, schema = text() } = described[name]
  return { ...schema, description }
}

function text(more: Schema = {}): Schema {
  return { type: 'string', ...more }
}
