/**
 * How callers have to encrypt: one policy for the API and for its public name.
 *
 * Owns that choice.
 */

import { EndpointAccessMode, SecurityPolicy } from 'aws-cdk-lib/aws-apigateway'

/**
 * TLS 1.2 and 1.3 with forward secrecy, and with a key exchange that withstands quantum computers where the caller knows
 * one. Strict: the name in the handshake has to be the name in the request.
 */
export const tls = {
  securityPolicy: SecurityPolicy.TLS13_1_2_PFS_PQ_2025_09,
  endpointAccessMode: EndpointAccessMode.STRICT,
} as const
