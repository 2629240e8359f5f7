/** start-device-flow: issues a device code and a user code (RFC 8628 §3.1, §3.2). */

import { type Credential, hashSalt, mint } from '../shared/domain/credential.ts'
import { createDeviceFamily, type NewDeviceFamily } from '../shared/domain/new-family.ts'
import { deviceCodeSeconds, formatUserCode, generateUserCode, sidOfUserCode } from '../shared/domain/user-code.ts'
import { type ClientCall, conclude } from '../shared/http/call.ts'
import { OAuthError } from '../shared/http/errors.ts'
import { grantRequested, type Requested } from '../shared/http/requested.ts'
import { clientEndpoint } from '../shared/http/stack.ts'
import { randomId } from '../shared/random.ts'
import { activateUrl, completeUrl } from '../shared/sign-in/device-link.ts'

const intervalSeconds = 5
/** There are 2.6e10 user codes. Five taken ones in a row mean that something else is wrong. */
const maxTries = 5

export const handler = clientEndpoint('same-origin', async (call) => {
  if (!call.client.grants.includes('urn:ietf:params:oauth:grant-type:device_code')) {
    throw new OAuthError('unauthorized_client', 'This client is not registered for the device flow.')
  }
  const requested = grantRequested(call.client, call.parameters)
  const isUpstream = call.application.provider.deviceLogin === 'upstream'
  const started = isUpstream ? await startUpstreamFlow(call, requested) : await startOwnFlow(call, requested)
  const { credential, response } = started
  const macKey = (await call.parts.keyring()).macKey(call.now)
  conclude(call, 'session.opened', { sid: credential.sid, flow: 'device' })
  return { status: 200, body: { device_code: mint('dc', call.application.name, credential, macKey), ...response } }
})

type StartedFlow = { readonly credential: Credential; readonly response: Response }
/** RFC 8628 §3.2, without the device code. */
type Response = {
  readonly user_code: string
  readonly verification_uri: string
  readonly verification_uri_complete?: string
  readonly expires_in: number
  readonly interval: number
}

/** The broker makes the user code. The family's sid is derived from it, so no index is needed to find the family. */
async function startOwnFlow(call: ClientCall, requested: Requested): Promise<StartedFlow> {
  const { application, now } = call
  const macKey = (await call.parts.keyring()).macKey(now)
  for (let tries = 0; tries < maxTries; tries++) {
    const userCode = generateUserCode()
    const credential = { sid: sidOfUserCode(application.name, userCode, macKey), generation: 0, salt: randomId() }
    const deviceCode = { codeLifetimeSeconds: deviceCodeSeconds, intervalSeconds }
    if (!(await createFamily(call, requested, credential, deviceCode))) continue
    const response = {
      user_code: formatUserCode(userCode),
      verification_uri: activateUrl(call),
      verification_uri_complete: await completeUrl(call, userCode),
      expires_in: deviceCodeSeconds,
      interval: intervalSeconds,
    }
    return { credential, response }
  }
  throw new Error('no free user code was found')
}

/** The provider makes the user code, and people enter it there. The family keeps the provider's device code, sealed. */
async function startUpstreamFlow(call: ClientCall, requested: Requested): Promise<StartedFlow> {
  const credential = { sid: randomId(), generation: 0, salt: randomId() }
  // Loaded on demand, because the provider code is large.
  const { startDeviceLogin } = await import('../shared/grants/provider-device-login.ts')
  const login = await startDeviceLogin(call, credential.sid)
  const { expiresInSeconds, intervalSeconds, sealed } = login
  const deviceCode = { codeLifetimeSeconds: expiresInSeconds, intervalSeconds, deviceLogin: sealed }
  if (!(await createFamily(call, requested, credential, deviceCode))) throw new Error('a fresh sid was taken')
  const response = {
    user_code: login.userCode,
    verification_uri: login.verificationUri,
    ...(login.verificationUriComplete !== undefined && { verification_uri_complete: login.verificationUriComplete }),
    expires_in: expiresInSeconds,
    interval: intervalSeconds,
  }
  return { credential, response }
}

/** @returns false if the sid is taken */
function createFamily(
  call: ClientCall,
  requested: Requested,
  { sid, salt }: Credential,
  deviceCode: Pick<NewDeviceFamily, 'codeLifetimeSeconds' | 'intervalSeconds' | 'deviceLogin'>,
): Promise<boolean> {
  const { application, client, ip, now } = call
  return call.parts.families.create(
    createDeviceFamily({
      sid,
      saltHash: hashSalt(salt),
      writeId: randomId(),
      application: application.name,
      clientId: client.clientId,
      ...requested,
      ...deviceCode,
      startedFrom: ip,
      limits: client,
      now,
    }),
  )
}
