/**
 * start-device-flow: a device asks for a code that its person types elsewhere (RFC 8628 §3.1).
 *
 * One conditional write: `open`; another only if the user code that was drawn is taken. Where people go through the
 * provider's own device flow, that is started first, and its user code is handed on.
 */

import { type Credential, hashSalt, mint } from '../shared/domain/credential.ts'
import { createDeviceFamily, type NewDeviceFamily } from '../shared/domain/new-family.ts'
import { deviceCodeSeconds, drawUserCode, showUserCode, sidOfUserCode } from '../shared/domain/user-code.ts'
import { type ClientCall, conclude } from '../shared/http/call.ts'
import { OAuthError } from '../shared/http/errors.ts'
import { grantRequested } from '../shared/http/requested.ts'
import { clientEndpoint } from '../shared/http/stack.ts'
import { randomId } from '../shared/random.ts'
import { activateUrl, completeUrl } from '../shared/sign-in/device-link.ts'

const intervalSeconds = 5
/** Of 2.6e10 codes so many would have to be taken in a row that something else is wrong. */
const maxDraws = 5

export const handler = clientEndpoint('same-origin', async (call) => {
  if (!call.client.grants.includes('urn:ietf:params:oauth:grant-type:device_code')) {
    throw new OAuthError('unauthorized_client', 'This client is not registered for the device flow.')
  }
  const asked = grantRequested(call.client, call.parameters)
  const isUpstream = call.application.provider.deviceLogin === 'upstream'
  const { credential, shown } = isUpstream ? await openUpstream(call, asked) : await openOwn(call, asked)
  const macKey = (await call.parts.keyring()).macKey(call.now)
  conclude(call, 'session.opened', { sid: credential.sid, flow: 'device' })
  return { status: 200, body: { device_code: mint('dc', call.application.name, credential, macKey), ...shown } }
})

type Asked = ReturnType<typeof grantRequested>
/** RFC 8628 §3.2, all but the device code. */
type Shown = {
  readonly user_code: string
  readonly verification_uri: string
  readonly verification_uri_complete?: string
  readonly expires_in: number
  readonly interval: number
}
type Opened = { readonly credential: Credential; readonly shown: Shown }

/** A user code of ours, which leads to the family by itself. */
async function openOwn(call: ClientCall, asked: Asked): Promise<Opened> {
  const { application, now } = call
  const macKey = (await call.parts.keyring()).macKey(now)
  for (let draw = 0; draw < maxDraws; draw++) {
    const userCode = drawUserCode()
    const credential = { sid: sidOfUserCode(application.name, userCode, macKey), generation: 0, salt: randomId() }
    const waiting = { codeLifetimeSeconds: deviceCodeSeconds, intervalSeconds }
    if (!(await open(call, asked, credential, waiting))) continue
    const user_code = showUserCode(userCode)
    const shown = {
      user_code,
      verification_uri: activateUrl(call),
      verification_uri_complete: await completeUrl(call, userCode),
      expires_in: deviceCodeSeconds,
      interval: intervalSeconds,
    }
    return { credential, shown }
  }
  throw new Error('no free user code was found')
}

/** The provider's user code, entered at the provider; its device code stays with the family, sealed. */
async function openUpstream(call: ClientCall, asked: Asked): Promise<Opened> {
  const credential = { sid: randomId(), generation: 0, salt: randomId() }
  // Loaded when it is needed: the providers are heavy.
  const { startDeviceLogin } = await import('../shared/grants/provider-device-login.ts')
  const started = await startDeviceLogin(call, credential.sid)
  const { expiresInSeconds, intervalSeconds, sealed } = started
  const waiting = { codeLifetimeSeconds: expiresInSeconds, intervalSeconds, deviceLogin: sealed }
  if (!(await open(call, asked, credential, waiting))) throw new Error('a fresh sid was taken')
  const shown = {
    user_code: started.userCode,
    verification_uri: started.verificationUri,
    ...(started.verificationUriComplete !== undefined && {
      verification_uri_complete: started.verificationUriComplete,
    }),
    expires_in: expiresInSeconds,
    interval: intervalSeconds,
  }
  return { credential, shown }
}

type Waiting = Pick<NewDeviceFamily, 'codeLifetimeSeconds' | 'intervalSeconds' | 'deviceLogin'>

/** @returns false when the sid is taken */
function open(call: ClientCall, asked: Asked, { sid, salt }: Credential, waiting: Waiting): Promise<boolean> {
  const { application, client, ip, now } = call
  return call.parts.families.create(
    createDeviceFamily({
      sid,
      saltHash: hashSalt(salt),
      writeId: randomId(),
      application: application.name,
      clientId: client.clientId,
      ...asked,
      ...waiting,
      startedFrom: ip,
      limits: client,
      now,
    }),
  )
}
