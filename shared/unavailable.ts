/**
 * The table, the secrets, the provider or an issuer of workload identities cannot be reached, or the answer is unknown.
 * The caller gets a 503 `temporarily_unavailable`, and its credential stays valid.
 */
export class Unavailable extends Error {
  readonly part: 'store' | 'secrets' | 'provider' | 'issuer'
  /** The Retry-After header (RFC 9110 §10.2.3). */
  readonly retryAfterSeconds: number
  /** It does not pass by itself: for example, a secret is missing. */
  readonly needsOperator: boolean
  /** A message for the operator's log, without secrets. */
  readonly operatorMessage: string | undefined

  constructor(
    part: Unavailable['part'],
    cause: unknown,
    retryAfterSeconds = 1,
    operatorMessage?: string,
    needsOperator = false,
  ) {
    super(`the ${part} is out of reach`, { cause })
    this.name = 'Unavailable'
    this.part = part
    this.retryAfterSeconds = retryAfterSeconds
    this.operatorMessage = operatorMessage
    this.needsOperator = needsOperator
  }
}
