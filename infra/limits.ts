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

/** How long a deployment waits for a function of its own. By default CloudFormation waits for an hour. */
export const deploymentTimeoutSeconds = 120

/** API Gateway's own limits, which a REST API cannot change. The local gateway has the same. */
export const maxBodyBytes = 10 * 1024 * 1024
/** Request line and header values together. */
export const maxHeaderBytes = 10_240
