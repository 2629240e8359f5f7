/** How long the broker tries to tell a provider of an ended session (RFC 7009). */

/** Revocation is abandoned after this time. The tokens then end by themselves. */
export const revocationRetryMs = 7 * 86_400_000

/** The TTL of what a revocation needs is later by this: a day longer than the tries, so that the last one still finds it. */
export const revocationRetentionSeconds = revocationRetryMs / 1000 + 86_400
