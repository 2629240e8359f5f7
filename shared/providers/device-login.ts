/**
 * The provider's own device flow (RFC 8628), one request at a time. openid-client would poll in a loop, which a Lambda must
 * not.
 */

import * as oidc from 'openid-client'
import type { ProviderSettings } from '../domain/registration.ts'
import { failureOf, isPassing } from './failures.ts'
import type { DeviceLogin, DeviceLoginResult, Provider, SignInResult } from './provider.ts'
import { forgetOldKeys, type Kept } from './sign-in.ts'

/** RFC 8628 §3.2 */
const defaultIntervalSeconds = 5
const maxSeconds = 3_600

type Answer = oidc.TokenEndpointResponse & oidc.TokenEndpointResponseHelpers
/** Finds who signed in from the provider's token answer. */
type PersonOf = (configuration: oidc.Configuration, answer: Answer, claims: readonly string[]) => Promise<SignInResult>

export function deviceLogin(
  configuration: Kept<oidc.Configuration>,
  settings: ProviderSettings,
  personOf: PersonOf,
): Pick<Provider, 'startDeviceLogin' | 'pollDeviceLogin'> {
  return {
    startDeviceLogin: async () => start(await configuration(), settings),
    pollDeviceLogin: async (deviceCode, claims) => poll(configuration, deviceCode, claims, personOf),
  }
}

async function start(
  configuration: oidc.Configuration,
  { scopes, parameters }: ProviderSettings,
): Promise<DeviceLogin | { readonly why: string }> {
  if (configuration.serverMetadata().device_authorization_endpoint === undefined)
    return { why: 'it has no device flow' }
  try {
    const answer = await oidc.initiateDeviceAuthorization(configuration, {
      ...parameters,
      ...(scopes.length > 0 && { scope: scopes.join(' ') }),
    })
    const { verification_uri: verificationUri, verification_uri_complete: verificationUriComplete } = answer
    if (!isWebAddress(verificationUri)) return { why: 'its verification_uri is no web address' }
    return {
      deviceCode: answer.device_code,
      userCode: answer.user_code,
      verificationUri,
      verificationUriComplete: isWebAddress(verificationUriComplete) ? verificationUriComplete : undefined,
      expiresInSeconds: Math.min(Math.max(1, Math.floor(answer.expires_in)), maxSeconds),
      intervalSeconds: Math.min(Math.max(1, Math.ceil(answer.interval ?? defaultIntervalSeconds)), maxSeconds),
    }
  } catch (error) {
    const failure = failureOf(error)
    return { why: failure.kind === 'unexpected' ? failure.why : failure.kind }
  }
}

/** People are asked to open it. */
function isWebAddress(text: string | undefined): text is string {
  return /^https?:$/.test(URL.parse(text ?? '')?.protocol ?? '')
}

async function poll(
  configuration: Kept<oidc.Configuration>,
  deviceCode: string,
  claims: readonly string[],
  personOf: PersonOf,
): Promise<DeviceLoginResult> {
  const configured = await configuration()
  try {
    const answer = await oidc.genericGrantRequest(configured, 'urn:ietf:params:oauth:grant-type:device_code', {
      device_code: deviceCode,
    })
    return await personOf(configured, answer, claims)
  } catch (error) {
    forgetOldKeys(configuration, error)
    return notYet(error) ?? failureOf(error)
  }
}

/** RFC 8628 §3.5, whatever the status: slow_down may come with 429, for example. */
function notYet(error: unknown): DeviceLoginResult | undefined {
  if (!(error instanceof oidc.ResponseBodyError)) return undefined
  switch (error.error) {
    case 'authorization_pending':
      return { kind: 'pending' }
    case 'slow_down':
      return { kind: 'too-early' }
    case 'access_denied':
    case 'authorization_declined': // Entra ID's word for it
      return { kind: 'refused', error: 'access_denied' }
    case 'expired_token':
    case 'bad_verification_code': // Entra ID's word for a device code that it does not know
      return { kind: 'expired' }
    case 'invalid_grant':
      // Some providers answer expired_token once, and invalid_grant afterwards.
      return isPassing(error.status) ? undefined : { kind: 'expired' }
    default:
      return undefined
  }
}
