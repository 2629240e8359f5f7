/**
 * Client authentication (RFC 6749 §2.3).
 *
 * A client may use only its registered method. An unknown client and a wrong secret get the same answer.
 */

import { issuerOf } from '../domain/client-assertion.ts'
import type { Client, ClientAuthMethod } from '../domain/registration.ts'
import { hashSecret, isSameSecret } from '../domain/secret.ts'
import { OAuthError } from './errors.ts'
import type { Parameters } from './parameters.ts'

/** One reading of what was sent. Basic has two: encoded as RFC 6749 §2.3.1 says, and raw as many clients send it. */
type Claim = { readonly clientId: string; readonly proof: string | undefined }
/** An assertion that goes with a client_id may be the client's own or its platform's: the registration says which. */
type Claims = { readonly method: ClientAuthMethod | 'assertion'; readonly readings: readonly Claim[] }

export type Registered = {
  /** The registration of a client of this application. */
  readonly find: (clientId: string) => Promise<Client | undefined>
  /** What is wrong with an assertion of this client; undefined: it proves the client, and is recorded if it is for single use. */
  readonly assertionFault: (client: Client, assertion: string) => Promise<string | undefined>
}

/** @throws {OAuthError} invalid_client, or invalid_request when two methods were used at once */
export async function authenticateClient(
  authorization: string | undefined,
  parameters: Parameters,
  registered: Registered,
): Promise<Client> {
  const claims = claimsIn(authorization, parameters)
  let failed: { client: Client | undefined; reason: string } | undefined
  for (const { clientId, proof = '' } of claims?.readings ?? []) {
    const client = await registered.find(clientId)
    const reason = await faultOf(claims!.method, proof, client, registered)
    if (client !== undefined && reason === undefined) return client
    if (failed?.client === undefined) failed = { client, reason: reason! }
  }
  throw invalidClient(authorization, 'Client authentication failed.', failed?.reason ?? 'no client', failed?.client)
}

/** @returns for the operator's log what is wrong; undefined: the client is proven */
async function faultOf(
  method: Claims['method'],
  proof: string,
  client: Client | undefined,
  { assertionFault }: Registered,
): Promise<string | undefined> {
  // The hash is compared even for a client that is not there, so that time tells nothing.
  const provesKnowledge = method === 'none' || provesSecret(proof, client?.secretHashes ?? [])
  if (client === undefined) return 'unknown client'
  const isAsserting = client.auth === 'private_key_jwt' || client.auth === 'workload_identity'
  if (client.auth !== method && !(method === 'assertion' && isAsserting)) return 'not its method'
  if (isAsserting) return assertionFault(client, proof)
  return provesKnowledge ? undefined : 'wrong secret'
}

/**
 * RFC 6749 §5.2: a client that tried the Authorization header is told the scheme.
 *
 * @param reason for the operator's log, as is the client. What was given for an id is logged only if it is one: a secret in
 * its place would be in the log otherwise
 */
export function invalidClient(
  authorization: string | undefined,
  description: string,
  reason: string,
  client?: Client,
): OAuthError {
  return new OAuthError('invalid_client', description, {
    status: 401,
    headers: authorization === undefined ? {} : { 'www-authenticate': 'Basic realm="token-broker", charset="UTF-8"' },
    reason,
    clientId: client?.clientId,
  })
}

function claimsIn(authorization: string | undefined, parameters: Parameters): Claims | undefined {
  const clientId = parameters.optional('client_id')
  const secret = parameters.optional('client_secret')
  const assertion = parameters.optional('client_assertion')
  // RFC 6749 §2.3: not more than one method in each request.
  if ([authorization, secret, assertion].filter((proof) => proof !== undefined).length > 1)
    throw new OAuthError('invalid_request', 'Two client authentication methods were used at once.')
  if (assertion !== undefined || parameters.optional('client_assertion_type') !== undefined) {
    return claimsInAssertion(parameters)
  }
  if (authorization === undefined) {
    if (clientId === undefined) return undefined
    return { method: secret === undefined ? 'none' : 'client_secret_post', readings: [{ clientId, proof: secret }] }
  }
  const readings = readBasic(authorization)
  if (readings === undefined) return undefined
  const named = readings.filter((reading) => clientId === undefined || reading.clientId === clientId)
  if (named.length === 0) throw new OAuthError('invalid_request', 'client_id differs from the Authorization header.')
  // A public client naming itself by Basic has no password to send.
  return { method: named.every(({ proof }) => proof === '') ? 'none' : 'client_secret_basic', readings: named }
}

/**
 * RFC 7521 §4.2. Without a client_id only an assertion of the client's own names the client, as its issuer. The issuer of a
 * platform's token is the platform.
 *
 * @returns undefined when it is of another type, or names no client
 */
function claimsInAssertion(parameters: Parameters): Claims | undefined {
  const proof = parameters.required('client_assertion')
  const type = parameters.required('client_assertion_type')
  if (type !== 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer') return undefined
  const named = parameters.optional('client_id')
  if (named !== undefined) return { method: 'assertion', readings: [{ clientId: named, proof }] }
  const clientId = issuerOf(proof)
  return clientId === undefined ? undefined : { method: 'private_key_jwt', readings: [{ clientId, proof }] }
}

/** RFC 7617 §2 and RFC 6749 App. B. @returns undefined when it is not Basic, or malformed */
function readBasic(authorization: string): readonly (Claim & { readonly proof: string })[] | undefined {
  const [, encoded] = /^basic +([A-Za-z0-9+/_-]+=*)\s*$/i.exec(authorization) ?? []
  if (encoded === undefined) return undefined
  const text = Buffer.from(encoded, 'base64').toString('utf8')
  const colon = text.indexOf(':')
  if (colon < 1) return undefined
  const raw = { clientId: text.slice(0, colon), proof: text.slice(colon + 1) }
  const decoded = { clientId: formDecode(raw.clientId), proof: formDecode(raw.proof) }
  if (decoded.clientId === undefined || decoded.proof === undefined) return [raw]
  const same = decoded.clientId === raw.clientId && decoded.proof === raw.proof
  return same ? [raw] : [decoded as { clientId: string; proof: string }, raw]
}

function formDecode(text: string): string | undefined {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    return undefined
  }
}

const nobodysHash = hashSecret('')

function provesSecret(secret: string, hashes: readonly string[]): boolean {
  const presented = hashSecret(secret)
  // Each is compared, whichever fits; at least one comparison is made.
  const fits = (hashes.length > 0 ? hashes : [nobodysHash]).map((hash) => isSameSecret(presented, hash))
  return hashes.length > 0 && fits.includes(true)
}
