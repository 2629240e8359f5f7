/**
 * Limits of a function, in the cloud and in the local stack.
 */

/**
 * Longer than any wait for the store or a provider, so that the caller gets our own error; shorter than API Gateway's 29 s.
 */
export const requestTimeoutSeconds = 20

/**
 * CPU is proportional to memory. A cold start is CPU-bound: at 1024 MB it takes half as long as at 512, for the same price.
 */
export const memoryMb = 1024
