/**
 * Requests signed for AWS (Signature Version 4), with the credentials that the AWS tools would take.
 *
 * Owns the signature and where the credentials come from. Must not know what is asked for.
 */

import { createHash, createHmac, type Hash, type Hmac } from 'node:crypto'
import { defaultProvider } from '@aws-sdk/credential-provider-node'
import { SignatureV4 } from '@smithy/signature-v4'
import { Problem, reasonOf } from './problem.ts'

export type Unsigned = {
  readonly method: string
  readonly url: URL
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** What the signature needs of a hash: plain with no secret, keyed with one. */
class Sha256 {
  #hash: Hash | Hmac
  readonly #secret: Uint8Array | string | undefined
  constructor(secret?: Uint8Array | ArrayBuffer | ArrayBufferView | string) {
    this.#secret = secret as Uint8Array | string | undefined
    this.#hash = this.#begin()
  }
  #begin() {
    return this.#secret === undefined ? createHash('sha256') : createHmac('sha256', this.#secret)
  }
  update(data: Uint8Array | string): void {
    this.#hash.update(data)
  }
  async digest(): Promise<Uint8Array> {
    return this.#hash.digest()
  }
  reset(): void {
    this.#hash = this.#begin()
  }
}

/** @returns the headers to send @throws {Problem} when there are no credentials */
export async function signed(
  { method, url, headers, body }: Unsigned,
  service: string,
  region: string,
): Promise<Record<string, string>> {
  const signer = new SignatureV4({ service, region, credentials: await credentials(), sha256: Sha256 })
  const { headers: withSignature } = await signer.sign({
    method,
    protocol: url.protocol,
    hostname: url.hostname,
    path: url.pathname,
    query: Object.fromEntries(url.searchParams),
    headers: { ...headers, host: url.host },
    body,
  })
  // The host is the connection's own to say.
  const { host: _, ...rest } = withSignature
  return rest
}

/** Not a secret: AWS's logs name it too. */
export async function accessKeyId(): Promise<string> {
  return (await credentials()).accessKeyId
}

async function credentials() {
  try {
    return await defaultProvider()()
  } catch (error) {
    throw new Problem(
      `There are no AWS credentials to sign with (${reasonOf(error)}).`,
      undefined,
      'aws configure, aws sso login, AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY',
    )
  }
}

/** @throws {Problem} */
export function regionFor(url: URL, given: string | undefined): string {
  const [, ofHost] = /\.([a-z]{2}(?:-[a-z]+)+-\d+)\.amazonaws\.com(?:\.cn)?$/.exec(url.hostname) ?? []
  const region = given || ofHost || process.env.AWS_REGION || process.env.AWS_DEFAULT_REGION
  if (!region) throw new Problem('Pass --region or set AWS_REGION to say which region the broker is in.')
  return region
}
