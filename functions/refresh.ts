/** refresh: the refresh_token grant on a route of its own, with its own concurrency and rights (RFC 6749 §6). */

import { refreshTokenGrant } from '../shared/grants/refresh-token.ts'
import { tokenEndpoint } from '../shared/grants/token-endpoint.ts'

export const handler = tokenEndpoint(refreshTokenGrant)
