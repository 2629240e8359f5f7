/**
 * Everything that verifies client assertions, as one module to load when a client sends one. Loaded separately, these modules
 * would split the bundle, so that every cold start loads more files.
 */

export { verifyAssertion } from './client-assertion.ts'
export { createIssuerKeys } from './issuer-keys.ts'
export { verifyPlatformToken } from './verify-platform-token.ts'
