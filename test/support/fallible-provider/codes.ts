/**
 * Authorization codes (RFC 6749 §4.1) and device codes (RFC 8628), each good once.
 */

import { createHash, randomBytes } from 'node:crypto'
import { type Behaviour, draw, type Issued, type Refused, type Tokens } from './tokens.ts'

export type Asked = {
  readonly redirectUri: string
  readonly scope: string
  readonly nonce: string | undefined
  /** RFC 7636 §4.2, S256. */
  readonly challenge: string | undefined
}

export type Shown = { readonly code: string; readonly redirectUri: string; readonly verifier: string | undefined }

export function createCodes(tokens: Tokens) {
  const codes = new Map<string, Asked & { spent: boolean }>()
  return {
    issue: (asked: Asked): string => {
      const code = draw('code')
      codes.set(code, { ...asked, spent: false })
      return code
    },
    redeem: ({ code, redirectUri, verifier }: Shown): Issued | Refused => {
      const known = codes.get(code)
      const isVerified = known?.challenge === undefined || known.challenge === challengeOf(verifier ?? '')
      if (known === undefined || known.spent || known.redirectUri !== redirectUri || !isVerified) {
        return { error: 'invalid_grant' }
      }
      known.spent = true
      return tokens.open(known.scope, known.nonce)
    },
    all: () => [...codes.keys()],
  }
}

function challengeOf(verifier: string): string {
  return createHash('sha256').update(verifier).digest('base64url')
}

export type Decision = 'approve' | 'deny'

/** Timers are not exact. */
const jitterMs = 100

type Device = {
  readonly scope: string
  readonly userCode: string
  readonly untilMs: number
  decision: Decision | undefined
  spent: boolean
  polledAtMs: number
}

export function createDevices(behaviour: Behaviour, tokens: Tokens) {
  const devices = new Map<string, Device>()
  return {
    start: (scope: string) => {
      const deviceCode = draw('device-code')
      const userCode = randomBytes(4).toString('hex').toUpperCase()
      const untilMs = Date.now() + behaviour.deviceCodeSeconds * 1_000
      const fresh = { decision: undefined, spent: false, polledAtMs: Number.NEGATIVE_INFINITY }
      devices.set(deviceCode, { scope, userCode, untilMs, ...fresh })
      return { deviceCode, userCode }
    },
    decide: (userCode: string, decision: Decision): void => {
      const known = [...devices.values()].find((device) => device.userCode === userCode)
      if (known === undefined) throw new Error(`Unknown user code: ${userCode}`)
      known.decision = decision
    },
    /** RFC 8628 §3.5. An early poll does not end the flow. */
    poll: (deviceCode: string): Issued | Refused => {
      const known = devices.get(deviceCode)
      if (known === undefined || known.spent) return { error: 'invalid_grant' }
      const sinceMs = Date.now() - known.polledAtMs
      known.polledAtMs = Date.now()
      if (known.untilMs <= Date.now()) return { error: 'expired_token' }
      const isEarly = sinceMs < behaviour.intervalSeconds * 1_000 - jitterMs
      if (isEarly && behaviour.enforcesInterval) return { error: 'slow_down' }
      if (known.decision === undefined) return { error: 'authorization_pending' }
      if (known.decision === 'deny') return { error: 'access_denied' }
      known.spent = true
      return tokens.open(known.scope)
    },
    all: () => [...devices.keys()],
  }
}
