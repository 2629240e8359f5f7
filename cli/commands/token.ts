/**
 * `token-broker token`: an access token that is good now, for scripts and jobs.
 *
 * Owns when it is refreshed, and in which order: the room on the disk, the broker, the disk, and only then stdout. However
 * many run at once, one refreshes and the others read what it wrote. Until the next refresh token is on the disk the
 * one before it stays there: after a crash in between, a client with graceSeconds gets the same successor again.
 */

import type { Command } from '../command.ts'
import { changeSessions, credentialsPath, readSessions, type StoredSession } from '../credentials-file.ts'
import { isRefused, type Refused, refresh, refusal, type Tokens } from '../oauth.ts'
import type { Problem } from '../problem.ts'
import { choiceOf, notSignedIn, same, sessionOptions, theOne } from '../signed-in.ts'
import { print, printJson } from '../terminal.ts'

/** Refreshed ahead of expiry: by a fifth of its life, a minute at most. */
const aheadShare = 0.2
const mostAheadSeconds = 60
const longestAskedSeconds = 86_400

export const command: Command = {
  says: 'Prints an access token that is good now; refreshes it when it has to.',
  options: {
    ...sessionOptions,
    'valid-for': {
      takes: 'SECONDS',
      says: 'refresh it if it is good for less; a fifth of its life unless told, a minute at most',
    },
    refresh: { says: 'refresh it in any case' },
  },
  notes: [
    'curl -H "Authorization: Bearer $(token-broker token)" https://api.example.com/',
    'Exit code 3: sign in again. Exit code 4: the broker is out of reach, the session is kept.',
  ],
  run: async (input) => {
    const path = credentialsPath()
    const isMeant = choiceOf(input)
    const asked = input.number('valid-for', 0, longestAskedSeconds)
    const before = theOne(await readSessions(path), isMeant)
    const isGood = (session: StoredSession) =>
      input.flag('refresh') ? session.accessToken !== before.accessToken : isFresh(session, asked)
    const session = isGood(before) ? before : await refreshed(path, before, isGood)
    if (!input.flag('json')) return print(session.accessToken)
    const { accessToken, accessTokenExpiresAtSeconds, scope } = session
    printJson({
      access_token: accessToken,
      expires_in: Math.max(0, Math.floor(accessTokenExpiresAtSeconds - Date.now() / 1000)),
      ...(scope !== undefined && { scope }),
    })
  },
}

function isFresh(
  { accessTokenExpiresAtSeconds, accessTokenSeconds }: StoredSession,
  asked: number | undefined,
): boolean {
  // More than a new one would have cannot be had.
  const ahead = Math.min(asked ?? mostAheadSeconds, accessTokenSeconds * (asked === undefined ? aheadShare : 1) - 1)
  return accessTokenExpiresAtSeconds - Date.now() / 1000 > Math.max(0, ahead)
}

async function refreshed(path: string, wanted: StoredSession, isGood: (session: StoredSession) => boolean) {
  let result: StoredSession | undefined
  const look = async () => {
    result = (await readSessions(path)).find((session) => same(session, wanted) && isGood(session))
    return result !== undefined
  }
  await changeSessions(
    path,
    async ({ sessions, reserve, write }) => {
      const session = sessions.find((each) => same(each, wanted))
      if (session === undefined) throw notSignedIn('You are not signed in any more.')
      if (isGood(session)) {
        result = session
        return
      }
      if (session.refreshToken === undefined)
        throw notSignedIn('The session has no refresh token, and its access token has expired.')
      await reserve()
      const answer = await refresh(session.issuer, session.clientId, session.refreshToken)
      const others = sessions.filter((each) => each !== session)
      if (isRefused(answer)) {
        if (answer.error === 'invalid_grant') await write(others)
        throw ended(answer)
      }
      result = renewed(session, answer)
      await write([...others, result])
    },
    look,
  )
  return result!
}

function renewed({ refreshToken: spent, ...session }: StoredSession, tokens: Tokens): StoredSession {
  const refreshToken = tokens.refreshToken ?? spent
  return {
    ...session,
    accessToken: tokens.accessToken,
    accessTokenExpiresAtSeconds: Math.floor(Date.now() / 1000) + tokens.expiresInSeconds,
    accessTokenSeconds: tokens.expiresInSeconds,
    ...(refreshToken !== undefined && { refreshToken }),
  }
}

/** RFC 6749 §5.2: of the refusals only invalid_grant says that the session is over. */
function ended(refused: Refused): Problem {
  if (refused.error !== 'invalid_grant') return refusal(refused)
  return notSignedIn(`The session has ended${refused.description === '' ? '' : ` (${refused.description})`}.`)
}
