/**
 * Whole flows in one call: from nothing to tokens, with a person who signs in and decides.
 *
 * Owns the order of the steps as contract.md §3 and local-stack.md tell it. Must not judge more than what it needs to go on.
 */
import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import type { Broker } from './broker.ts'
import { type Caller, cli, web } from './callers.ts'
import { authorizeUrl, type Extra, exchange, poll, startDevice } from './endpoints.ts'
import { expectTokens, string, type Tokens } from './expect.ts'
import { type Halt, type Page, Person } from './person.ts'

export type Started = {
  readonly deviceCode: string
  readonly userCode: string
  readonly verificationUri: string
  readonly verificationUriComplete: string
}

export type Session = Tokens & { readonly caller: Caller }

export type DeviceSession = Session & { readonly started: Started; readonly person: Person }

export type CodeSession = Session & { readonly code: string; readonly verifier: string | undefined }

export type Decision = 'approve' | 'deny'

export async function deviceCode(broker: Broker, caller: Caller = cli, extra: Extra = {}): Promise<Started> {
  const answer = await startDevice(broker, caller, extra)
  assert.equal(answer.status, 200, answer.text)
  return {
    deviceCode: string(answer.body, 'device_code'),
    userCode: string(answer.body, 'user_code'),
    verificationUri: string(answer.body, 'verification_uri'),
    verificationUriComplete: string(answer.body, 'verification_uri_complete'),
  }
}

/** A person opens the complete URI, signs in and decides; answers the last page. */
export async function decide(started: Started, decision: Decision, person = new Person()): Promise<Page> {
  return walk(person, await person.open(started.verificationUriComplete), { decision })
}

/** A person opens the plain URI and types a code. */
export async function type(person: Person, uri: string, userCode: string, decision: Decision): Promise<Page> {
  return walk(person, await person.open(uri), { userCode, decision })
}

export type Answers = { readonly userCode?: string; readonly decision?: Decision; readonly halt?: Halt }

/**
 * Fills in whatever form comes next, each kind once, until a page asks nothing that the person has not answered:
 * the user code, the decision, the provider's login, and what else the provider wants confirmed.
 */
export async function walk(person: Person, first: Page, { userCode, decision, halt }: Answers): Promise<Page> {
  const open = new Set(['decision', 'user_code', 'login', 'consent', 'more consent'])
  let page = first
  for (;;) {
    const step = nextStep(page, open, person, userCode, decision)
    if (!step) return page
    open.delete(step.question)
    page = await person.submit(page, step.form, step.values, step.button, halt)
  }
}

type Step = {
  readonly question: string
  readonly form: Page['forms'][number]
  readonly values: Record<string, string>
  readonly button?: string
}

function nextStep(
  page: Page,
  open: ReadonlySet<string>,
  person: Person,
  userCode: string | undefined,
  decision: Decision | undefined,
): Step | undefined {
  const asking = (name: string) =>
    open.has(name) ? page.forms.find(({ fields }) => fields.some((field) => field.name === name)) : undefined
  const deciding = page.forms.find(({ buttons }) => buttons.some(({ name }) => name === 'decision'))
  if (deciding) {
    return decision && open.has('decision')
      ? { question: 'decision', form: deciding, values: {}, button: decision }
      : undefined
  }
  const login = asking('login')
  if (login) return { question: 'login', form: login, values: { login: person.name, password: 'secret' } }
  const typing = asking('user_code')
  if (typing) return userCode ? { question: 'user_code', form: typing, values: { user_code: userCode } } : undefined
  const [rest] = page.forms
  const question = ['consent', 'more consent'].find((name) => open.has(name))
  const providers = page.url.pathname.includes('interaction')
  return rest && question && providers ? { question, form: rest, values: {} } : undefined
}

/** Device flow from start to tokens. */
export async function device(
  broker: Broker,
  caller: Caller = cli,
  extra: Extra = {},
  person = new Person(),
): Promise<DeviceSession> {
  const started = await deviceCode(broker, caller, extra)
  await decide(started, 'approve', person)
  const tokens = expectTokens(await poll(broker, caller, started.deviceCode))
  return { ...tokens, caller, started, person }
}

/** Authorization request, sign-in and back: the address that the browser was sent to at the end. */
export async function authorize(
  broker: Broker,
  caller: Caller = web,
  extra: Extra = {},
  person = new Person(),
): Promise<URL> {
  const page = await walk(person, await person.open(authorizeUrl(broker, caller, extra)), { decision: 'approve' })
  return page.url
}

/** The same, for the code alone. A public client's challenge must come in `extra`. */
export async function authorizationCode(
  broker: Broker,
  caller: Caller = web,
  extra: Extra = {},
  person = new Person(),
): Promise<string> {
  const landed = await authorize(broker, caller, extra, person)
  const code = landed.searchParams.get('code')
  assert.ok(code, `no code in ${landed}`)
  return code
}

/** Code flow from start to tokens, with PKCE where the client is public. */
export async function code(broker: Broker, caller: Caller = web, extra: Extra = {}): Promise<CodeSession> {
  const { verifier, parameters } = caller.auth === 'none' ? pkce() : { verifier: undefined, parameters: {} }
  const issued = await authorizationCode(broker, caller, { ...parameters, ...extra })
  const tokens = expectTokens(await exchange(broker, caller, issued, { code_verifier: verifier }))
  return { ...tokens, caller, code: issued, verifier }
}

export type Pkce = { readonly verifier: string; readonly parameters: Readonly<Record<string, string>> }

export function pkce(verifier = randomBytes(32).toString('base64url')): Pkce {
  const challenge = createHash('sha256').update(verifier).digest('base64url')
  return { verifier, parameters: { code_challenge: challenge, code_challenge_method: 'S256' } }
}
