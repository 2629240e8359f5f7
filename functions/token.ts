/**
 * token: the one token endpoint that metadata names (RFC 6749 §3.2), every grant of ours.
 *
 * It only picks; each grant stands in its own Lambda's file.
 */

import { tokenEndpoint } from '../shared/http/token-endpoint.ts'
import { clientCredentialsGrant } from './client-credentials.ts'
import { codeGrant } from './exchange-code.ts'
import { tokenExchangeGrant } from './exchange-token.ts'
import { deviceGrant } from './poll.ts'
import { refreshGrant } from './refresh.ts'

export const handler = tokenEndpoint(deviceGrant, codeGrant, refreshGrant, clientCredentialsGrant, tokenExchangeGrant)
