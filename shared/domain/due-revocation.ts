/**
 * When a provider is told of an ended session (RFC 7009): at once, and after a failure each time that the session has been over for
 * twice as long, for a week.
 *
 *     over for   0           5 min        10 min        20 min   …   3.6 days         7.1 days
 *     mark       provider ─► provider 5 ─► provider 10 ─► provider 20 … provider 5120 ─► provider 10240: told, or abandoned
 *
 * The mark is the partition key of the index `revocations-due`, and the time of the end is its sort key. So one query finds all that is
 * due of one mark, and sessions that have failed less often come first.
 */

/** Revocation is abandoned after this time. The tokens then end by themselves. */
export const revocationRetryMs = 7 * 86_400_000

/** The TTL of what a revocation needs is later by this: a day longer than the tries, so that the last one still finds it. */
export const revocationRetentionSeconds = revocationRetryMs / 1000 + 86_400

/** The number: for how many minutes the session must have been over. */
export type RevocationDue = 'provider' | `provider ${number}`

type RevocationMark = { readonly due: RevocationDue; readonly afterMs: number }

const firstRetryMinutes = 5
/** The last try is after the week. */
const retries = 12

/** All marks, those of the first tries first. */
export const revocationMarks: readonly RevocationMark[] = [
  { due: 'provider', afterMs: 0 },
  ...Array.from({ length: retries }, (_, doublings): RevocationMark => {
    const minutes = firstRetryMinutes * 2 ** doublings
    return { due: `provider ${minutes}`, afterMs: minutes * 60_000 }
  }),
]

/** The mark of the next try after a failure at `now`, ms; undefined: the last time has passed. */
export function nextMark(revokedAt: number, now: number): RevocationDue | undefined {
  return revocationMarks.find(({ afterMs }) => now < revokedAt + afterMs)?.due
}
