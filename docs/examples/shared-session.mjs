// A web application with several instances: the tokens of a session are in one row, and one instance at a time refreshes it.
//
//     npm start                                   in one terminal
//     node docs/examples/shared-session.mjs       in another, on Node 24
//
// ISSUER and CLIENT_ID point it at another broker. The row is in SQLite here; any database with a conditional update will do. The
// session comes from a device flow, to keep it short; code-flow.mjs is how a web application signs people in.

import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import * as oauth from 'openid-client'

const issuer = new URL(process.env.ISSUER ?? 'http://127.0.0.1:8787/demo')
const clientId = process.env.CLIENT_ID ?? 'nightly'
const instances = 5
// Longer than a refresh, which takes two tries of ten seconds at most, and shorter than the client's graceSeconds of 60: if an
// instance dies during a refresh, the next one still gets the same successor.
const timeoutSeconds = 10
const leaseSeconds = 30
const aheadSeconds = 60

// Plain http is for the local stack only.
const options = issuer.protocol === 'http:' ? { execute: [oauth.allowInsecureRequests] } : {}
const broker = await oauth.discovery(issuer, clientId, undefined, oauth.None(), { ...options, timeout: timeoutSeconds })

const [role, file] = process.argv.slice(2)
if (role === 'instance') await beAnInstance(open(file))
else await startInstances()

/** Steps 1 to 5 of docs/jobs.md. @returns a valid access token, or undefined if the person has to sign in again */
async function accessTokenOf(database, session) {
  for (;;) {
    const row = database.prepare('SELECT * FROM sessions WHERE id = ?').get(session)
    if (row === undefined) return undefined
    if (row.ends_at > now() + aheadSeconds) return row.access_token
    if (takesLease(database, row)) return refreshed(database, row)
    await pause(50)
  }
}

/** One conditional write, so only one instance takes the lease. */
function takesLease(database, { id, refresh_token: spent }) {
  const lease = database.prepare(
    'UPDATE sessions SET leased_until = ? WHERE id = ? AND refresh_token = ? AND leased_until < ?',
  )
  return lease.run(now() + leaseSeconds, id, spent, now()).changes === 1
}

async function refreshed(database, { id, refresh_token: spent }) {
  try {
    const tokens = await refresh(spent)
    // Store the tokens before they are used. The condition keeps what another instance has stored meanwhile.
    database
      .prepare(
        'UPDATE sessions SET access_token = ?, refresh_token = ?, ends_at = ?, leased_until = 0 WHERE id = ? AND refresh_token = ?',
      )
      .run(tokens.access_token, tokens.refresh_token, now() + tokens.expires_in, id, spent)
    return tokens.access_token
  } catch (error) {
    // Only this answer means that the session is over. After any other error the lease ends and an instance tries again.
    if (error.error !== 'invalid_grant') throw error
    database.prepare('DELETE FROM sessions WHERE id = ? AND refresh_token = ?').run(id, spent)
    return undefined
  }
}

async function refresh(refreshToken) {
  try {
    return await oauth.refreshTokenGrant(broker, refreshToken)
  } catch (error) {
    // An error answer is final. A request without an answer is repeated: the client has grace for it.
    if (error.error !== undefined && error.error !== 'temporarily_unavailable') throw error
    return oauth.refreshTokenGrant(broker, refreshToken)
  }
}

// --- what runs it ---

function now() {
  return Math.floor(Date.now() / 1000)
}

function open(path) {
  const database = new DatabaseSync(path)
  database.exec('PRAGMA busy_timeout = 5000')
  database.exec(
    'CREATE TABLE IF NOT EXISTS sessions (id TEXT PRIMARY KEY, access_token TEXT, refresh_token TEXT, ends_at INT, leased_until INT)',
  )
  return database
}

async function beAnInstance(database) {
  const person = await oauth.fetchUserInfo(broker, await accessTokenOf(database, 'ours'), oauth.skipSubjectCheck)
  console.log(`Instance ${process.pid} calls for ${person.name}.`)
}

async function startInstances() {
  const started = await oauth.initiateDeviceAuthorization(broker, { scope: 'openid profile offline_access' })
  console.log(`Open ${started.verification_uri_complete}`)
  console.log(`and check that the page shows ${started.user_code}.`)
  const tokens = await oauth.pollDeviceAuthorizationGrant(broker, started)
  const folder = await mkdtemp(join(tmpdir(), 'token-broker-example-'))
  try {
    const path = join(folder, 'sessions.db')
    const database = open(path)
    // Pretend that the access token has expired, so that all instances refresh at the same time.
    database
      .prepare('INSERT INTO sessions VALUES (?, ?, ?, 0, 0)')
      .run('ours', tokens.access_token, tokens.refresh_token)
    await Promise.all(Array.from({ length: instances }, () => runInstance(path)))
  } finally {
    await rm(folder, { recursive: true })
  }
}

function runInstance(path) {
  const child = spawn(process.execPath, [fileURLToPath(import.meta.url), 'instance', path], { stdio: 'inherit' })
  return new Promise((resolve, reject) => {
    child.on('exit', (code) => (code === 0 ? resolve() : reject(new Error(`An instance ended with ${code}.`))))
  })
}
