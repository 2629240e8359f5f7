/** Who acts on a broker: honest programs, a thief, workers, a person, operators, and those who turn keys. */

import { maxRequestSeconds, recommendedGraceSeconds, refreshPlan } from '../../cli/refresh-plan.ts'
import type { Answer } from './broker.ts'
import { oneOf } from './chance.ts'
import { workerSecret } from './registry.ts'
import { credentialOf, shownIn } from './seen.ts'
import {
  Browser,
  codeFromSignIn,
  csrfIn,
  exchangeForm,
  proofOf,
  type Session,
  sessionFrom,
  sleep,
  take,
} from './session.ts'
import { virtual } from './virtual.ts'
import type { World } from './world.ts'

const minute = 60_000

function refreshForm(session: Session, token = session.refreshToken): Record<string, string> {
  return { ...proofOf(session.clientId), grant_type: 'refresh_token', refresh_token: token }
}

/** The token endpoint, or the route of this grant alone. */
function tokenPath(world: World, key: string, application: string, grant: 'refresh' | 'device' | 'code'): string {
  const isAlone = world.faults.chance(`route ${key}`).happens(0.5)
  return `/${application}/oauth/token${isAlone ? `/${grant}` : ''}`
}

/** Marks that somebody other than the honest owner acts on a session, so that losing it is no fault. */
function contest(world: World, sid: string): void {
  const family = world.seen.families.get(sid)
  if (family !== undefined) family.isContested = true
}

/** How long a program pauses between two refreshes. */
export const pauses = {
  mixed: [0, 10, 1_000, 3_000, 20_000, 45_000, 4 * minute, 16 * minute],
  /** About the idle lifetime of the scene `lifetimes`. */
  medium: [3 * minute, 6 * minute, 9 * minute, 10 * minute, 11 * minute],
  long: [4 * minute, 14 * minute, 20 * minute],
} as const

// --- the owner ------------------------------------------------------------------------------------------------------

/** How one refresh ended. `lost`: the broker says that the session is over. `none`: no try got an answer that helps. */
export type Refreshed = 'done' | 'lost' | 'none'

/** One refresh of an honest program, with the tries of `token-broker token` (docs/jobs.md#times). */
export async function refresh(world: World, name: string, session: Session): Promise<Refreshed> {
  const { isRepeatable, lastBeginMs, timeoutsMs } = refreshPlan(world.settings.graceSeconds)
  const beganMs = virtual.nowMs
  for (let tries = 0; ; tries += 1) {
    const answer = await world.request({
      ...{ key: `${name}.${tries}`, method: 'POST', path: tokenPath(world, name, session.application, 'refresh') },
      ...{ form: refreshForm(session), timeoutMs: timeoutsMs[Math.min(tries, 2)]!, mayComeTwice: isRepeatable },
    })
    if (answer?.status === 200) {
      take(session, answer.body)
      return 'done'
    }
    // A request that was delivered twice has proven the client before.
    const isReplay = answer?.body.error === 'invalid_client'
    if (answer !== undefined && answer.status < 500 && !isReplay) return 'lost'
    // Without grace, only an answer that says that nothing was spent may be followed by another try.
    const mayRepeat = isRepeatable || (answer !== undefined && !answer.isGateways && tries < 2)
    await sleep(answer === undefined ? 200 : 1_000)
    if (!mayRepeat || virtual.nowMs - beganMs > lastBeginMs) return 'none'
  }
}

/**
 * An honest program that refreshes from time to time. If requests may be held up, it lets half a minute pass before it uses a new
 * token: no earlier try of its own lives longer (cli/refresh-plan.ts, `maxRequestSeconds`), and one that comes after the
 * successor was used would be reuse.
 */
export async function owner(
  world: World,
  name: string,
  session: Session,
  rounds: number,
  pausesMs: readonly number[] = pauses.mixed,
): Promise<void> {
  const { graceSeconds, idleSeconds } = world.settings
  // Since when it is not known whether the refresh token was spent.
  let unsureSinceMs: number | undefined
  for (let round = 0; round < rounds && !session.isLost; round += 1) {
    const key = `${name}.${round}`
    const thinksMs = oneOf(world.faults.chance(key), pausesMs)
    await sleep(world.faults.mayDelay ? Math.max(thinksMs, maxRequestSeconds * 1_000) : thinksMs)
    if (!world.faults.acts(key)) continue
    const restedMs = virtual.nowMs - lastRotation(world, session.sid)
    const beganMs = virtual.nowMs
    const refreshed = await refresh(world, key, session)
    // Tries near the end of the grace, counted from a run before, may reach the broker after it, and are reuse then.
    const isLate = unsureSinceMs !== undefined && virtual.nowMs - unsureSinceMs > graceSeconds * 1_000 * 0.85
    if (isLate && refreshed === 'done') contest(world, session.sid)
    if (refreshed === 'done') unsureSinceMs = undefined
    else if (refreshed === 'none') unsureSinceMs ??= beganMs
    else {
      session.isLost = true
      const isOld = restedMs > idleSeconds * 1_000 - 30_000 || isOver(world, session.sid)
      if (isGraceEnough(world) && !isLate && !isOld && !isContested(world, session.sid)) {
        world.report('honest-keeps', `${key} lost its session`)
      }
    }
  }
}

/** A try that the program gave up may be held up for 9 s more, and clocks differ. After a shorter grace the try is reuse. */
export function isGraceEnough({ settings: { graceSeconds }, faults, maxSkewMs }: World): boolean {
  const isClockClear = 2 * maxSkewMs < graceSeconds * 1_000 * 0.1
  return isClockClear && graceSeconds >= (faults.mayDelay ? recommendedGraceSeconds : 1)
}

function lastRotation(world: World, sid: string): number {
  return world.seen.families.get(sid)?.family.rotatedAt ?? virtual.nowMs
}

export function isOver(world: World, sid: string): boolean {
  return virtual.nowMs + minute > (world.seen.families.get(sid)?.family.absoluteExpiresAt ?? 0)
}

export function isContested(world: World, sid: string): boolean {
  return world.seen.families.get(sid)?.isContested ?? true
}

/** The program ends its own session, with any token that it ever had (RFC 7009). */
export async function signOut(world: World, name: string, session: Session): Promise<void> {
  const chance = world.faults.chance(name)
  await sleep(chance.between(0, 5 * minute))
  if (!world.faults.acts(name)) return
  contest(world, session.sid)
  const token = chance.happens(0.7) ? session.refreshToken : oneOf(chance, [...session.tokens, session.accessToken])
  for (let tries = 0; tries < 4; tries += 1) {
    const answer = await world.request({
      ...{ key: `${name}.${tries}`, method: 'POST', path: `/${session.application}/oauth/revoke` },
      form: { ...proofOf(session.clientId), token },
    })
    // An access token that has run out by then ends nothing, and the answer is the same (RFC 7009 §2.2).
    if (answer?.status === 200 && shownIn(token) !== undefined) markEnded(world, session.sid)
    if (answer?.status === 200) return
    await sleep(2_000)
  }
}

function markEnded(world: World, sid: string, atMs = virtual.nowMs): void {
  const family = world.seen.families.get(sid)
  if (family !== undefined) family.endedAtMs = Math.min(family.endedAtMs ?? Number.POSITIVE_INFINITY, atMs)
}

// --- the thief ------------------------------------------------------------------------------------------------------

/** Copies a token at some moment, presents it at others, and goes on with what it gets. */
export async function thief(world: World, name: string, owners: Session): Promise<Session> {
  const chance = world.faults.chance(name)
  await sleep(oneOf(chance, [0, 500, 10_000, 2 * minute, 10 * minute]))
  const stolen = chance.happens(0.8) ? owners.refreshToken : oneOf(chance, owners.tokens)
  const own: Session = { ...owners, refreshToken: stolen, tokens: [stolen], isLost: false }
  for (let turn = 0; turn < 4; turn += 1) {
    await sleep(oneOf(chance, [0, 5, 500, 5_000, 40_000, 5 * minute]))
    if (!world.faults.acts(`${name}.${turn}`)) continue
    contest(world, owners.sid)
    const token = chance.happens(0.8) ? own.refreshToken : oneOf(chance, own.tokens)
    const answer = await world.request({
      ...{ key: `${name}.${turn}.0`, method: 'POST', path: tokenPath(world, name, own.application, 'refresh') },
      form: refreshForm(own, token),
    })
    if (answer?.status === 200) take(own, answer.body)
  }
  return own
}

// --- workers at a vault ---------------------------------------------------------------------------------------------

const workersBasic = `Basic ${Buffer.from(`worker:${encodeURIComponent(workerSecret)}`).toString('base64')}`

/** A worker exchanges the session's access token for the provider's, again and again (RFC 8693). */
export async function worker(world: World, name: string, session: Session, rounds: number): Promise<void> {
  const chance = world.faults.chance(name)
  let commonMs = virtual.nowMs
  for (let round = 0; round < rounds; round += 1) {
    // All ask at about the same moment, and often when the provider's token has to be refreshed.
    commonMs += oneOf(world.faults.chance(`workers.${round}`), [25_000, 49_000, 61_000])
    await sleep(commonMs - virtual.nowMs + chance.between(0, chance.happens(0.8) ? 15 : 5_000))
    if (!world.faults.acts(`${name}.${round}`)) continue
    await exchange(world, `${name}.${round}.0`, session)
  }
}

export function exchange(world: World, key: string, { accessToken }: Session): Promise<Answer | undefined> {
  return world.request({
    ...{ key, method: 'POST', path: '/demo/oauth/token', headers: { authorization: workersBasic } },
    form: {
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      subject_token: accessToken,
      subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
    },
  })
}

/** A resource server that asks about the session's tokens: introspection (RFC 7662) and userinfo (OIDC Core §5.3). */
export async function resourceServer(world: World, name: string, session: Session, rounds: number): Promise<void> {
  for (let round = 0; round < rounds; round += 1) {
    const key = `${name}.${round}`
    const chance = world.faults.chance(key)
    await sleep(oneOf(chance, [0, 1_000, 20_000, minute, 4 * minute]))
    if (!world.faults.acts(key)) continue
    const { accessToken, refreshToken, tokens, application } = session
    if (chance.happens(0.4)) {
      const headers = { authorization: `Bearer ${accessToken}` }
      await world.request({ key: `${key}.0`, method: 'GET', path: `/${application}/oauth/userinfo`, headers })
      continue
    }
    await world.request({
      ...{ key: `${key}.0`, method: 'POST', path: `/${application}/oauth/introspect` },
      headers: { authorization: workersBasic },
      form: { token: oneOf(chance, [accessToken, refreshToken, oneOf(chance, tokens)]) },
    })
  }
}

// --- operators ------------------------------------------------------------------------------------------------------

type Target = Pick<Session, 'application' | 'clientId' | 'sid'>
type EndedBy = 'session' | 'client' | 'person'
type Occasion = { readonly withinMs: number; readonly ways: readonly EndedBy[] }

/** An operator ends one session, or all of a client or a person, and reads when that takes effect. */
export async function operator(
  world: World,
  name: string,
  target: Target,
  sub: string,
  { withinMs, ways }: Occasion = { withinMs: 8 * minute, ways: ['session', 'client', 'client', 'person'] },
): Promise<void> {
  const chance = world.faults.chance(name)
  await sleep(chance.between(0, withinMs))
  if (!world.faults.acts(name)) return
  const by = oneOf(chance, ways)
  // All families may end by it, also those that are written meanwhile.
  world.seen.contestAll()
  for (let tries = 0, body = bodyFor(by, target, sub); tries < 12; tries += 1) {
    const answer = await endSessions(world, `${name}.${tries}`, by, target, body)
    const cursor = answer?.body.cursor
    if (answer?.status === 200 && cursor === undefined) {
      const inEffectMs = Math.max(virtual.nowMs, Date.parse(String(answer.body.effective_at)) + 2 * world.maxSkewMs)
      if (by === 'session') return markEnded(world, target.sid, inEffectMs)
      const upToMs = Date.parse(String(answer.body.revoked_before))
      const markAll = () => {
        for (const { family } of world.seen.families.values()) {
          if (family.createdAt <= upToMs && isEnded(family, by, target, sub)) markEnded(world, family.sid, inEffectMs)
        }
      }
      markAll()
      // A sign-in that began up to then may write its family later.
      await sleep(minute)
      return markAll()
    }
    body = typeof cursor === 'string' ? { ...body, cursor } : body
    await sleep(1_000)
  }
}

function isEnded(
  family: { clientId: string; application: string; subject?: string },
  by: EndedBy,
  { application, clientId }: Target,
  sub: string,
): boolean {
  if (family.application !== application) return false
  return by === 'client' ? family.clientId === clientId : family.subject === `${application} ${sub}`
}

function bodyFor(by: EndedBy, { clientId }: Target, sub: string): Record<string, string> {
  return by === 'client' ? { client_id: clientId } : { subject: sub }
}

function endSessions(
  world: World,
  key: string,
  by: EndedBy,
  { application, sid }: Target,
  body: object,
): Promise<Answer | undefined> {
  if (by === 'session') return world.request({ key, method: 'DELETE', path: `/${application}/sessions/${sid}` })
  return world.request({ key, method: 'POST', path: `/${application}/sessions/revoke`, json: body })
}

/** The keys are rotated; new ones are taken into use a quarter of an hour later. */
export async function keyRotation(world: World, name: string, times: number): Promise<void> {
  const chance = world.faults.chance(name)
  for (let turn = 0; turn < times; turn += 1) {
    await sleep(turn === 0 ? chance.between(0, 10 * minute) : chance.between(16 * minute, 25 * minute))
    if (world.faults.acts(`${name}.${turn}`)) await world.rotateKeys()
  }
}

/** A key is in wrong hands, and is retired. */
export async function keyRetirement(world: World, name: string): Promise<void> {
  const chance = world.faults.chance(name)
  await sleep(chance.between(0, 30 * minute))
  if (world.faults.acts(name)) await world.retireKeys(oneOf(chance, ['signing', 'signing', 'mac', 'all'] as const))
}

// --- a device and its person ----------------------------------------------------------------------------------------

/** A device asks for a code, its person decides, and the device polls until it has an answer (RFC 8628). */
export async function device(world: World, name: string, application: 'demo' | 'tenant'): Promise<Session | undefined> {
  const form = { client_id: 'job', scope: 'openid profile offline_access' }
  const started = await world.request({
    ...{ key: `${name}.start`, method: 'POST', path: `/${application}/oauth/device_authorization`, form },
  })
  if (started?.status !== 200) return undefined
  const code = String(started.body.device_code)
  const people = [person(world, `${name} person`, application, started)]
  if (world.faults.acts(`${name} second person`))
    people.push(person(world, `${name} second person`, application, started))
  let intervalMs = Number(started.body.interval) * 1_000
  let session: Session | undefined
  for (let poll = 0; poll < 12 && session === undefined; poll += 1) {
    await sleep(world.faults.chance(`${name} hurry ${poll}`).happens(0.1) ? 500 : intervalMs)
    const answer = await world.request({
      ...{ key: `${name}.${poll}`, method: 'POST', path: tokenPath(world, name, application, 'device') },
      form: { grant_type: 'urn:ietf:params:oauth:grant-type:device_code', client_id: 'job', device_code: code },
    })
    if (answer?.status === 200) session = sessionFrom(application, 'job', answer)
    else if (answer?.body.error === 'slow_down') intervalMs += 5_000
    else if (answer !== undefined && answer.status < 500 && answer.body.error !== 'authorization_pending') break
  }
  await Promise.all(people)
  return session
}

async function person(world: World, name: string, application: string, { body }: Answer): Promise<void> {
  const chance = world.faults.chance(name)
  await sleep(chance.between(500, 20_000))
  const approves = chance.happens(0.8)
  const sid = shownIn(String(body.device_code))!.sid
  const decide = (decision: 'approved' | 'denied') => {
    // Of two people the first counts; what matters is whether anybody approved.
    if (world.seen.decisions.get(sid) !== 'approved') world.seen.decisions.set(sid, decision)
  }
  if (application === 'tenant') {
    decide(approves ? 'approved' : 'denied')
    return world.provider.decide(approves)
  }
  const browser = new Browser(world, name)
  const question = await browser.open(String(body.verification_uri_complete))
  const csrf = csrfIn(question?.text ?? '')
  if (csrf === '') return
  if (approves) decide('approved')
  else decide('denied')
  const userCode = String(body.user_code)
  const decided = await browser.open('/demo/activate', {
    user_code: userCode,
    csrf,
    decision: approves ? 'approve' : 'deny',
  })
  const location = decided?.headers.location
  // A browser goes where it is sent.
  if (location === undefined) return
  const back = world.provider.signIn(location, 'ada')
  await browser.open(`/demo/oauth/callback?${back}`)
}

// --- a code that is exchanged ---------------------------------------------------------------------------------------

/** A program exchanges its code with retries, while a thief may have the code as well. */
export async function codeExchange(world: World, name: string, sub: string): Promise<Session | undefined> {
  const code = await codeFromSignIn(world, `${name} browser`, 'job', sub)
  if (code === undefined) return undefined
  const { isRepeatable } = refreshPlan(world.settings.graceSeconds)
  const form = exchangeForm('job', code)
  const sid = credentialOf({ request: { key: name, method: 'POST', path: '', form } })!.sid
  const steals = world.faults.acts(`${name} thief`) && world.faults.chance(`${name} thief`).happens(0.3)
  if (steals) contest(world, sid)
  const stolen = steals
    ? world.request({ key: `${name} thief.0`, method: 'POST', path: '/demo/oauth/token', form })
    : Promise.resolve(undefined)
  let session: Session | undefined
  for (let tries = 0; tries < (isRepeatable ? 3 : 1) && session === undefined; tries += 1) {
    const answer = await world.request({
      key: `${name}.${tries}`,
      method: 'POST',
      path: tokenPath(world, name, 'demo', 'code'),
      form,
      timeoutMs: 2_000,
    })
    if (answer?.status === 200) session = sessionFrom('demo', 'job', answer)
    else if (answer !== undefined && answer.status < 500) break
  }
  await stolen
  return session
}
