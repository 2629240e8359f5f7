/**
 * `token-broker logout`: ends the session at the broker and forgets it here.
 *
 * A session that the broker could not end is not forgotten, unless that is what is asked for.
 */

import type { Command } from '../command.ts'
import { changeSessions, credentialsPath, readSessions } from '../credentials-file.ts'
import { revoke } from '../oauth.ts'
import { same, sessionOptions, theOne } from '../signed-in.ts'
import { print, printJson } from '../terminal.ts'

export const command: Command = {
  says: 'Ends the session at the broker, and forgets it.',
  options: {
    ...sessionOptions,
    'only-forget': { says: 'forget it here and do not ask the broker, where it lives on until it expires' },
  },
  run: async (input) => {
    const path = credentialsPath()
    const session = theOne(await readSessions(path), input)
    const { issuer, clientId, refreshToken, accessToken, signedInAtSeconds } = session
    const isRevoked = !input.flag('only-forget') && session.ended === undefined
    // Any refresh token of the session ends it, also one that another process has spent meanwhile. Of a session without
    // one the access token does (RFC 7009 §2.1).
    if (isRevoked) await revoke(issuer, clientId, refreshToken ?? accessToken)
    await changeSessions(path, async ({ stored, write }) => {
      // A session that began meanwhile stays.
      const isEnded = (each: typeof session) => same(each, session) && each.signedInAtSeconds === signedInAtSeconds
      await write({ ...stored, sessions: stored.sessions.filter((each) => !isEnded(each)) })
    })
    if (input.flag('json')) return printJson({ issuer, client_id: clientId, revoked: isRevoked })
    if (isRevoked) return print(`Signed out of ${issuer}.`)
    print(session.ended ? `Forgotten: ${issuer}. It had ended.` : `Forgotten: ${issuer}. It was not ended there.`)
  },
}
