/**
 * A part that the broker depends on is out of reach, or its answer is not known: the table, the secrets, the provider.
 *
 * Owns the one error for it. To a caller it is 503 `temporarily_unavailable`, and what the caller holds stays good.
 */
export class Unavailable extends Error {
  readonly part: 'store' | 'secrets' | 'provider'
  /** What the caller is told (RFC 9110 §10.2.3). */
  readonly retryAfterSeconds: number
  /** It does not pass by itself: a secret is missing, say, or the registry names something that is not there. */
  readonly needsOperator: boolean
  /** What the operator is told of it; it holds no secret. */
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
