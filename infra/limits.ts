/**
 * Limits of functions and of the gateway, for the cloud and the local stack.
 */

/**
 * Longer than any wait for DynamoDB or a provider, so that the caller gets our own error. Shorter than API Gateway's 29 s.
 */
export const requestTimeoutSeconds = 20

/**
 * CPU is proportional to memory. A cold start is CPU-bound: at 1024 MB it takes half as long as at 512, for the same price.
 */
export const memoryMb = 1024

/** How long CloudFormation waits for the function of a custom resource. Its default is an hour. */
export const deploymentTimeoutSeconds = 180

/** API Gateway's fixed limit for REST APIs. The local gateway has the same. */
export const maxBodyBytes = 10 * 1024 * 1024
/** API Gateway's fixed limit for the request line and all header values together. The local gateway has the same. */
export const maxHeaderBytes = 10_240
