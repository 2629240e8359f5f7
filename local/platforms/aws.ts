/**
 * AWS: `GetWebIdentityToken` of STS for the role of one Lambda function.
 * https://docs.aws.amazon.com/STS/latest/APIReference/API_GetWebIdentityToken.html and
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_outbound_token_claims.html
 */

import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { signatureFault, signedRegion } from './aws-signature.ts'
import type { Issuer } from './issuer.ts'

const account = '123456789012'
const role = `arn:aws:iam::${account}:role/nightly-report`
const namespace = 'https://sts.amazonaws.com/doc/2011-06-15/'
const maxBodyBytes = 65_536
const maxAudiences = 10
const defaultSeconds = 300
const minSeconds = 60
const maxSeconds = 3_600

function claims(audiences: readonly string[], region: string, tags: Readonly<Record<string, string>>) {
  return {
    jti: randomUUID(),
    sub: role,
    aud: audiences.length === 1 ? audiences[0] : audiences,
    'https://sts.amazonaws.com/': {
      aws_account: account,
      source_region: region,
      principal_id: role,
      org_id: 'o-a1b2c3d4e5',
      ou_path: 'o-a1b2c3d4e5/r-ab12/ou-ab12-11111111/',
      principal_tags: { team: 'reports' },
      lambda_source_function_arn: `arn:aws:lambda:${region}:${account}:function:nightly-report`,
      ...(Object.keys(tags).length > 0 && { request_tags: tags }),
    },
  }
}

/** The query API of STS. */
export async function answer(issuer: Issuer, url: URL, incoming: IncomingMessage, outgoing: ServerResponse) {
  const body = await bodyOf(incoming)
  const fault = signatureFault(incoming, url, body)
  if (fault !== undefined) return refuse(outgoing, 403, fault)
  const form = new URLSearchParams(body)
  if (form.get('Action') !== 'GetWebIdentityToken') return refuse(outgoing, 400, 'InvalidAction')
  const audiences = listIn(form, 'Audience.member.')
  const seconds = Number(form.get('DurationSeconds') ?? defaultSeconds)
  const algorithm = form.get('SigningAlgorithm') ?? ''
  const isValid =
    audiences.length > 0 &&
    audiences.length <= maxAudiences &&
    ['RS256', 'ES384'].includes(algorithm) &&
    Number.isInteger(seconds) &&
    seconds >= minSeconds &&
    seconds <= maxSeconds
  if (!isValid) return refuse(outgoing, 400, 'ValidationError')
  const names = listIn(form, 'Tags.member.', '.Key')
  const values = listIn(form, 'Tags.member.', '.Value')
  const tags = Object.fromEntries(names.map((name, at) => [name, values[at] ?? '']))
  const token = await issuer.sign(algorithm, claims(audiences, signedRegion(incoming), tags), seconds)
  const expiration = new Date(Date.now() + seconds * 1_000).toISOString()
  send(
    outgoing,
    200,
    `<GetWebIdentityTokenResponse xmlns="${namespace}"><GetWebIdentityTokenResult><WebIdentityToken>${token}</WebIdentityToken><Expiration>${expiration}</Expiration></GetWebIdentityTokenResult><ResponseMetadata><RequestId>${randomUUID()}</RequestId></ResponseMetadata></GetWebIdentityTokenResponse>`,
  )
}

function listIn(form: URLSearchParams, before: string, after = ''): string[] {
  const values: string[] = []
  for (let at = 1; ; at += 1) {
    const value = form.get(`${before}${at}${after}`)
    if (!value) return values
    values.push(value)
  }
}

function refuse(outgoing: ServerResponse, status: number, code: string): void {
  send(
    outgoing,
    status,
    `<ErrorResponse xmlns="${namespace}"><Error><Type>Sender</Type><Code>${code}</Code><Message>The stand-in for STS refuses this request.</Message></Error><RequestId>${randomUUID()}</RequestId></ErrorResponse>`,
  )
}

function send(outgoing: ServerResponse, status: number, xml: string): void {
  outgoing.writeHead(status, { 'content-type': 'text/xml' }).end(xml)
}

/** Reads `maxBodyBytes` at most. A longer body is cut, so its signature does not match. */
async function bodyOf(incoming: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes <= maxBodyBytes) chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}
