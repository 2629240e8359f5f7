/**
 * `token-broker logout`: ends the session at the broker and forgets it here.
 *
 * Owns that order: a session that the broker could not end is not forgotten, unless that is what is asked for.
 */

import type { Command } from '../command.ts'
import { changeSessions, credentialsPath } from '../credentials-file.ts'
import { revoke } from '../oauth.ts'
import { choiceOf, sessionOptions, theOne } from '../signed-in.ts'
import { print, printJson } from '../terminal.ts'

export const command: Command = {
  says: 'Ends the session at the broker, and forgets it.',
  options: {
    ...sessionOptions,
    'only-forget': { says: 'forget it here and do not ask the broker, where it lives on until it expires' },
  },
  run: async (input) => {
    await changeSessions(credentialsPath(), async ({ sessions, write }) => {
      const session = theOne(sessions, choiceOf(input))
      const isRevoked = !input.flag('only-forget')
      // Of a session without a refresh token the access token ends it as well (RFC 7009 §2.1).
      if (isRevoked) await revoke(session.issuer, session.clientId, session.refreshToken ?? session.accessToken)
      await write(sessions.filter((each) => each !== session))
      if (input.flag('json')) printJson({ issuer: session.issuer, client_id: session.clientId, revoked: isRevoked })
      else
        print(isRevoked ? `Signed out of ${session.issuer}.` : `Forgotten: ${session.issuer}. It was not ended there.`)
    })
  },
}
