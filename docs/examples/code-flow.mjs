// A web application: the browser goes to the broker and comes back with a code.
//
//     npm start                                   in one terminal
//     node docs/examples/code-flow.mjs            in another; then open http://127.0.0.1:9999
//
// ISSUER points it at another broker. One person at a time, to keep it short: an application keeps `waiting` and the
// tokens in each person's session.

import { createServer } from 'node:http'
import * as oauth from 'openid-client'

const issuer = new URL(process.env.ISSUER ?? 'http://127.0.0.1:8787/demo')
// Exactly as it is registered.
const redirectUri = 'http://127.0.0.1:9999/cb'

// Plain http is for the local stack only.
const options = issuer.protocol === 'http:' ? { execute: [oauth.allowInsecureRequests] } : {}
const broker = await oauth.discovery(issuer, 'basic', undefined, oauth.ClientSecretBasic('basic-secret'), options)

let waiting

createServer(async (request, response) => {
  const url = new URL(request.url, redirectUri)
  response.setHeader('content-type', 'text/plain; charset=utf-8')
  try {
    if (url.pathname === '/cb') response.end(await comeBack(url))
    else if (url.pathname === '/') response.writeHead(303, { location: await sendAway() }).end()
    else response.writeHead(404).end()
  } catch (error) {
    response.writeHead(400).end(`Sign-in failed: ${error.error ?? error.code ?? error.message}\n`)
  }
}).listen(9999, '127.0.0.1', () => console.log('Open http://127.0.0.1:9999'))

async function sendAway() {
  waiting = { verifier: oauth.randomPKCECodeVerifier(), state: oauth.randomState(), nonce: oauth.randomNonce() }
  return oauth.buildAuthorizationUrl(broker, {
    redirect_uri: redirectUri,
    scope: 'openid profile email offline_access',
    code_challenge: await oauth.calculatePKCECodeChallenge(waiting.verifier),
    code_challenge_method: 'S256',
    state: waiting.state,
    nonce: waiting.nonce,
  }).href
}

async function comeBack(url) {
  // Checks state, iss and nonce, sends the code with its verifier, and checks the ID token.
  const tokens = await oauth.authorizationCodeGrant(broker, url, {
    pkceCodeVerifier: waiting.verifier,
    expectedState: waiting.state,
    expectedNonce: waiting.nonce,
  })
  const { sub } = tokens.claims()
  const person = await oauth.fetchUserInfo(broker, tokens.access_token, sub)
  return `Hello ${person.name} <${person.email}>\n`
}
