/** `token-broker logout` */

import type { Command } from 'commander'
import { changeSessions, credentialsPath, readSessions } from '../credentials-file.ts'
import { revoke } from '../oauth.ts'
import type { JsonFlag } from '../settings.ts'
import { callerOf, type SessionSelector, same, selectSession, withSession } from '../signed-in.ts'
import { print, printJson } from '../terminal.ts'

type Settings = SessionSelector & JsonFlag & { readonly onlyForget?: true }

export function define(command: Command): void {
  withSession(command)
    .option('--only-forget', 'forget the session here only; at the broker it stays valid until it expires')
    .addHelpText(
      'after',
      '\nIf the broker cannot end the session, it is not forgotten, unless --only-forget is passed.',
    )
    .action(logout)
}

async function logout(settings: Settings): Promise<void> {
  const path = credentialsPath()
  const session = selectSession(await readSessions(path), settings)
  const { issuer, clientId, refreshToken, accessToken, signedInAtSeconds } = session
  const isRevoked = !settings.onlyForget && session.ended === undefined
  // Any refresh token of the session ends it, even one that another process has spent in the meantime. Without a refresh
  // token, the access token ends it (RFC 7009 §2.1).
  if (isRevoked) await revoke(issuer, callerOf(session), refreshToken ?? accessToken)
  await changeSessions(path, async ({ stored, write }) => {
    // Keep a session that was started in the meantime.
    const isEnded = (each: typeof session) => same(each, session) && each.signedInAtSeconds === signedInAtSeconds
    await write({ ...stored, sessions: stored.sessions.filter((each) => !isEnded(each)) })
  })
  if (settings.json) return printJson({ issuer, client_id: clientId, revoked: isRevoked })
  if (isRevoked) return print(`Signed out of ${issuer}.`)
  print(session.ended ? `Forgotten: ${issuer}. It had ended.` : `Forgotten: ${issuer}. It was not ended at the broker.`)
}
