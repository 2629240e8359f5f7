/**
 * The measured operations, in the order in which a session performs them. Each leaves in the session what the next one
 * needs.
 */

import type { Caller, Form } from './caller.ts'
import { application, approveDevice, openedCode, redirectUri, scopes, vaulted, vaultedSession } from './families.ts'
import { type Stage, workloadId } from './stage.ts'

export type OperationName =
  | 'device start'
  | 'pending poll'
  | 'approved poll'
  | 'code exchange'
  | 'refresh'
  | 'revoke'
  | 'service token'
  | 'workload token'
  | 'provider refresh'
  | 'token exchange'

/** The credentials that a caller has during the operations. */
export type Session = {
  deviceCode?: string
  refreshToken?: string
  code?: string
  verifier?: string
  subjectToken?: string
  platformToken?: string
}

export type Operation = {
  readonly name: OperationName
  readonly path: string
  readonly status: number
  /** Runs before the operation, and is not measured. @param caller of the measured broker */
  readonly prepare?: (session: Session, stage: Stage, caller: Caller) => Promise<void>
  readonly form: (session: Session) => Form
  readonly authorization?: string
  readonly keep?: (session: Session, answer: Readonly<Record<string, string>>) => void
}

const deviceGrant = 'urn:ietf:params:oauth:grant-type:device_code'
const pollForm = ({ deviceCode }: Session): Form => ({
  grant_type: deviceGrant,
  client_id: 'cli',
  device_code: deviceCode!,
})
const freshForSeconds = 3600
const basic = (id: string, secret: string) => `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`
/** The Authorization header of a client that exchanges tokens. */
export const worker = basic('worker', 'worker-secret')

const keepRefreshToken: NonNullable<Operation['keep']> = (session, { refresh_token }) => {
  session.refreshToken = refresh_token!
}

/** Each operation calls the function that serves only this grant. */
export const operations: readonly Operation[] = [
  {
    name: 'device start',
    path: `/${application}/oauth/device_authorization`,
    status: 200,
    form: () => ({ client_id: 'cli', scope: scopes.join(' ') }),
    keep: (session, { device_code }) => {
      session.deviceCode = device_code!
    },
  },
  // The first poll may come at once (RFC 8628 §3.5), so one poll per device code is never too early.
  { name: 'pending poll', path: `/${application}/oauth/token/device`, status: 400, form: pollForm },
  {
    name: 'approved poll',
    path: `/${application}/oauth/token/device`,
    status: 200,
    prepare: ({ deviceCode }, { families, macKey }) => approveDevice(families, macKey, deviceCode!),
    form: pollForm,
    keep: keepRefreshToken,
  },
  {
    name: 'refresh',
    path: `/${application}/oauth/token/refresh`,
    status: 200,
    form: ({ refreshToken }) => ({ grant_type: 'refresh_token', client_id: 'cli', refresh_token: refreshToken! }),
    keep: keepRefreshToken,
  },
  {
    name: 'revoke',
    path: `/${application}/oauth/revoke`,
    status: 200,
    form: ({ refreshToken }) => ({ client_id: 'cli', token: refreshToken! }),
  },
  {
    name: 'code exchange',
    path: `/${application}/oauth/token/code`,
    status: 200,
    prepare: async (session, { families, macKey }) => {
      Object.assign(session, await openedCode(families, macKey))
    },
    form: ({ code, verifier }) => ({
      grant_type: 'authorization_code',
      client_id: 'web',
      client_secret: 'web-secret',
      redirect_uri: redirectUri,
      code: code!,
      code_verifier: verifier!,
    }),
  },
  {
    name: 'service token',
    path: `/${application}/oauth/token/client`,
    status: 200,
    form: () => ({ grant_type: 'client_credentials', scope: 'reports:read' }),
    authorization: basic('service', 'service-secret'),
  },
  // The same for a client without a secret: verifies a platform's token instead of comparing a hash.
  {
    name: 'workload token',
    path: `/${application}/oauth/token/client`,
    status: 200,
    prepare: async (session, { platform }) => {
      session.platformToken = platform.token
    },
    form: ({ platformToken }) => ({
      grant_type: 'client_credentials',
      scope: 'reports:read',
      client_id: workloadId,
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: platformToken!,
    }),
  },
  // The provider's token is fresh, so this measures only how the broker returns it, without the provider's own time.
  {
    name: 'provider refresh',
    path: `/${vaulted}/oauth/token/refresh`,
    status: 200,
    prepare: async (session, stage) => {
      session.refreshToken = await vaultedSession(stage, 'cli', freshForSeconds)
    },
    form: ({ refreshToken }) => ({ grant_type: 'refresh_token', client_id: 'cli', refresh_token: refreshToken! }),
  },
  {
    name: 'token exchange',
    path: `/${vaulted}/oauth/token/exchange`,
    status: 200,
    prepare: async (session, stage, caller) => {
      session.subjectToken = await hostToken(stage, caller, freshForSeconds)
    },
    form: ({ subjectToken }) => exchangeForm(subjectToken!),
    authorization: worker,
  },
]

/**
 * The access token that a worker exchanges. The broker issues it to the worker's host.
 *
 * @param providerSeconds the remaining lifetime of the provider's access token
 */
export async function hostToken(stage: Stage, caller: Caller, providerSeconds: number): Promise<string> {
  const refresh_token = await vaultedSession(stage, 'worker-host', providerSeconds)
  const form = { grant_type: 'refresh_token', client_id: 'worker-host', refresh_token }
  const { text } = await caller.post(`/${vaulted}/oauth/token/refresh`, form)
  return (JSON.parse(text) as { access_token: string }).access_token
}

/** RFC 8693 §2.1 */
export function exchangeForm(subjectToken: string): Form {
  return {
    grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
    subject_token: subjectToken,
    subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
  }
}
