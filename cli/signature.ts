/** Signs requests with Signature Version 4 and the credentials that the AWS tools would use. */

import { defaultProvider } from '@aws-sdk/credential-provider-node'
import { Hash } from '@smithy/core/serde'
import { SignatureV4 } from '@smithy/signature-v4'
import { Problem, reasonOf } from './problem.ts'

export type Unsigned = {
  readonly method: string
  readonly url: URL
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** @returns the headers to send @throws {Problem} when there are no credentials */
export async function signed(
  { method, url, headers, body }: Unsigned,
  service: string,
  region: string,
): Promise<Record<string, string>> {
  const signer = new SignatureV4({
    service,
    region,
    credentials: await credentials(),
    sha256: Hash.bind(null, 'sha256'),
  })
  const { headers: withSignature } = await signer.sign({
    method,
    protocol: url.protocol,
    hostname: url.hostname,
    path: url.pathname,
    query: Object.fromEntries(url.searchParams),
    headers: { ...headers, host: url.host },
    body,
  })
  // `fetch` sets the host header itself.
  const { host: _, ...rest } = withSignature
  return rest
}

/** Not a secret: CloudTrail shows it too. */
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
      'Run `aws configure` or `aws sso login`, or set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.',
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
