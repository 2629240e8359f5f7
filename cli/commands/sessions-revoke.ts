/**
 * `token-broker sessions revoke`: ends one session, or a person's, a client's, or all of an application.
 *
 * Owns the question before it, the repeats until it is complete, and what is said after it: how many, and from when on
 * it is sure. Repeating is harmless, so whatever interrupts it, the same again goes on.
 */

import { setTimeout as pause } from 'node:timers/promises'
import type { Input } from '../arguments.ts'
import { type Json, type OpsBroker, opsBroker } from '../broker.ts'
import type { Command } from '../command.ts'
import { exitCodes, Problem, UsageProblem } from '../problem.ts'
import { relative } from '../relative-time.ts'
import { type Session, sessionsIn } from '../sessions.ts'
import { opsOptions } from '../settings.ts'
import { confirm, endSpinner, hasPerson, plain, print, printJson, say, spin } from '../terminal.ts'

const mostCounted = 100
/** A sweep takes as long as a Lambda may; a person with a million sessions does not exist. */
const mostSweeps = 200
const betweenSweepsMs = 500

export const command: Command = {
  says: 'Ends sessions: they refresh no more, and userinfo and introspection do not know them.',
  words: ['[sid]'],
  options: {
    ...opsOptions,
    subject: { takes: 'SUB', says: 'all of this person' },
    client: { takes: 'CLIENT_ID', says: 'all of this client' },
    all: { says: 'all of the application' },
    reason: { takes: 'TEXT', says: 'why, for the audit log' },
    yes: { says: 'do not ask' },
  },
  notes: [
    'New sign-ins work at once. Access tokens that are out live on until they expire, at resource servers that do not ask.',
    'token-broker sessions revoke --application billing --subject alice --reason "laptop stolen"',
  ],
  run: async (input) => {
    const target = targetFrom(input)
    const broker = await opsBroker(input)
    if (!input.flag('yes')) await ask(broker, target)
    const reason = input.text('reason')
    const answer =
      'sid' in target
        ? await broker.call(
            'DELETE',
            `sessions/${encodeURIComponent(target.sid)}`,
            reason === undefined ? {} : { reason },
          )
        : await sweep(broker, { ...target, ...(reason !== undefined && { reason }) })
    if (input.flag('json')) printJson(answer)
    else print(told(target, broker, answer))
    if (answer.complete === false) {
      throw new Problem(
        'It is not complete yet.',
        exitCodes.unfinished,
        'Run the same command again; what is done stays done.',
      )
    }
  },
}

type Target =
  | { readonly sid: string }
  | { readonly subject: string }
  | { readonly client_id: string }
  | { readonly all: true }

function targetFrom(input: Input): Target {
  const [sid] = input.words
  const [subject, client] = [input.text('subject'), input.text('client')]
  const targets: Target[] = [
    ...(sid === undefined ? [] : [{ sid }]),
    ...(subject === undefined ? [] : [{ subject }]),
    ...(client === undefined ? [] : [{ client_id: client }]),
    ...(input.flag('all') ? [{ all: true } as const] : []),
  ]
  if (targets.length !== 1) throw new UsageProblem('Name what to revoke: one <sid>, --subject, --client or --all.')
  return targets[0]!
}

/** Says what it is about to end, and asks. @throws {Problem} when the answer is no, or nobody is there to ask */
async function ask(broker: OpsBroker, target: Target): Promise<void> {
  if (!hasPerson()) throw new UsageProblem('There is no terminal to ask on; --yes says that it is meant.')
  say(await outlook(broker, target))
  if (!(await confirm(`End ${nameOf(target, broker)}?`))) throw new Problem('Nothing was revoked.')
}

async function outlook(broker: OpsBroker, target: Target): Promise<string> {
  if ('sid' in target) {
    const { session } = await broker.call('GET', `sessions/${encodeURIComponent(target.sid)}`)
    const { sub = 'nobody yet', client_id, state, created_at } = session as Session
    return plain(`${sub} at ${client_id}, ${state}, began ${relative(created_at, Date.now())}`)
  }
  const { all: _, ...filter } = target as Readonly<Record<string, unknown>>
  const query = { ...(filter as Record<string, string>), state: 'active', limit: String(mostCounted) }
  const page = await broker.call('GET', 'sessions', query)
  const count = sessionsIn(page).length
  return typeof page.cursor === 'string' ? `More than ${count} sessions are active.` : `Active sessions: ${count}`
}

function nameOf(target: Target, { application }: OpsBroker): string {
  if ('sid' in target) return 'this session'
  if ('subject' in target) return `all sessions of ${plain(target.subject)} at ${application}`
  if ('client_id' in target) return `all sessions of the client ${plain(target.client_id)} of ${application}`
  return `ALL sessions of ${application}`
}

/** Goes on where the last answer ended, until it is complete: a sweep ends when the Lambda's time does. */
async function sweep(broker: OpsBroker, body: Json): Promise<Json> {
  let revoked: number | undefined
  let from: Json = {}
  if (process.stderr.isTTY) spin(() => `Revoking … ${revoked ?? ''}`)
  for (let sweeps = 1; ; sweeps += 1) {
    const answer = await broker.call('POST', 'sessions/revoke', {}, { ...body, ...from })
    if (typeof answer.revoked === 'number') revoked = (revoked ?? 0) + answer.revoked
    if (answer.complete !== false || sweeps === mostSweeps) {
      endSpinner()
      return { ...answer, ...(revoked !== undefined && { revoked }) }
    }
    if (sweeps === 1 && !process.stderr.isTTY) say('Revoking, in several sweeps …')
    // With it the moment stays the first one's: who signs in meanwhile stays signed in.
    if (typeof answer.cursor === 'string') from = { cursor: answer.cursor }
    await pause(betweenSweepsMs)
  }
}

function told(target: Target, broker: OpsBroker, { revoked, effective_at: effective, session }: Json): string {
  const when = typeof effective === 'string' ? ` In effect everywhere ${inWords(effective)}.` : ''
  if ('sid' in target) {
    const { state } = (session ?? {}) as Partial<Session>
    return revoked === 0 ? `It had ended already${state === undefined ? '' : ` (${plain(state)})`}.` : `Revoked.${when}`
  }
  const what = nameOf(target, broker)
  const whole = `${what[0]!.toUpperCase()}${what.slice(1)} that began before now are revoked.`
  return `${typeof revoked === 'number' ? `Sessions revoked: ${revoked}.` : whole}${when}`
}

function inWords(effective: string): string {
  const ms = Date.parse(effective) - Date.now()
  return ms <= 0 ? 'now' : `from ${effective} (${relative(effective, Date.now())})`
}
