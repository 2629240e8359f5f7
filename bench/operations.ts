/**
 * What is measured, as one story that a session goes through: started, polled, approved, polled again, refreshed, revoked;
 * and beside it a code that is exchanged, and a service that asks in its own name. Each operation leaves behind what the next one needs.
 *
 * Owns the requests and what their answers must be. Must not know how they are timed or counted.
 */

import type { Form } from './caller.ts'
import { application, approveDevice, openedCode, redirectUri, scopes } from './families.ts'
import type { Stage } from './stage.ts'

export type OperationName =
  | 'device start'
  | 'pending poll'
  | 'approved poll'
  | 'code exchange'
  | 'refresh'
  | 'revoke'
  | 'service token'

/** What a caller holds on its way through the story. */
export type Session = { deviceCode?: string; refreshToken?: string; code?: string; verifier?: string }

export type Operation = {
  readonly name: OperationName
  readonly path: string
  readonly status: number
  /** Done before it, and not measured. */
  readonly prepare?: (session: Session, stage: Stage) => Promise<void>
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
const keepRefreshToken: NonNullable<Operation['keep']> = (session, { refresh_token }) => {
  session.refreshToken = refresh_token!
}

/** In the order in which a session goes through them. Each goes to the function that serves it alone. */
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
  // The first poll is free (RFC 8628 §3.5), so each device code makes one, and no poll is too early.
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
      ...{ grant_type: 'authorization_code', client_id: 'web', client_secret: 'web-secret' },
      ...{ redirect_uri: redirectUri, code: code!, code_verifier: verifier! },
    }),
  },
  {
    name: 'service token',
    path: `/${application}/oauth/token/client`,
    status: 200,
    form: () => ({ grant_type: 'client_credentials', scope: 'reports:read' }),
    authorization: `Basic ${Buffer.from('service:service-secret').toString('base64')}`,
  },
]
