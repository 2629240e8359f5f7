/** One run: a seed decides who acts, what goes wrong and when, and the invariants are checked all the way. */

import {
  codeExchange,
  device,
  exchange,
  isContested,
  isGraceEnough,
  isOver,
  keyRetirement,
  keyRotation,
  operator,
  owner,
  pauses,
  refresh,
  resourceServer,
  signOut,
  thief,
  worker,
} from './actors.ts'
import { loadFunctions } from './broker.ts'
import { chanceOf, oneOf } from './chance.ts'
import { Faults, faultPlanOf } from './faults.ts'
import type { Settings } from './registry.ts'
import { quietSession, type Session } from './session.ts'
import { virtual } from './virtual.ts'
import { type PlantedBug, type Violation, World } from './world.ts'

export type Run = {
  readonly seed: number
  readonly violations: readonly Violation[]
  /** Keys of all faults and actions that took place. */
  readonly taken: readonly string[]
  readonly trace: readonly string[]
  /** The same for each run of the same seed. */
  readonly digest: string
  readonly events: number
}

export type RunOptions = {
  /** Only these faults and actions take place; undefined: all. */
  readonly keep?: ReadonlySet<string> | undefined
  readonly keepsTrace?: boolean
  /** @default as the seed says */
  readonly scene?: Scene
  readonly bug?: PlantedBug | undefined
}

/** What a run is about. Those that are named twice are played more often. */
const scenes = [
  ...(['refresh', 'refresh', 'theft', 'theft', 'vault', 'vault', 'direct', 'ended', 'ended'] as const),
  ...(['lifetimes', 'keys', 'device', 'upstream', 'code'] as const),
]
type Scene = (typeof scenes)[number]

const maxEvents = 20_000

export async function runSchedule(seed: number, options: RunOptions = {}): Promise<Run> {
  const chance = chanceOf(seed, 'scene')
  const drawn = oneOf(chance, scenes)
  const { keep, keepsTrace = false, bug, scene = drawn } = options
  // The SDK makes an error for each request. Only a trace that is read needs the places of errors.
  Error.stackTraceLimit = keepsTrace ? 10 : 0
  const faults = new Faults(seed, faultPlanOf(seed), keep)
  const world = await World.create({
    ...{ seed, faults, keepsTrace, bug },
    settings: settingsOf(seed, scene),
    maxSkewMs: oneOf(chance, [0, 0, 300, 2_000]),
  })
  world.note(`${scene}, ${JSON.stringify(world.settings)}, clocks ${world.maxSkewMs} ms`)
  let isOver = false
  let failure: unknown
  play(world, scene).then(
    () => {
      isOver = true
    },
    (error: unknown) => {
      failure = error
    },
  )
  const events = await virtual.run(virtual.nowMs + 86_400_000, maxEvents)
  if (failure !== undefined) world.report('alive-again', `an actor failed: ${String(failure)}`)
  else if (!isOver)
    world.report('alive-again', events >= maxEvents ? 'it never comes to rest' : 'an actor waits for ever')
  const { violations, trace, digest } = world
  return { seed, violations, taken: faults.taken, trace, digest, events }
}

function settingsOf(seed: number, scene: Scene): Settings {
  const chance = chanceOf(seed, 'settings')
  const isShort = scene === 'lifetimes'
  return {
    graceSeconds: oneOf(chance, [0, 10, 30, 60]),
    revokeTokens: chance.happens(0.4),
    keepsProviderTokens: ['vault', 'upstream'].includes(scene) || chance.happens(0.2),
    idleSeconds: isShort ? 600 : 2_592_000,
    absoluteSeconds: isShort ? 1_800 : 31_536_000,
    provider: chance.happens(0.3) ? 'oidc' : 'oauth2',
  }
}

/** A session, and the copies of it that a thief has. */
type Cast = { readonly sessions: Session[]; readonly thieves: Promise<Session>[] }

async function play(world: World, scene: Scene): Promise<void> {
  const cast: Cast = { sessions: [], thieves: [] }
  await Promise.all([...(await actorsOf(world, scene, cast)), ...schedules(world)])
  await end(world, cast)
}

async function actorsOf(world: World, scene: Scene, cast: Cast): Promise<Promise<unknown>[]> {
  const chance = world.faults.chance('cast')
  const begin = async (name: string, clientId = 'job') => {
    const session = await quietSession(world, name, clientId, 'ada')
    cast.sessions.push(session)
    return session
  }
  const asked = (session: Session) =>
    chance.happens(0.3) ? [resourceServer(world, 'resource server', session, 5)] : []
  const others = chance.happens(0.3) ? [keyRotation(world, 'keys', 1)] : []
  switch (scene) {
    case 'refresh': {
      const session = await begin('job', chance.happens(0.3) ? 'signer' : 'job')
      return [owner(world, 'job', session, 8), ...asked(session), ...others]
    }
    case 'lifetimes': {
      const session = await begin('job')
      return [owner(world, 'job', session, 8, pauses.medium), ...others]
    }
    case 'keys': {
      const session = await begin('job')
      const retirement = chance.happens(0.6) ? [keyRetirement(world, 'retirement')] : []
      return [
        ...[owner(world, 'job', session, 8, pauses.long), keyRotation(world, 'turns', 3)],
        ...retirement,
        ...asked(session),
      ]
    }
    case 'theft': {
      const session = await begin('job')
      cast.thieves.push(thief(world, 'thief', session))
      return [owner(world, 'job', session, 6), ...cast.thieves, ...asked(session), ...others]
    }
    case 'vault': {
      const session = await begin('job')
      const workers = Array.from({ length: chance.between(2, 5) }, (_, at) => worker(world, `worker ${at}`, session, 3))
      return [
        owner(world, 'job', session, 2),
        ...workers,
        ...others,
        ...(chance.happens(0.3) ? [signOut(world, 'sign-out', session)] : []),
      ]
    }
    case 'direct': {
      const session = await begin('direct', 'direct')
      if (chance.happens(0.3)) cast.thieves.push(thief(world, 'thief', session))
      return [owner(world, 'direct', session, 5), ...cast.thieves, ...others]
    }
    case 'ended': {
      const [session, other] = [await begin('job'), await begin('second')]
      const ends = [signOut, (...given: [World, string, Session]) => operator(...given, 'ada')] as const
      return [
        ...[owner(world, 'job', session, 6), owner(world, 'second', other, 3), ...asked(session), ...others],
        ...ends.filter(() => chance.happens(0.6)).map((act, at) => act(world, `end ${at}`, session)),
      ]
    }
    default:
      return [beginning(world, scene, cast), ...others]
  }
}

/** Scenes in which faults strike while a session begins. */
async function beginning(world: World, scene: 'device' | 'upstream' | 'code', cast: Cast): Promise<void> {
  const isEnded = scene === 'code' && world.faults.chance('operator').happens(0.3)
  const job = { application: 'demo', clientId: 'job', sid: '' }
  const end = isEnded
    ? operator(world, 'operator', job, 'ada', { withinMs: 10_000, ways: ['person', 'client'] })
    : undefined
  const session =
    scene === 'code'
      ? await codeExchange(world, 'job', 'ada')
      : await device(world, 'device', scene === 'device' ? 'demo' : 'tenant')
  if (session !== undefined) {
    cast.sessions.push(session)
    await owner(world, 'job', session, 2)
  }
  await end
}

/** What EventBridge calls, while the run has its faults. */
function schedules(world: World): Promise<unknown>[] {
  return world.settings.revokeTokens ? [virtual.sleep(300_000).then(() => world.broker.runSchedule('schedule 1'))] : []
}

// --- the end --------------------------------------------------------------------------------------------------------

/** All faults are over. What should go on does, and what should have ended has. */
async function end(world: World, { sessions, thieves }: Cast): Promise<void> {
  world.faults.isOn = false
  world.note('the faults are over')
  const stolen = await Promise.all(thieves)
  // Longer than any grace, lease, back-off and cached registration.
  await virtual.sleep(120_000)
  for (const [at, session] of sessions.entries()) {
    if (stolen.length > 0) await expectOne(world, session, stolen[0]!)
    else await expectAlive(world, `end ${at}`, session)
  }
  if (world.settings.revokeTokens) await expectToldToProvider(world)
}

async function expectAlive(world: World, name: string, session: Session): Promise<void> {
  const { family } = world.seen.families.get(session.sid)!
  if (session.isLost || isContested(world, session.sid) || isOver(world, session.sid)) return
  if (virtual.nowMs - family.rotatedAt! > world.settings.idleSeconds * 1_000 - 60_000) return
  // The last try of the owner may have spent its token without an answer.
  const isSure = session.tokens.length === family.generation
  const refreshed = await refresh(world, name, session)
  if (isSure && isGraceEnough(world) && refreshed !== 'done' && !isContested(world, session.sid))
    world.report('alive-again', `${session.sid} is lost`)
  if (refreshed === 'done' && world.settings.keepsProviderTokens) await expectProviderToken(world, name, session)
}

/** The provider's token is there too, unless the provider has ended its grant. */
async function expectProviderToken(world: World, name: string, session: Session): Promise<void> {
  if (session.clientId !== 'job' || session.application !== 'demo') return
  const answer = await exchange(world, `${name} exchange`, session)
  if (answer?.status !== 200 && !isContested(world, session.sid))
    world.report('alive-again', `the provider's token of ${session.sid} is lost: ${answer?.text}`)
}

/** After the grace: the thief and the owner present what they hold, and then everything that anybody ever held. */
async function expectOne(world: World, owners: Session, thieves: Session): Promise<void> {
  const held = [...new Set([owners.refreshToken, thieves.refreshToken])]
  const all = [...new Set([...held, ...owners.tokens, ...thieves.tokens])]
  let lives = 0
  for (const [at, refreshToken] of [...held, ...all].entries()) {
    const session = { ...owners, refreshToken, tokens: [] }
    if ((await refresh(world, `last ${at}`, session)) === 'done') lives += 1
    // Past the grace, so that each of them is judged by its own.
    await virtual.sleep(61_000 + 2 * world.maxSkewMs)
  }
  if (lives > 1) world.report('thief-or-owner', `${lives} tokens were honoured one after the other`)
}

async function expectToldToProvider(world: World): Promise<void> {
  for (let turn = 0; turn < 2; turn += 1) {
    // What has failed is due again when the session has been over for twice as long.
    await virtual.sleep(Math.max(300_000, virtual.nowMs - world.startMs))
    await world.broker.runSchedule(`last schedule ${turn}`)
  }
  for (const { family } of world.seen.families.values()) {
    if (family.revocationDue !== undefined) world.report('provider-told', `${family.sid} is still due`)
    if (family.state === 'revoked' && family.revokedReason !== 'provider' && family.vault !== undefined) {
      world.report('provider-told', `${family.sid} still names a vault`)
    }
  }
}

/** Runs every scene once, for what is read from files or made at the first use only. */
export async function warmUp(): Promise<void> {
  await loadFunctions()
  // The very first ones may be over before a file was read.
  for (const scene of [scenes[0], scenes[0], ...new Set(scenes)]) {
    await runSchedule(1, { scene }).catch(() => undefined)
    await new Promise((resolve) => setImmediate(resolve))
  }
}
