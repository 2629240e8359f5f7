/**
 * All that verifies clients' assertions, for those who load it when a client shows one. Loaded one by one, these modules would
 * share parts of jose with a cold start in more modules than it has otherwise.
 */

export { verifyAssertion } from './client-assertion.ts'
export { createIssuerKeys } from './issuer-keys.ts'
export { verifyPlatformToken } from './verify-platform-token.ts'
