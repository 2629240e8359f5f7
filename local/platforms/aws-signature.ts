/**
 * Verifies Signature Version 4
 * (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html).
 */

import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'

/** AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the commands that the local stack prints. */
const credentials = { id: 'local', secret: 'local' }

const form =
  /^AWS4-HMAC-SHA256 Credential=([^/,]+)\/(\d{8})\/([^/,]+)\/sts\/aws4_request, ?SignedHeaders=([a-z0-9;-]+), ?Signature=([0-9a-f]{64})$/

/** @returns the error code with which STS refuses the request; undefined if the signature is right */
export function signatureFault(incoming: IncomingMessage, url: URL, body: string): string | undefined {
  const { authorization = '', 'x-amz-date': date } = incoming.headers
  if (authorization === '') return 'MissingAuthenticationToken'
  const [, id, day = '', region = '', names = '', signature = ''] = form.exec(authorization) ?? []
  if (id === undefined) return 'IncompleteSignature'
  if (id !== credentials.id) return 'InvalidClientTokenId'
  const canonical = [
    incoming.method,
    url.pathname,
    [...url.searchParams]
      .map((pair) => pair.map(encodeURIComponent).join('='))
      .sort()
      .join('&'),
    ...names.split(';').map((name) => `${name}:${String(incoming.headers[name] ?? '').trim()}`),
    '',
    names,
    sha256(body),
  ].join('\n')
  const scope = `${day}/${region}/sts/aws4_request`
  const key = [day, region, 'sts', 'aws4_request'].reduce<string | Buffer>(mac, `AWS4${credentials.secret}`)
  const expected = mac(key, ['AWS4-HMAC-SHA256', String(date), scope, sha256(canonical)].join('\n'))
  return timingSafeEqual(expected, Buffer.from(signature, 'hex')) ? undefined : 'SignatureDoesNotMatch'
}

/** The region that the request is signed for. */
export function signedRegion(incoming: IncomingMessage): string {
  return form.exec(incoming.headers.authorization ?? '')?.[3] ?? ''
}

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')
const mac = (key: string | Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest()
