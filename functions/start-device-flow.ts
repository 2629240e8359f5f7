/**
 * start-device-flow: a device asks for a code that its person types elsewhere (RFC 8628 §3.1).
 *
 * One conditional write: `open`; another only if the user code that was drawn is taken.
 */

import { broker, drawId } from '../shared/broker.ts'
import { hashSalt, type MacKey, mint } from '../shared/domain/credential.ts'
import { openDevice } from '../shared/domain/opening.ts'
import { deviceCodeSeconds, drawUserCode, showUserCode, sidOfUserCode } from '../shared/domain/user-code.ts'
import { grantAsked } from '../shared/http/authorization-request.ts'
import { audit, type ClientCall } from '../shared/http/call.ts'
import { OAuthError } from '../shared/http/errors.ts'
import { clientEndpoint } from '../shared/http/stack.ts'

const intervalSeconds = 5
/** Of 2.6e10 codes so many would have to be taken in a row that something else is wrong. */
const mostDraws = 5

export const handler = clientEndpoint('same-origin', async (call) => {
  const { application, client, issuer } = call
  if (!client.grants.includes('urn:ietf:params:oauth:grant-type:device_code')) {
    throw new OAuthError('unauthorized_client', 'This client is not registered for the device flow.')
  }
  const { scopes, audience } = grantAsked(client, call.parameters)
  const macKey = (await broker().keyring()).macKey(call.now)
  const { userCode, credential } = await open(call, macKey, scopes, audience)
  audit(call, 'family.opened', { sid: credential.sid, flow: 'device' })
  const shown = showUserCode(userCode)
  return {
    status: 200,
    body: {
      device_code: mint('dc', application.name, credential, macKey),
      user_code: shown,
      verification_uri: `${issuer}/activate`,
      verification_uri_complete: `${issuer}/activate?user_code=${shown}`,
      expires_in: deviceCodeSeconds,
      interval: intervalSeconds,
    },
  }
})

async function open(call: ClientCall, macKey: MacKey, scopes: readonly string[], audience: string) {
  const { application, client, ip, now } = call
  for (let draw = 0; draw < mostDraws; draw++) {
    const userCode = drawUserCode()
    const credential = {
      sid: sidOfUserCode(application.name, userCode, macKey),
      generation: 0,
      salt: drawId(),
    }
    const family = openDevice({
      sid: credential.sid,
      saltHash: hashSalt(credential.salt),
      attempt: drawId(),
      application: application.name,
      clientId: client.clientId,
      scopes,
      audience,
      startedFrom: ip,
      codeLifetimeSeconds: deviceCodeSeconds,
      intervalSeconds,
      limits: client,
      now,
    })
    if (await broker().families.open(family)) return { userCode, credential }
  }
  throw new Error('no free user code was found')
}
