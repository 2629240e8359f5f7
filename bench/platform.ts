/**
 * A platform that gives tokens to workloads: it serves its metadata and key, counts those requests, and issues one token.
 */

import { createServer } from 'node:http'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { listen, loopback } from '../local/ports.ts'
import type { WorkloadIdentity } from '../shared/domain/registration.ts'
import { closeServer, createCounter } from './counted-server.ts'

export type Platform = {
  readonly identity: WorkloadIdentity
  /** Valid for an hour, longer than any run. */
  readonly token: string
  /** Returns the number of requests for metadata and keys since the last call. */
  takeCount(): number
  close(): Promise<void>
}

/** Each server of the bench has its own issuer, so the token's audience is another, registered one. */
const audience = 'https://broker.example'
const subject = 'arn:aws:iam::123456789012:role/nightly'
/** The algorithm that AWS recommends, and the slowest to verify. */
const alg = 'ES384'

export async function startPlatform(): Promise<Platform> {
  const { privateKey, publicKey } = await generateKeyPair(alg)
  const jwk = { ...(await exportJWK(publicKey)), kid: 'one', use: 'sig' }
  const counter = createCounter()
  let issuer = ''
  const server = createServer((incoming, outgoing) => {
    counter.add()
    const body = incoming.url === '/keys' ? { keys: [jwk] } : { issuer, jwks_uri: `${issuer}/keys` }
    outgoing.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  })
  issuer = `http://${loopback}:${await listen(server, 0, 'PORT')}`
  const token = await new SignJWT({ iss: issuer, aud: audience, sub: subject })
    .setProtectedHeader({ alg, kid: 'one', typ: 'JWT' })
    .setIssuedAt()
    .setExpirationTime('1 h')
    .sign(privateKey)
  return {
    identity: { issuer, audience, subject },
    token,
    takeCount: counter.take,
    close: () => closeServer(server),
  }
}
