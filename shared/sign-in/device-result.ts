/**
 * The result page of a device sign-in. Its URL holds no code and no state, so it can be reloaded.
 *
 * The result itself is in a cookie. Without the cookie, the page says that the result is gone.
 */

import { inLanguage } from '../domain/local-text.ts'
import type { Answer, Call } from '../http/call.ts'
import { deviceConnected } from '../pages/device.ts'
import { resultGone } from '../pages/problems.ts'
import { type DeviceResult, pageAnswer, readSealedCookie, redirect, type SignIn, sealInCookie } from './browser.ts'
import { newHandle } from './cookies.ts'
import { activateUrl, resultUrl } from './device-link.ts'
import { pageLook } from './look.ts'

/**
 * Sends the browser from the callback to the page that says that the device is connected.
 *
 * @param signIn that has ended, whose place the result takes
 * @param cookies further ones
 */
export async function redirectToResult(
  call: Call,
  signIn: SignIn,
  ended: Omit<DeviceResult, 'handle'>,
  cookies: readonly string[],
): Promise<Answer> {
  const handle = newHandle(call, signIn.secrets.state)
  const cookie = await sealInCookie(call, 'result', { handle, ...ended })
  return redirect(resultUrl(call, handle), [...(cookie ?? []), ...cookies])
}

export async function showResult(call: Call, handle: string): Promise<Answer> {
  const result = await readSealedCookie(call, 'result', handle)
  if (result === undefined) return pageAnswer(resultGone({ look: pageLook(call), enterCodeHref: activateUrl(call) }))
  const look = pageLook({ ...call, language: result.language })
  const client = await call.parts.registrations.client(call.application.name, result.clientId)
  const clientName = client ? inLanguage(client.displayName, look.language) : result.clientId
  return pageAnswer(deviceConnected({ look, clientName, personName: result.personName }))
}
