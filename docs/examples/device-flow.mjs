// A program without a browser: its user signs in once, and every later run refreshes.
//
//     npm start                                   in one terminal
//     node docs/examples/device-flow.mjs          in another; run it again to see it refresh
//
// ISSUER and CLIENT_ID point it at another broker. The refresh token is kept in ~/.token-broker-example, or TOKEN_FILE.

import { readFile, rename, rm, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import * as oauth from 'openid-client'

const issuer = new URL(process.env.ISSUER ?? 'http://127.0.0.1:8787/demo')
const clientId = process.env.CLIENT_ID ?? 'job'
const tokenFile = process.env.TOKEN_FILE ?? join(homedir(), '.token-broker-example')

// Plain http is for the local stack only.
const options = issuer.protocol === 'http:' ? { execute: [oauth.allowInsecureRequests] } : {}
const broker = await oauth.discovery(issuer, clientId, undefined, oauth.None(), options)

const tokens = (await refresh()) ?? (await signIn())
const person = await oauth.fetchUserInfo(broker, tokens.access_token, oauth.skipSubjectCheck)
console.log(`Signed in as ${person.name} (${person.sub}); the access token is good for ${tokens.expires_in} seconds.`)

async function signIn() {
  const started = await oauth.initiateDeviceAuthorization(broker, { scope: 'openid profile offline_access' })
  console.log(`Open ${started.verification_uri_complete}`)
  console.log(`and check that the page shows ${started.user_code}.`)
  return stored(await oauth.pollDeviceAuthorizationGrant(broker, started))
}

/** @returns undefined if there is no session, or if it has ended */
async function refresh() {
  const refreshToken = await readFile(tokenFile, 'utf8').catch(() => undefined)
  if (refreshToken === undefined) return undefined
  try {
    return await stored(await oauth.refreshTokenGrant(broker, refreshToken))
  } catch (error) {
    // Only this answer means that the session is over. After any other error (503, no connection) the token is kept.
    if (error.error !== 'invalid_grant') throw error
    await rm(tokenFile)
    return undefined
  }
}

/** The former token is spent, so store its successor before anything else: as a whole, and readable by its owner only. */
async function stored(tokens) {
  await writeFile(`${tokenFile}.new`, tokens.refresh_token, { mode: 0o600 })
  await rename(`${tokenFile}.new`, tokenFile)
  return tokens
}
