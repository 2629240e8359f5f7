/** exchange-code: the authorization_code grant on a route of its own (RFC 6749 §4.1.3). */

import { authorizationCodeGrant } from '../shared/grants/authorization-code.ts'
import { tokenEndpoint } from '../shared/grants/token-endpoint.ts'

export const handler = tokenEndpoint(authorizationCodeGrant)
