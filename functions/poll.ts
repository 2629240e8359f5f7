/** poll: the device_code grant on a route of its own, so that a storm of polls starves nobody else (RFC 8628 §3.4). */

import { deviceCodeGrant } from '../shared/grants/device-code.ts'
import { tokenEndpoint } from '../shared/grants/token-endpoint.ts'

export const handler = tokenEndpoint(deviceCodeGrant)
