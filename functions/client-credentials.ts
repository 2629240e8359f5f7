/** client-credentials: the client_credentials grant on a route of its own (RFC 6749 §4.4). */

import { clientCredentialsGrant } from '../shared/grants/client-credentials.ts'
import { tokenEndpoint } from '../shared/grants/token-endpoint.ts'

export const handler = tokenEndpoint(clientCredentialsGrant)
