/**
 * What a function may use, in the cloud and on a laptop.
 */

/**
 * The store and the provider are given up on well before, so that the caller gets an answer of ours; and API Gateway waits
 * for 29 seconds.
 */
export const requestTimeoutSeconds = 20

/**
 * Memory buys CPU in proportion. A cold start is CPU alone, and at 1024 MB it is half as long as at 512 for the same
 * price; the memory itself is hardly used.
 */
export const memoryMb = 1024
