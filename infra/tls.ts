/**
 * The TLS policy of the API and of its public name.
 */

import { EndpointAccessMode, SecurityPolicy } from 'aws-cdk-lib/aws-apigateway'

/**
 * TLS 1.2 and 1.3 with forward secrecy, and a post-quantum key exchange if the caller supports one. Strict mode: the
 * server name in the TLS handshake must equal the host name of the request.
 */
export const tls = {
  securityPolicy: SecurityPolicy.TLS13_1_2_PFS_PQ_2025_09,
  endpointAccessMode: EndpointAccessMode.STRICT,
} as const
