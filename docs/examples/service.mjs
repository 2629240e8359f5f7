/**
 * A service that acts for itself (client_credentials, RFC 6749 §4.4). It authenticates with a private key that never leaves
 * it (private_key_jwt, RFC 7523).
 *
 *     node docs/examples/service.mjs robot.pem
 *
 * docs/registry.md says how to create and register the key. ISSUER and CLIENT_ID point it at
 * another broker.
 */

import { createPrivateKey } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { importPKCS8 } from 'jose'
import * as oauth from 'openid-client'

const [file = 'robot.pem'] = process.argv.slice(2)
const issuer = new URL(process.env.ISSUER ?? 'http://127.0.0.1:8787/demo')
const clientId = process.env.CLIENT_ID ?? 'robot'

const pem = createPrivateKey(await readFile(file, 'utf8')).export({ type: 'pkcs8', format: 'pem' })
const key = await importPKCS8(pem, 'ES256')

// Plain http is for the local stack alone.
const options = issuer.protocol === 'http:' ? { execute: [oauth.allowInsecureRequests] } : {}
const broker = await oauth.discovery(issuer, clientId, undefined, oauth.PrivateKeyJwt(key), options)
// No refresh token comes of it: when this one is about to end, ask for another.
const { access_token, expires_in } = await oauth.clientCredentialsGrant(broker, { scope: 'reports:read' })
console.log(`good for ${expires_in} s: ${access_token}`)
