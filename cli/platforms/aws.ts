/**
 * The token of an AWS role or user: `GetWebIdentityToken` of STS, signed with the credentials that the AWS tools would use.
 * https://docs.aws.amazon.com/STS/latest/APIReference/API_GetWebIdentityToken.html
 */

import { askAws } from '../aws.ts'
import { exitCodes, OutOfReach, Problem } from '../problem.ts'
import { plain } from '../terminal.ts'
import { withRetries } from './retries.ts'

const sts = { name: 'sts', title: 'STS', endpointVariable: 'AWS_ENDPOINT_URL_STS' } as const
const answerWithinMs = 5_000
/** Short, but with room for clock skew and retries. */
const lifetimeSeconds = 300

export async function token(audience: string): Promise<string> {
  // The global endpoint of STS does not offer this action.
  const region = process.env.AWS_REGION || process.env.AWS_DEFAULT_REGION
  if (!region) {
    throw new Problem(
      'AWS_REGION is not set, so the endpoint of STS is not known.',
      exitCodes.failed,
      'Set AWS_REGION.',
    )
  }
  return withRetries(() => ask(audience, region))
}

export function audienceHint(audience: string): string {
  return `STS ignored the audience ${audience}. Check AWS_ENDPOINT_URL_STS.`
}

async function ask(audience: string, region: string): Promise<string> {
  const form = new URLSearchParams({
    Action: 'GetWebIdentityToken',
    Version: '2011-06-15',
    'Audience.member.1': audience,
    SigningAlgorithm: 'ES384',
    DurationSeconds: String(lifetimeSeconds),
  })
  const { status, text } = await askAws(sts, {
    method: 'POST',
    path: '/',
    region,
    timeoutMs: answerWithinMs,
    body: form.toString(),
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    hint: 'A function in a VPC needs an interface endpoint for STS, or a route to the internet.',
  })
  const answer = member(text, 'WebIdentityToken')
  if (status === 200 && answer !== undefined) return answer
  // Do not print the message: for a wrong signature it contains the headers of the request.
  const code = member(text, 'Code') ?? `status ${status}`
  const message = `STS gave no token: ${plain(code)}.`
  if (status >= 500 || code.startsWith('Throttling')) throw new OutOfReach(message, 'Try again later.')
  throw new Problem(message, exitCodes.failed, hintFor(code, audience))
}

function hintFor(code: string, audience: string): string | undefined {
  if (code.startsWith('OutboundWebIdentityFederationDisabled')) {
    return 'Enable it once for the account: aws iam enable-outbound-web-identity-federation'
  }
  if (code === 'AccessDenied' || code === 'AccessDeniedException') {
    return `The role needs this permission:
  { "Effect": "Allow", "Action": "sts:GetWebIdentityToken", "Resource": "*",
    "Condition": { "ForAllValues:StringEquals": { "sts:IdentityTokenAudience": "${audience}" },
                   "Null": { "sts:IdentityTokenAudience": "false" } } }`
  }
  if (code.startsWith('ExpiredToken')) return 'The AWS credentials have expired. Get new ones.'
  if (code === 'InvalidClientTokenId' || code === 'SignatureDoesNotMatch') {
    return 'AWS does not accept these credentials. Check the AWS profile, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.'
  }
  if (code.startsWith('SessionDurationEscalation')) {
    return `The AWS credentials end within ${lifetimeSeconds} seconds. Get new ones.`
  }
  return undefined
}

/** The answer is XML. The values that are read here have no characters that XML would escape. */
function member(xml: string, name: string): string | undefined {
  return new RegExp(`<${name}>([^<>&]+)</${name}>`).exec(xml)?.[1]?.trim()
}
