/**
 * `token-broker login`: the device flow from a terminal.
 *
 * While the person decides in the browser, stderr shows the address, the code, a QR code of both, and how much time is
 * left. Stdout has the result.
 */

import type { Input } from '../arguments.ts'
import type { Command } from '../command.ts'
import {
  changeSessions,
  credentialsPath,
  readSessions,
  type SessionKey,
  type StoredSession,
  setAside,
  Untrusted,
} from '../credentials-file.ts'
import { type DeviceCode, revoke, startDevice, type Tokens, waitForApproval } from '../oauth.ts'
import { openInBrowser } from '../open-browser.ts'
import { Problem } from '../problem.ts'
import { drawQr, qrCode } from '../qr.ts'
import { duration } from '../relative-time.ts'
import { applicationFrom, localUrl, urlFrom } from '../settings.ts'
import { applicationOf, baseOf, clientIdFrom, nameOf, same, sessionOptions } from '../signed-in.ts'
import { endSpinner, plain, print, say, spin } from '../terminal.ts'

const localClient = 'cli'
const usualScope = 'openid profile offline_access'

export const command: Command = {
  says: 'Signs you in: opens the browser, waits until you have approved, and keeps the session for `token`.',
  options: {
    ...sessionOptions,
    'client-id': { takes: 'ID', says: `else TOKEN_BROKER_CLIENT_ID, else ${localClient}` },
    scope: { takes: 'SCOPES', says: `what to ask for; ${usualScope} unless told` },
    audience: { takes: 'URI', says: 'for which API; the client’s first unless told' },
    'no-browser': { says: 'open no browser' },
    'no-qr': { says: 'show no QR code' },
  },
  notes: [
    'The session is kept in ~/.config/token-broker, or in TOKEN_BROKER_HOME, for you alone.',
    'With --json: one line with the address and the code, one line at the end.',
  ],
  run: async (input) => {
    const url = urlFrom(input)
    const issuer = `${url}/${encodeURIComponent(applicationFrom(input, url))}`
    const clientId = clientIdFrom(input) ?? localClient
    const path = credentialsPath()
    await putBrokenAside(path)
    const scope = input.text('scope') ?? usualScope
    const device = await startDevice(issuer, { client_id: clientId, scope, audience: input.text('audience') })
    show(input, device)
    const tokens = await waiting(device, waitForApproval(issuer, clientId, device))
    const session = sessionOf(issuer, clientId, tokens)
    const byDefault = await keep(path, session)
    const isDefault = same(byDefault, session)
    if (input.flag('json')) {
      const { sub, scope } = session
      printLine({ signed_in: true, issuer, client_id: clientId, sub, scope, default: isDefault })
    } else {
      print(
        `Signed in${session.sub === undefined ? '' : ` as ${plain(session.sub)}`}. Tokens: ${tokenCommand(session, isDefault)}`,
      )
      if (!isDefault) {
        say(
          `Without options it stays with ${nameOf(byDefault)}. To change that: token-broker use ${nameOf(session)}`,
          'dim',
        )
      }
    }
    if (session.refreshToken === undefined) say('There is no refresh token: it ends with its access token.', 'yellow')
  },
}

/** What to run next, for the session that was just begun. */
function tokenCommand(session: StoredSession, isDefault: boolean): string {
  if (isDefault) return 'token-broker token'
  const url = baseOf(session) === localUrl ? '' : ` --url ${plain(baseOf(session))}`
  return `token-broker token${url} --application ${plain(applicationOf(session))} --client-id ${plain(session.clientId)}`
}

function show(input: Input, device: DeviceCode): void {
  const { userCode, verificationUri, verificationUriComplete: complete } = device
  if (input.flag('json')) {
    printLine({ verification_uri: verificationUri, verification_uri_complete: complete, user_code: userCode })
  }
  const isOpened = !input.flag('no-browser') && openInBrowser(complete)
  say('')
  say(isOpened ? 'Your browser opens this page. If it does not, open it yourself:' : 'Open this page:')
  say(`  ${plain(complete)}`, 'cyan')
  say('')
  say('and check that it shows this code:')
  say(`  ${plain(userCode)}`, 'bold')
  say('')
  if (!process.stderr.isTTY || input.flag('no-qr')) return
  const code = qrCode(complete)
  const drawing = code === undefined ? [] : drawQr(code)
  const fits = (drawing[0]?.length ?? 0) < (process.stderr.columns || 80)
  if (drawing.length > 0 && fits) say(`${drawing.map((line) => `  \u001b[97;40m${line}\u001b[0m`).join('\n')}\n`)
}

async function waiting(device: DeviceCode, approval: Promise<Tokens>): Promise<Tokens> {
  const deadline = Date.now() + device.expiresInSeconds * 1000
  const left = () => (process.stderr.isTTY ? `, ${duration((deadline - Date.now()) / 1000)} left` : '')
  spin(() => `Waiting for you to approve${left()} …`)
  try {
    return await approval
  } finally {
    endSpinner()
  }
}

function sessionOf(issuer: string, clientId: string, tokens: Tokens): StoredSession {
  if (tokens.accessToken === '') throw new Problem('The broker’s answer holds no access token.')
  const { accessToken, expiresInSeconds, endsInSeconds, ...rest } = tokens
  const nowSeconds = Math.floor(Date.now() / 1000)
  return {
    ...{ issuer, clientId, accessToken },
    accessTokenExpiresAtSeconds: nowSeconds + expiresInSeconds,
    accessTokenSeconds: expiresInSeconds,
    signedInAtSeconds: nowSeconds,
    ...(endsInSeconds !== undefined && { endsAtSeconds: nowSeconds + endsInSeconds }),
    ...rest,
  }
}

/** @throws {Problem} when the file is another user's, before the person is asked for anything */
async function putBrokenAside(path: string): Promise<void> {
  try {
    await readSessions(path)
  } catch (error) {
    if (error instanceof Untrusted) throw error
    say(`The file of sessions could not be read; it is ${await setAside(path)} now.`, 'yellow')
  }
}

/**
 * Stores the session in the place of the one before, which is ended then: nobody else has it.
 *
 * @returns the default session, which a second login does not change
 */
async function keep(path: string, session: StoredSession): Promise<SessionKey> {
  let before: StoredSession | undefined
  let byDefault: SessionKey = session
  await changeSessions(path, async ({ stored, write }) => {
    const { sessions, default: preferred } = stored
    before = sessions.find((each) => same(each, session))
    const [first = session, ...more] = sessions
    const isThere = preferred !== undefined && sessions.some((each) => same(each, preferred))
    byDefault = isThere ? preferred : more.length === 0 ? first : session
    const { issuer, clientId } = byDefault
    await write({ default: { issuer, clientId }, sessions: [...sessions.filter((each) => each !== before), session] })
  })
  if (before !== undefined && before.ended === undefined) {
    const { issuer, clientId, refreshToken, accessToken } = before
    // It has left this machine for good; if the broker cannot be reached it expires by itself.
    await revoke(issuer, clientId, refreshToken ?? accessToken).catch(() => {})
  }
  return byDefault
}

function printLine(value: object): void {
  print(JSON.stringify(value))
}
