/** exchange-token: the token-exchange grant on a route of its own (RFC 8693). */

import { tokenEndpoint } from '../shared/grants/token-endpoint.ts'
import { tokenExchangeGrant } from '../shared/grants/token-exchange.ts'

export const handler = tokenEndpoint(tokenExchangeGrant)
