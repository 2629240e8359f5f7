/**
 * `npm run demo`: shows in a few seconds, on a running stack, why the product exists. The demo fails if an answer differs
 * from the story.
 */

import type { Page } from './demo/browser.ts'
import { createNarrator } from './demo/narrator.ts'
import { approve } from './demo/person.ts'
import { call, type Reply, str } from './demo/program.ts'
import { Problem } from './problem.ts'
import { watchNpm } from './process/parent.ts'
import { startLocalStack } from './stack.ts'

const deviceGrant = 'urn:ietf:params:oauth:grant-type:device_code'
const client = { client_id: 'cli' }
const narrator = createNarrator(process.stdout)

for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => process.exit(130))
watchNpm(() => process.exit(130))

try {
  narrator.title('Token Broker: people sign in once, programs get tokens that are worth little to a thief')
  const stack = await startLocalStack({ functionLog: () => {}, log: (line) => narrator.aside(line) })
  try {
    await play(`${stack.url}/demo/oauth`)
  } finally {
    await stack.close()
  }
  process.exit(0)
} catch (error) {
  const told = error instanceof Problem || !(error instanceof Error) ? String(error) : (error.stack ?? error.message)
  process.stderr.write(`\nThe story went wrong: ${told}\n`)
  process.exit(1)
}

async function play(oauth: string): Promise<void> {
  const first = await signIn(oauth)
  const second = await refresh(oauth, first)
  await theft(oauth, first, second)
  await narrator.step('That is what the broker is for', [
    'A stolen refresh token does not work for long: sooner or later it is used twice, and then it works for nobody.',
    'The services behind the broker see only short-lived access tokens, and the broker never sees a password.',
    'Next: npm start, which prints the same flow as three commands to paste.',
  ])
}

type Tokens = { readonly access: string; readonly refresh: string }

async function signIn(oauth: string): Promise<Tokens> {
  await narrator.step('A program needs to act for a person', [
    'It has no browser and must not see a password. So it asks the broker for a code (RFC 8628).',
  ])
  const started = await call(`${oauth}/device_authorization`, { ...client, scope: 'openid profile offline_access' })
  expect(started.status === 200, 'the program gets a device code', started)
  narrator.wire('POST /demo/oauth/device_authorization', started, ['user_code', 'verification_uri'])

  const early = await call(`${oauth}/token`, {
    ...client,
    grant_type: deviceGrant,
    device_code: str(started, 'device_code'),
  })
  expect(str(early, 'error') === 'authorization_pending', 'the program gets nothing before the person agrees', early)
  narrator.wire('POST /demo/oauth/token', early, ['error'])

  await narrator.step('The person agrees, in their own browser', [
    'They compare the code, approve, and sign in at their organisation’s identity provider. It tells the broker who they are.',
  ])
  const page = await approve(str(started, 'verification_uri_complete'), 'alice')
  expect(page.status === 200, 'the page tells the person that it worked', { status: page.status, body: {} })
  narrator.quote('Alice', headingOf(page))

  await narrator.step('The program gets its tokens', [
    'An access token for five minutes, and a refresh token that is good exactly once.',
  ])
  const tokens = await call(`${oauth}/token`, {
    ...client,
    grant_type: deviceGrant,
    device_code: str(started, 'device_code'),
  })
  return tokensOf(tokens, 'the program gets tokens')
}

async function refresh(oauth: string, { refresh: presented }: Tokens): Promise<Tokens> {
  await narrator.step('Five minutes later it refreshes', [
    'It exchanges the refresh token for a new one. The old one stops working: there is only ever one.',
  ])
  const refreshed = await call(`${oauth}/token`, { ...client, grant_type: 'refresh_token', refresh_token: presented })
  const tokens = tokensOf(refreshed, 'the program gets new tokens')
  const who = await call(`${oauth}/userinfo`, undefined, tokens.access)
  expect(who.status === 200, 'the access token is valid', who)
  narrator.wire('GET /demo/oauth/userinfo', who, ['sub', 'name'])
  return tokens
}

async function theft(oauth: string, stolen: Tokens, current: Tokens): Promise<void> {
  await narrator.step('A thief has copied the old refresh token', [
    'From a log, a backup or a laptop. They try it. It was used before, so two parties have it. Who is the thief?',
  ])
  const grant = { ...client, grant_type: 'refresh_token' }
  const thief = await call(`${oauth}/token`, { ...grant, refresh_token: stolen.refresh })
  expect(str(thief, 'error') === 'invalid_grant', 'the thief gets nothing', thief)
  narrator.wire('POST /demo/oauth/token  (the thief)', thief, ['error'])

  await narrator.step('The broker cannot know, so it ends the whole session', [
    'All tokens of that sign-in stop working at once, by one write. The program has to ask Alice again.',
  ])
  const program = await call(`${oauth}/token`, { ...grant, refresh_token: current.refresh })
  expect(str(program, 'error') === 'invalid_grant', 'the newest refresh token is refused too', program)
  narrator.wire('POST /demo/oauth/token  (the program)', program, ['error'])
  const who = await call(`${oauth}/userinfo`, undefined, current.access)
  expect(who.status === 401, 'userinfo refuses the access token of the ended session', who)
  narrator.wire('GET /demo/oauth/userinfo', who, ['error'])
}

function tokensOf(reply: Reply, what: string): Tokens {
  expect(reply.status === 200, what, reply)
  narrator.wire('POST /demo/oauth/token', reply, ['access_token', 'expires_in', 'refresh_token'])
  return { access: str(reply, 'access_token'), refresh: str(reply, 'refresh_token') }
}

function headingOf({ html }: Page): string {
  return (/<h1[^>]*>([\s\S]*?)<\/h1>/.exec(html)?.[1] ?? '').replace(/<[^>]*>/g, '').trim()
}

function expect(holds: boolean, what: string, { status, body }: Reply): void {
  if (!holds) throw new Problem(`expected that ${what}, but the answer was ${status} ${JSON.stringify(body)}`)
}
