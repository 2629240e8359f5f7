/**
 * `token-broker token`: prints a valid access token, for scripts and jobs. With `--workload` the job acts for itself, and
 * nothing is stored.
 *
 * A refresh reserves the disk space, asks the broker, stores the answer, and only then prints the token. If several
 * processes run at the same time, one refreshes and the others read what it stored.
 */

import type { Command } from 'commander'
import { clock } from '../clock.ts'
import { type Change, changeSessions, credentialsPath, readSessions, type StoredSession } from '../credentials-file.ts'
import { isRefused, NoAnswer, type Refused, refresh, refusal, type Tokens, tokensFor } from '../oauth.ts'
import { tokenInFile } from '../platforms/token-file.ts'
import { OutOfReach, Problem, UsageProblem } from '../problem.ts'
import { programName } from '../program-name.ts'
import { maxRequestSeconds, recommendedGraceSeconds } from '../refresh-plan.ts'
import { duration } from '../relative-time.ts'
import { applicationFrom, integer, type JsonFlag, urlFrom } from '../settings.ts'
import {
  callerOf,
  loginAgain,
  nameOf,
  notSignedIn,
  type SessionSelector,
  same,
  selectSession,
  withSession,
} from '../signed-in.ts'
import { plain, print, printJson, say } from '../terminal.ts'
import { platformName, type WorkloadSettings, withWorkload, workload } from '../workload.ts'

/** An access token is refreshed ahead of its expiry: by a fifth of its lifetime, but at most by a minute. */
const aheadShare = 0.2
const maxAheadSeconds = 60
const daySeconds = 86_400
const warnBeforeEndSeconds = 7 * daySeconds
const maxDays = 3_650

type Settings = SessionSelector & WorkloadSettings & OwnSettings & JsonFlag & SessionSettings
/** Options of a job that acts for itself. */
type OwnSettings = { readonly scope?: string; readonly audience?: string; readonly subjectTokenFile?: string }
type SessionSettings = {
  readonly validFor?: number
  readonly refresh?: true
  readonly minSessionDays?: number
}

export function define(command: Command): void {
  withWorkload(withSession(command))
    .option('--scope <scopes>', 'scopes to ask for, with --workload; none if not set')
    .option(
      '--audience <uri>',
      'API that the token is for, with --workload; the first audience of the client if not set',
    )
    .option('--subject-token-file <path>', 'exchange the access token in this file (RFC 8693), with --workload')
    .addOption(
      integer(
        '--valid-for <seconds>',
        'refresh the token if it expires sooner; a fifth of its lifetime if not set, a minute at most',
        0,
        daySeconds,
      ),
    )
    .option('--refresh', 'always refresh')
    .addOption(integer('--min-session-days <n>', 'exit code 3 if the session ends within this many days', 1, maxDays))
    .addHelpText(
      'after',
      `
With --workload the job acts for itself: it authenticates with the token of its platform, stores nothing, and needs --client-id.
  ${programName} token --workload github --client-id deploy --scope reports:read

Exit code 3: sign in again. Exit code 4: the broker is out of reach, the session is kept.
In the last week of a session, a warning on stderr says when it ends.

In a script, stop if there is no token. Keep it off command lines, which every user of the machine can read:
  token=$(${programName} token) || exit
  printf 'Authorization: Bearer %s\\n' "$token" | curl --fail -H @- https://api.example.com/`,
    )
    .action(printToken)
}

async function printToken(settings: Settings): Promise<void> {
  if (settings.workload !== undefined) return printOwnToken(settings)
  for (const name of ownOptions) {
    if (settings[name] !== undefined) {
      throw new UsageProblem(`${flagOf(name)} needs --workload. A session has the scopes and audiences of its sign-in.`)
    }
  }
  const path = credentialsPath()
  const before = selectSession(await readSessions(path), settings)
  assertAlive(before)
  const isGood = (session: StoredSession) =>
    settings.refresh ? session.accessToken !== before.accessToken : isFresh(session, settings.validFor)
  const session = isGood(before) ? before : await refreshed(path, before, isGood)
  assertLasting(session, settings.minSessionDays)
  if (!settings.json) return print(session.accessToken)
  const { accessToken, accessTokenExpiresAtSeconds, scope, endsAtSeconds } = session
  printJson({
    access_token: accessToken,
    expires_in: Math.max(0, Math.floor(accessTokenExpiresAtSeconds - nowSeconds())),
    ...(scope !== undefined && { scope }),
    ...(endsAtSeconds !== undefined && { session_ends_at: new Date(endsAtSeconds * 1000).toISOString() }),
  })
}

const noClientId = 'Pass --client-id ID or set TOKEN_BROKER_CLIENT_ID to say which client this is.'
const tokenExchange = 'urn:ietf:params:oauth:grant-type:token-exchange'
const accessTokenType = 'urn:ietf:params:oauth:token-type:access_token'

/** A job that acts for itself (RFC 6749 §4.4), or exchanges the token of another client (RFC 8693). @throws {Problem} */
async function printOwnToken(settings: Settings): Promise<void> {
  const { clientId, scope, audience, subjectTokenFile } = settings
  for (const name of sessionOptions) {
    if (settings[name] !== undefined) {
      throw new UsageProblem(`${flagOf(name)} applies to a session. With --workload there is none; leave it out.`)
    }
  }
  const platform = platformName(settings, clientId ? undefined : noClientId)
  if (!clientId) throw new UsageProblem(noClientId)
  const issuer = `${urlFrom(settings)}/${encodeURIComponent(applicationFrom(settings))}`
  const caller = workload(clientId, platform, issuer, settings)
  const subject = subjectTokenFile === undefined ? undefined : await tokenInFile(subjectTokenFile)
  const grant =
    subject === undefined
      ? { grant_type: 'client_credentials' }
      : { grant_type: tokenExchange, subject_token: subject, subject_token_type: accessTokenType }
  const tokens = await tokensFor(issuer, caller, { ...grant, scope, audience })
  if (tokens.accessToken === '') throw new Problem('The answer of the broker has no access token.')
  if (!settings.json) return print(tokens.accessToken)
  printJson({
    access_token: tokens.accessToken,
    expires_in: tokens.expiresInSeconds,
    ...(tokens.scope !== undefined && { scope: tokens.scope }),
  })
}

const ownOptions = ['scope', 'audience', 'subjectTokenFile', 'workloadAudience'] as const
const sessionOptions = ['validFor', 'refresh', 'minSessionDays'] as const

function flagOf(name: string): string {
  return `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`
}

const nowSeconds = () => clock.nowMs() / 1000
const dateOf = (seconds: number) => `${new Date(seconds * 1000).toISOString().slice(0, 16).replace('T', ' ')} UTC`

/** @throws {Problem} with the cause, at every run */
function assertAlive(session: StoredSession): void {
  if (session.ended === undefined) return
  const { atSeconds, why } = session.ended
  throw notSignedIn(
    `The session ${nameOf(session)} has ended (noticed at ${dateOf(atSeconds)}): ${why}`,
    loginAgain(session),
  )
}

/** @throws {Problem} when the session ends within `minDays` */
function assertLasting(session: StoredSession, minDays: number | undefined): void {
  const { endsAtSeconds } = session
  if (endsAtSeconds === undefined) {
    if (minDays !== undefined)
      say('The broker did not say when the session ends, so --min-session-days has no effect.', 'yellow')
    return
  }
  const leftSeconds = endsAtSeconds - nowSeconds()
  const words = `The session ${nameOf(session)} ends in ${duration(leftSeconds)}, at ${dateOf(endsAtSeconds)}.`
  if (minDays !== undefined && leftSeconds < minDays * daySeconds) throw notSignedIn(words, loginAgain(session))
  if (leftSeconds < warnBeforeEndSeconds) say(`${words} Sign in again before that: ${loginAgain(session)}`, 'yellow')
}

function isFresh(
  { accessTokenExpiresAtSeconds, accessTokenSeconds }: StoredSession,
  asked: number | undefined,
): boolean {
  // No token is valid for longer than its lifetime. Without this limit, each call would refresh.
  const ahead = Math.min(asked ?? maxAheadSeconds, accessTokenSeconds * (asked === undefined ? aheadShare : 1) - 1)
  const leftSeconds = accessTokenExpiresAtSeconds - nowSeconds()
  // More than its lifetime is left only after the clock was set back: the token may have expired.
  return leftSeconds > Math.max(0, ahead) && leftSeconds <= accessTokenSeconds
}

async function refreshed(
  path: string,
  wanted: StoredSession,
  isGood: (session: StoredSession) => boolean,
): Promise<StoredSession> {
  let result: StoredSession | undefined
  let waitSeconds = 0
  const look = async () => {
    const { sessions } = await readSessions(path)
    result = sessions.find((session) => same(session, wanted) && session.ended === undefined && isGood(session))
    return result !== undefined
  }
  const renew = async (change: Change) => {
    const session = change.stored.sessions.find((each) => same(each, wanted))
    if (session === undefined) throw notSignedIn('You are no longer signed in.', loginAgain(wanted))
    assertAlive(session)
    if (isGood(session)) result = session
    else waitSeconds = heldBackSeconds(session)
    if (result === undefined && waitSeconds === 0) result = await refreshStored(session, change)
  }
  for (;;) {
    await changeSessions(path, renew, look)
    if (result !== undefined) return result
    // Without the lock, and so that a signal ends the process at once.
    say(`An earlier refresh got no answer and may still arrive. The next one waits ${duration(waitSeconds)}.`, 'dim')
    await clock.pause(waitSeconds * 1000)
  }
}

/** @throws {Problem} */
async function refreshStored(session: StoredSession, { stored, reserve, write }: Change): Promise<StoredSession> {
  const { issuer, refreshToken, graceSeconds } = session
  const caller = callerOf(session)
  const store = (next: StoredSession) =>
    write({ ...stored, sessions: stored.sessions.map((each) => (each === session ? next : each)) })
  const storeOpen = (lostAtMs: number | undefined) =>
    store({
      ...session,
      unansweredAtSeconds: Math.floor(nowSeconds()),
      ...(lostAtMs !== undefined && { lostTryAtSeconds: Math.floor(lostAtMs / 1000) }),
    })
  if (refreshToken === undefined) {
    throw notSignedIn('The access token has expired, and the session has no refresh token.', loginAgain(session))
  }
  await reserve()
  let refreshed: Awaited<ReturnType<typeof refresh>>
  try {
    refreshed = await refresh(issuer, caller, refreshToken, graceSeconds)
  } catch (error) {
    if (!(error instanceof NoAnswer)) throw error
    if (!error.mayBeDone)
      throw new OutOfReach(`${error.message} The session is kept, and nothing was spent.`, error.hint)
    await storeOpen(error.lostAtMs)
    throw new OutOfReach(`${error.message} ${afterNoAnswer(graceSeconds)}`, error.hint)
  }
  const { answer, lostAtMs } = refreshed
  if (isRefused(answer)) {
    // RFC 6749 §5.2: only invalid_grant says that the session is over.
    if (answer.error !== 'invalid_grant') {
      if (lostAtMs !== undefined) await storeOpen(lostAtMs)
      throw refusal(answer, caller)
    }
    const over = ended(session, answer)
    await store(over)
    assertAlive(over)
  }
  const next = renewed(session, answer as Tokens, lostAtMs)
  await store(next)
  if (next.accessToken === '') throw new Problem('The answer of the broker has no access token. The session is kept.')
  return next
}

/**
 * How long the refresh token must not be sent, because an earlier try may still reach the broker. If that try presents the
 * previous token after this one was used, or, without grace, this one again, the broker takes it for reuse and ends the session
 * (docs/simulation.md#assumptions).
 */
function heldBackSeconds({ graceSeconds, lostTryAtSeconds = 0, previousTryAtSeconds = 0 }: StoredSession): number {
  const lastTryAtSeconds = Math.max(previousTryAtSeconds, graceSeconds === 0 ? lostTryAtSeconds : 0)
  const waitSeconds = Math.ceil(lastTryAtSeconds + maxRequestSeconds - nowSeconds())
  // It can be more only if the clock was set back.
  return waitSeconds > maxRequestSeconds ? 0 : Math.max(0, waitSeconds)
}

function afterNoAnswer(graceSeconds: number | undefined): string {
  const start = 'The refresh may have happened, so the refresh token may be spent. The session is kept;'
  if (graceSeconds === 0) {
    return `${start} but this client has graceSeconds 0: if the token is spent, the session ends at the next try. Set graceSeconds ${recommendedGraceSeconds} for the client.`
  }
  return `${start} run this again ${graceSeconds === undefined ? 'at once' : `within ${graceSeconds} s of its start`} to get the next token.`
}

function renewed(
  {
    refreshToken: spent,
    unansweredAtSeconds: _,
    lostTryAtSeconds,
    previousTryAtSeconds: __,
    ...session
  }: StoredSession,
  tokens: Tokens,
  lostAtMs: number | undefined,
): StoredSession {
  const previousTryAtSeconds = lostAtMs === undefined ? lostTryAtSeconds : Math.floor(lostAtMs / 1000)
  const { accessToken, expiresInSeconds, endsInSeconds, graceSeconds, refreshToken = spent } = tokens
  const now = Math.floor(nowSeconds())
  return {
    ...session,
    accessToken,
    accessTokenExpiresAtSeconds: now + expiresInSeconds,
    accessTokenSeconds: expiresInSeconds,
    ...(refreshToken !== undefined && { refreshToken }),
    ...(endsInSeconds !== undefined && { endsAtSeconds: now + endsInSeconds }),
    ...(graceSeconds !== undefined && { graceSeconds }),
    ...(previousTryAtSeconds !== undefined && { previousTryAtSeconds }),
  }
}

/** The session as ended, without its tokens. */
function ended(
  { refreshToken: _, unansweredAtSeconds, lostTryAtSeconds: __, ...session }: StoredSession,
  { description }: Refused,
): StoredSession {
  const lost =
    unansweredAtSeconds === undefined
      ? ''
      : ` A refresh at ${dateOf(unansweredAtSeconds)} got no answer, and the next one came after the grace of the client. Set graceSeconds ${recommendedGraceSeconds} for the client.`
  const why = `the broker refused its refresh token${description === '' ? '' : ` (${plain(description)})`}.${lost}`
  return {
    ...session,
    accessToken: '',
    accessTokenExpiresAtSeconds: 0,
    ended: { atSeconds: Math.floor(nowSeconds()), why },
  }
}
