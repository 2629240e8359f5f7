/**
 * Who the client is, and whether it proves it (RFC 6749 §2.3).
 *
 * Owns the methods and their refusals. A client uses the method it is registered for and no other. An unknown client and
 * a wrong secret are answered alike; that a registration is at hand may still show in the time, and ids are no secrets.
 */

import { createHash, timingSafeEqual } from 'node:crypto'
import type { Client, ClientAuthMethod } from '../domain/registration.ts'
import { OAuthError } from './errors.ts'
import type { Parameters } from './parameters.ts'

/** One reading of what was sent. Basic has two: encoded as RFC 6749 §2.3.1 says, and raw as many clients send it. */
type Claim = { readonly clientId: string; readonly secret: string | undefined }
type Claims = { readonly method: ClientAuthMethod; readonly readings: readonly Claim[] }

/**
 * @param find the registration of a client of this application
 * @throws {OAuthError} invalid_client, or invalid_request when two methods were used at once
 */
export async function authenticateClient(
  authorization: string | undefined,
  parameters: Parameters,
  find: (clientId: string) => Promise<Client | undefined>,
): Promise<Client> {
  const claims = claimsIn(authorization, parameters)
  for (const { clientId, secret } of claims?.readings ?? []) {
    const client = await find(clientId)
    // The hash is compared even for a client that is not there, so that time tells nothing.
    const proven = claims!.method === 'none' || provesSecret(secret ?? '', client?.secretHashes ?? [])
    if (client !== undefined && client.auth === claims!.method && proven) return client
  }
  throw invalidClient(authorization, 'Client authentication failed.')
}

/** RFC 6749 §5.2: a client that tried the Authorization header is told the scheme. */
export function invalidClient(authorization: string | undefined, description: string, reason?: string): OAuthError {
  return new OAuthError('invalid_client', description, {
    status: 401,
    headers: authorization === undefined ? {} : { 'www-authenticate': 'Basic realm="token-broker", charset="UTF-8"' },
    ...(reason !== undefined && { reason }),
  })
}

/** What the table keeps of a secret. Secrets are drawn, not thought up, so a fast hash is enough. */
export function hashSecret(secret: string): string {
  return createHash('sha256').update(secret).digest('base64url')
}

function claimsIn(authorization: string | undefined, parameters: Parameters): Claims | undefined {
  const clientId = parameters.optional('client_id')
  const secret = parameters.optional('client_secret')
  if (authorization === undefined) {
    if (clientId === undefined) return undefined
    return { method: secret === undefined ? 'none' : 'client_secret_post', readings: [{ clientId, secret }] }
  }
  // RFC 6749 §2.3: not more than one method in each request.
  if (secret !== undefined)
    throw new OAuthError('invalid_request', 'Two client authentication methods were used at once.')
  const readings = readBasic(authorization)
  if (readings === undefined) return undefined
  const named = readings.filter((reading) => clientId === undefined || reading.clientId === clientId)
  if (named.length === 0) throw new OAuthError('invalid_request', 'client_id differs from the Authorization header.')
  // A public client naming itself by Basic has no password to send.
  return { method: named.every((reading) => reading.secret === '') ? 'none' : 'client_secret_basic', readings: named }
}

/** RFC 7617 §2 and RFC 6749 App. B. @returns undefined when it is not Basic, or malformed */
function readBasic(authorization: string): readonly { clientId: string; secret: string }[] | undefined {
  const [, encoded] = /^basic +([A-Za-z0-9+/_-]+=*)\s*$/i.exec(authorization) ?? []
  if (encoded === undefined) return undefined
  const text = Buffer.from(encoded, 'base64').toString('utf8')
  const colon = text.indexOf(':')
  if (colon < 1) return undefined
  const raw = { clientId: text.slice(0, colon), secret: text.slice(colon + 1) }
  const decoded = { clientId: formDecode(raw.clientId), secret: formDecode(raw.secret) }
  if (decoded.clientId === undefined || decoded.secret === undefined) return [raw]
  const same = decoded.clientId === raw.clientId && decoded.secret === raw.secret
  return same ? [raw] : [decoded as { clientId: string; secret: string }, raw]
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
  const presented = Buffer.from(hashSecret(secret))
  // Each is compared, whichever fits; at least one comparison is made.
  const fits = (hashes.length > 0 ? hashes : [nobodysHash]).map((hash) => {
    const expected = Buffer.from(hash)
    return expected.length === presented.length && timingSafeEqual(expected, presented)
  })
  return hashes.length > 0 && fits.includes(true)
}
