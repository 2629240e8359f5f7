/** `token-broker login`: the device flow from a terminal. */

import type { Command } from 'commander'
import { renderUnicodeCompact } from 'uqr'
import {
  changeSessions,
  credentialsPath,
  prepareSessions,
  type SessionClient,
  type SessionKey,
  type StoredSession,
} from '../credentials-file.ts'
import { type DeviceCode, revoke, startDevice, type Tokens, waitForApproval } from '../oauth.ts'
import { openInBrowser } from '../open-browser.ts'
import { Problem } from '../problem.ts'
import { programName } from '../program-name.ts'
import { duration } from '../relative-time.ts'
import { applicationFrom, type JsonFlag, localUrl, urlFrom } from '../settings.ts'
import { applicationOf, baseOf, callerOf, nameOf, type SessionSelector, same, withSession } from '../signed-in.ts'
import { endSpinner, output, plain, print, say, spin } from '../terminal.ts'
import { platformName, type WorkloadSettings, withWorkload } from '../workload.ts'

const localClient = 'cli'
const defaultScope = 'openid profile offline_access'

type Settings = SessionSelector &
  WorkloadSettings &
  JsonFlag & {
    readonly scope: string
    readonly audience?: string
    readonly browser: boolean
    readonly qr: boolean
  }

export function define(command: Command): void {
  withWorkload(withSession(command, localClient))
    .option('--scope <scopes>', 'scopes to ask for', defaultScope)
    .option('--audience <uri>', 'API that the access token is for; the first audience of the client if not set')
    .option('--no-browser', 'do not open a browser')
    .option('--no-qr', 'do not show a QR code')
    .addHelpText(
      'after',
      `
The session is stored in the folder TOKEN_BROKER_HOME, by default ~/.config/token-broker (or token-broker in
XDG_CONFIG_HOME), readable by you only.
With --json, the first line has the address and the code, the last line has the result.`,
    )
    .action(login)
}

async function login(settings: Settings): Promise<void> {
  const issuer = `${urlFrom(settings)}/${encodeURIComponent(applicationFrom(settings))}`
  const clientId = settings.clientId || localClient
  const key = { issuer, clientId, ...workloadOf(settings) }
  const caller = callerOf(key)
  const path = credentialsPath()
  const damaged = await prepareSessions(path)
  if (damaged !== undefined) say(`The file of sessions could not be read. It was renamed to ${damaged}`, 'yellow')
  const { scope, audience } = settings
  const device = await startDevice(issuer, caller, { scope, audience })
  show(settings, device)
  const tokens = await waiting(device, waitForApproval(issuer, caller, device))
  const session = sessionOf(key, tokens)
  const byDefault = await keep(path, session).catch(async (error: unknown) => {
    // Nobody else has the tokens of this session.
    await revoke(issuer, caller, session.refreshToken ?? session.accessToken).catch(() => {})
    throw error
  })
  report(session, byDefault, settings.json === true)
  if (session.refreshToken === undefined) {
    say('The broker gave no refresh token: the session ends with its access token.', 'yellow')
  }
}

function report(session: StoredSession, byDefault: SessionKey, isJson: boolean): void {
  const { issuer, clientId, sub, scope } = session
  const isDefault = same(byDefault, session)
  if (isJson) {
    printLine({ signed_in: true, issuer, client_id: clientId, sub, scope, default: isDefault })
    return
  }
  print(
    `Signed in${sub === undefined ? '' : ` as ${plain(sub)}`}. To print a token: ${tokenCommand(session, isDefault)}`,
  )
  if (!isDefault) {
    say(`The default session is still ${nameOf(byDefault)}. To change it: ${programName} use ${nameOf(session)}`, 'dim')
  }
}

/** The command that prints a token of the new session. */
function tokenCommand(session: StoredSession, isDefault: boolean): string {
  if (isDefault) return `${programName} token`
  const url = baseOf(session) === localUrl ? '' : ` --url ${plain(baseOf(session))}`
  return `${programName} token${url} --application ${plain(applicationOf(session))} --client-id ${plain(session.clientId)}`
}

function show(settings: Settings, device: DeviceCode): void {
  const { userCode, verificationUri, verificationUriComplete: complete } = device
  if (settings.json) {
    printLine({ verification_uri: verificationUri, verification_uri_complete: complete, user_code: userCode })
  }
  const isOpened = settings.browser && openInBrowser(complete)
  say('')
  say(isOpened ? 'Your browser opens this page. If it does not, open it yourself:' : 'Open this page:')
  say(`  ${plain(complete)}`, 'cyan')
  say('')
  say('and check that it shows this code:')
  say(`  ${plain(userCode)}`, 'bold')
  say('')
  if (!output.stderr.isTTY || !settings.qr) return
  const lines = renderUnicodeCompact(complete, { border: 2 }).split('\n')
  // White on black, whatever the colours of the terminal: scanners need light around the code.
  if (lines[0]!.length < (output.stderr.columns ?? 80) - 2)
    say(lines.map((line) => `  ${whiteOnBlack(line)}`).join('\n'))
}

function whiteOnBlack(line: string): string {
  return `\u001b[97;40m${line}\u001b[0m`
}

async function waiting(device: DeviceCode, approval: Promise<Tokens>): Promise<Tokens> {
  const deadline = Date.now() + device.expiresInSeconds * 1000
  const left = () => (output.stderr.isTTY ? `, ${duration((deadline - Date.now()) / 1000)} left` : '')
  spin(() => `Waiting for you to approve${left()} …`)
  try {
    return await approval
  } finally {
    endSpinner()
  }
}

/** These members of a workload's session let later commands authenticate in the same way. */
function workloadOf(settings: Settings): Pick<StoredSession, 'workload' | 'workloadAudience'> {
  const { workload, workloadAudience } = settings
  if (workload === undefined) return {}
  return { workload: platformName(settings), ...(workloadAudience !== undefined && { workloadAudience }) }
}

function sessionOf(key: SessionClient, tokens: Tokens): StoredSession {
  if (tokens.accessToken === '') throw new Problem('The answer of the broker has no access token.')
  const { accessToken, expiresInSeconds, endsInSeconds, ...rest } = tokens
  const nowSeconds = Math.floor(Date.now() / 1000)
  return {
    ...key,
    accessToken,
    accessTokenExpiresAtSeconds: nowSeconds + expiresInSeconds,
    accessTokenSeconds: expiresInSeconds,
    signedInAtSeconds: nowSeconds,
    ...(endsInSeconds !== undefined && { endsAtSeconds: nowSeconds + endsInSeconds }),
    ...rest,
  }
}

/**
 * Stores the session in place of this client's previous one, and revokes the previous one, because no copy of it is left.
 *
 * @returns the default session; another login does not change it
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
    const { issuer, refreshToken, accessToken } = before
    // If the broker is out of reach, the previous session expires by itself.
    await revoke(issuer, callerOf(before), refreshToken ?? accessToken).catch(() => {})
  }
  return byDefault
}

function printLine(value: object): void {
  print(JSON.stringify(value))
}
