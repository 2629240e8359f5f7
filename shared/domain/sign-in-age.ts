/**
 * How recent a sign-in must be that a client asked for (OIDC Core §3.1.2.1: `prompt=login`, `max_age`).
 *
 * A browser can take both off the request on the way to the provider, so it is the provider's `auth_time` that counts.
 */

/** How far the provider's clock may differ from ours. */
const clockLeewaySeconds = 30

export type RequestedSignIn = { readonly prompt?: string | undefined; readonly maxAgeSeconds?: number | undefined }

/** Whether a request asks for a sign-in of a certain age at all. */
export function requestsSignInAge({ prompt, maxAgeSeconds }: RequestedSignIn): boolean {
  return maxAgeSeconds !== undefined || requestsLogin(prompt)
}

/** @returns the earliest `auth_time` that will do for a sign-in that begins now, seconds; undefined: any will do, or none */
export function earliestAuthTime(asked: RequestedSignIn, nowMs: number): number | undefined {
  if (!requestsSignInAge(asked)) return undefined
  const maxAgeSeconds = requestsLogin(asked.prompt) ? 0 : (asked.maxAgeSeconds ?? 0)
  return Math.floor(nowMs / 1000) - maxAgeSeconds - clockLeewaySeconds
}

export function requestsLogin(prompt: string | undefined): boolean {
  return prompt?.split(' ').includes('login') ?? false
}
