/** token: the token endpoint that metadata names (RFC 6749 §3.2). It serves every grant. */

import { authorizationCodeGrant } from '../shared/grants/authorization-code.ts'
import { clientCredentialsGrant } from '../shared/grants/client-credentials.ts'
import { deviceCodeGrant } from '../shared/grants/device-code.ts'
import { refreshTokenGrant } from '../shared/grants/refresh-token.ts'
import { tokenEndpoint } from '../shared/grants/token-endpoint.ts'
import { tokenExchangeGrant } from '../shared/grants/token-exchange.ts'

export const handler = tokenEndpoint(
  deviceCodeGrant,
  authorizationCodeGrant,
  refreshTokenGrant,
  clientCredentialsGrant,
  tokenExchangeGrant,
)
