/**
 * The age of a sign-in that a client requests (OIDC Core §3.1.2.1, `prompt=login` and `max_age`).
 *
 * A browser can remove both parameters on the way to the provider, so the provider's `auth_time` is checked.
 */

/** The tolerated skew of the provider's clock. */
const clockLeewaySeconds = 30

export type RequestedSignIn = { readonly prompt?: string | undefined; readonly maxAgeSeconds?: number | undefined }

/** Whether a request limits the age of the sign-in. */
export function requestsSignInAge({ prompt, maxAgeSeconds }: RequestedSignIn): boolean {
  return maxAgeSeconds !== undefined || requestsLogin(prompt)
}

/** @returns the earliest acceptable `auth_time` of a sign-in that begins now, seconds; undefined: the request sets no limit */
export function earliestAuthTime(requested: RequestedSignIn, nowMs: number): number | undefined {
  if (!requestsSignInAge(requested)) return undefined
  const maxAgeSeconds = requestsLogin(requested.prompt) ? 0 : (requested.maxAgeSeconds ?? 0)
  return Math.floor(nowMs / 1000) - maxAgeSeconds - clockLeewaySeconds
}

export function requestsLogin(prompt: string | undefined): boolean {
  return prompt?.split(' ').includes('login') ?? false
}
