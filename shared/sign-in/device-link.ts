/** URLs of the device page: plain, with a user code (RFC 8628 §3.3.1), and with a result. */

import { formatUserCode, userCodeProof } from '../domain/user-code.ts'
import type { Call } from '../http/call.ts'

type Addressed = Pick<Call, 'parts' | 'issuer' | 'application' | 'now'>

export function activateUrl({ issuer }: Pick<Call, 'issuer'>): string {
  return `${issuer}/activate`
}

/** @param userCode of a family that is there: the address proves that it is, so opening it is no guess */
export async function completeUrl(call: Addressed, userCode: string): Promise<string> {
  const proof = userCodeProof(call.application.name, userCode, (await call.parts.keyring()).macKey(call.now))
  return `${activateUrl(call)}?${new URLSearchParams({ user_code: formatUserCode(userCode), proof })}`
}

export function resultUrl(call: Pick<Call, 'issuer'>, handle: string): string {
  return `${activateUrl(call)}?${new URLSearchParams({ result: handle })}`
}
