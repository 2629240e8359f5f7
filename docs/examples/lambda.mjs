/**
 * A Lambda function (Node 22 or newer) that calls an API in its own name, without a secret: it shows the broker the token of
 * its role. The runtime has the SDK. docs/workloads.md says what to register, and which permission the role needs.
 */

import { GetWebIdentityTokenCommand, STSClient } from '@aws-sdk/client-sts'

const { ISSUER, CLIENT_ID, API_URL } = process.env
const sts = new STSClient({})

let accessToken
let goodUntil = 0

export async function handler() {
  const answer = await fetch(API_URL, { headers: { authorization: `Bearer ${await token()}` } })
  if (!answer.ok) throw new Error(`The API answered ${answer.status}`)
  return answer.json()
}

/** One token for as many calls as its lifetime allows. */
async function token() {
  if (Date.now() < goodUntil) return accessToken
  const { WebIdentityToken } = await sts.send(
    new GetWebIdentityTokenCommand({ Audience: [ISSUER], SigningAlgorithm: 'ES384' }),
  )
  const answer = await fetch(`${ISSUER}/oauth/token`, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'client_credentials',
      scope: 'reports:read',
      client_id: CLIENT_ID,
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: WebIdentityToken,
    }),
    signal: AbortSignal.timeout(10_000),
  })
  const body = await answer.json()
  if (!answer.ok) throw new Error(`The broker answered ${answer.status}: ${body.error}`)
  accessToken = body.access_token
  goodUntil = Date.now() + (body.expires_in - 30) * 1_000
  return accessToken
}
