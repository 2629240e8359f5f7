/** B19 of the cases: operators find a person and end all of their sessions. The broker runs in this process. */

import '../support/hasty-sweeps.ts'
import assert from 'node:assert/strict'
import { after, before, describe, type TestContext, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { startLocalStack } from '../../local/stack.ts'
import { createCodeFamily } from '../../shared/domain/new-family.ts'
import { mapWithConcurrency } from '../../shared/map-with-concurrency.ts'
import { processParts } from '../../shared/parts.ts'
import { randomId } from '../../shared/random.ts'
import { hashedEmail } from '../../shared/sign-in/person.ts'
import { commandLine, signedIn, type Variables } from './support/command-line.ts'

type Stack = Awaited<ReturnType<typeof startLocalStack>>
let stack: Stack
const log: string[] = []
before(async () => {
  stack = await startLocalStack({ functionLog: (line) => void log.push(line) })
})
after(() => stack.close())

const tool = (t: TestContext, variables: Variables = {}) =>
  commandLine(t, { TOKEN_BROKER_URL: stack.url, ...variables })

type Session = { readonly sid: string; readonly client_id: string; readonly state: string; readonly sub: string }
const listed = (body: Readonly<Record<string, unknown>>) => body.sessions as readonly Session[]

let people = 0
/** Somebody who is nobody else. */
const newPerson = () => `person-${++people}`
async function signIn(t: TestContext, person: string, clients: readonly string[] = ['job']): Promise<void> {
  const home = await commandLine(t)
  for (const clientId of clients) await signedIn(home, stack.url, { clientId, person })
}

/** A session as callback leaves it, without the way through the browser. */
async function opened(application: string, sub: string, email?: string, clientId = 'cli'): Promise<void> {
  const client = await processParts().registrations.client(application, clientId)
  assert.ok(client)
  const family = createCodeFamily({
    ...{
      sid: randomId(),
      saltHash: 'h'.repeat(43),
      writeId: randomId(),
      application,
      clientId,
      scopes: ['offline_access'],
    },
    ...{ audiences: ['https://api.example.test'], startedFrom: '192.0.2.7', codeLifetimeSeconds: 600, limits: client },
    ...{ now: Date.now(), redirectUri: 'https://app.example/cb' },
    person: { sub, claims: { name: 'Grace Hopper', ...(email !== undefined && { email }) } },
    emailHash: email === undefined ? undefined : await hashedEmail(processParts(), application, email),
  })
  assert.ok(await processParts().families.create(family))
}

describe('a person is found', () => {
  test('a person is found by the e-mail address of their sign-in in any case, at one or all applications', async (t) => {
    const person = newPerson()
    await signIn(t, person)
    const ops = await tool(t)
    const email = `${person.toUpperCase()}@example.test`
    const found = await ops.json('sessions', 'list', '--email', email)
    assert.deepEqual(
      listed(found.body).map(({ sub, client_id }) => [sub, client_id]),
      [[person, 'job']],
    )
    await opened('auth0like', 'auth0|7', `${person}@example.test`)
    const everywhere = await ops.run('sessions', 'list', '--email', email, '--all-applications')
    assert.equal(everywhere.code, 0)
    assert.match(everywhere.stdout, /^auth0like\n[\s\S]*auth0\|7[\s\S]*^demo\n/m)
    assert.match(everywhere.stderr, /userdocs keeps no e-mail addresses/)
    const asJson = await ops.json('sessions', 'list', '--email', email, '--all-applications')
    assert.deepEqual(asJson.body.not_searched, ['userdocs'])
    for (const more of [[], ['--all']]) {
      const nowhere = await ops.run('sessions', 'list', '--email', email, '--application', 'userdocs', ...more)
      assert.deepEqual([nowhere.code, nowhere.stdout], [1, ''], nowhere.stderr)
    }
  })

  test('a person is found by a part of their name or address in any case', async (t) => {
    const person = newPerson()
    await opened('demo', `${person}-sub`, `grace.${person}@example.test`)
    const ops = await tool(t)
    for (const name of [`GRACE.${person}`, `${person}-SUB`]) {
      const { body } = await ops.json('sessions', 'list', '--name', name)
      assert.deepEqual(
        listed(body).map(({ sub }) => sub),
        [`${person}-sub`],
        name,
      )
    }
    assert.ok(listed((await ops.json('sessions', 'list', '--name', 'hopper')).body).length > 0)
  })

  test('a search leaves no address in the log', async (t) => {
    const person = newPerson()
    await signIn(t, person)
    await (await tool(t)).json('sessions', 'list', '--email', `${person}@example.test`)
    assert.ok(log.some((line) => line.includes('/{application}/sessions')))
    assert.ok(!log.join('\n').includes(`${person}@example.test`))
  })
})

describe('everything of a person ends by one command', () => {
  test('B19 all sessions of a person end: at two applications, 120 sessions, one with another address, one that begins meanwhile', async (t) => {
    const person = newPerson()
    const email = `${person}@example.test`
    const all: readonly (readonly [application: string, sub: string, email: string])[] = [
      ...Array.from({ length: 60 }, () => ['demo', person, email] as const),
      ...Array.from({ length: 59 }, () => ['auth0like', `auth0|${person}`, email] as const),
      ['demo', person, `former.${email}`] as const,
    ]
    await mapWithConcurrency(all, 16, (one) => opened(...one))
    await opened('demo', 'bystander', `other.${email}`)
    const ops = await tool(t)
    const words = [
      'sessions',
      'revoke',
      '--email',
      email,
      '--all-applications',
      '--reason',
      'has left',
      '--yes',
    ] as const
    const began = log.length
    const running = ops.start(...words, '--json')
    // They sign in once more when their sessions of before are ending.
    while (!log.slice(began).some((line) => line.includes('"event":"session.revoked"'))) await pause(20)
    await pause(50)
    await opened('demo', person, email)
    const { code } = await running.ended
    const body = JSON.parse(running.output.stdout) as Record<string, unknown>
    assert.deepEqual([code, body.revoked, body.live, body.complete], [0, 121, 0, true], running.output.stderr)
    assert.ok(Date.parse(String(body.access_tokens_until)) > Date.now())
    for (const application of ['demo', 'auth0like']) {
      const subject = application === 'demo' ? person : `auth0|${person}`
      const left = await ops.json('sessions', 'list', '--application', application, '--subject', subject, '--all')
      assert.deepEqual([...new Set(listed(left.body).map(({ state }) => state))], ['revoked'])
    }
    const other = listed((await ops.json('sessions', 'list', '--subject', 'bystander')).body)
    assert.ok(other.every(({ state }) => state === 'approved'))

    const again = await ops.run(...words)
    assert.deepEqual([again.code, /had ended already.*no live session/.test(again.stdout)], [0, true])
  })

  test('an application that cannot be searched by address is exit code 5', async (t) => {
    const person = newPerson()
    await signIn(t, person)
    await opened('userdocs', person, undefined, 'userdocs')
    const { code, stderr, stdout } = await (await tool(t)).run(
      ...['sessions', 'revoke', '--email', `${person}@example.test`, '--all-applications', '--yes'],
    )
    assert.equal(code, 5)
    assert.match(stdout, /Sessions revoked: 1\./)
    assert.doesNotMatch(stdout, /no live session/)
    assert.match(stderr, /userdocs keeps no e-mail addresses/)
  })

  test('sessions show says who ended a session, and why', async (t) => {
    const person = newPerson()
    await signIn(t, person)
    const ops = await tool(t)
    await ops.run('sessions', 'revoke', '--subject', person, '--reason', 'has left', '--yes')
    const [{ sid }] = listed((await ops.json('sessions', 'list', '--subject', person)).body) as [Session]
    const { stdout } = await ops.run('sessions', 'show', sid)
    assert.match(stdout, /^revoked_by +arn:aws:iam::\d+:user\/local$/m)
    assert.match(stdout, /^revoked_note +has left$/m)
  })
})

describe('nothing that matches is exit code 1', () => {
  test('list and revoke of an unknown subject suggest one that differs only in case', async (t) => {
    const person = newPerson()
    await signIn(t, person)
    const ops = await tool(t)
    const typed = person.toUpperCase()
    for (const words of [
      ['sessions', 'list', '--subject', typed],
      ['sessions', 'revoke', '--subject', typed, '--yes'],
    ]) {
      const { code, stderr } = await ops.run(...words)
      assert.equal(code, 1, words.join(' '))
      assert.match(stderr, new RegExp(`There is a subject ${person}; subjects are case-sensitive\\.`))
    }
  })

  test('list and revoke of an unknown client suggest one that differs only in case', async (t) => {
    const ops = await tool(t)
    for (const words of [
      ['sessions', 'list', '--client', 'Job'],
      ['sessions', 'revoke', '--client', 'Job', '--yes'],
    ]) {
      const { code, stderr } = await ops.run(...words)
      assert.equal(code, 1, words.join(' '))
      assert.match(stderr, /There is a client job; client ids are case-sensitive\./)
    }
  })

  test('an unknown name or address is exit code 1; a person whose sessions have all ended is known', async (t) => {
    const ops = await tool(t)
    assert.equal((await ops.run('sessions', 'list', '--name', 'nobody at all')).code, 1)
    const { code, stderr } = await ops.run('sessions', 'revoke', '--email', 'nobody@example.test', '--yes')
    assert.deepEqual([code, /no session of nobody@example\.test/.test(stderr)], [1, true])
    const person = newPerson()
    await signIn(t, person)
    const revoke = ['sessions', 'revoke', '--subject', person, '--yes'] as const
    assert.equal((await ops.run(...revoke)).code, 0)
    const again = await ops.run(...revoke)
    assert.deepEqual([again.code, /had ended already/.test(again.stdout)], [0, true])
  })
})

describe('what lives on', () => {
  test('revoke says in local time when the last access tokens expire', async (t) => {
    const person = newPerson()
    await signIn(t, person, ['job', 'job'])
    const ops = await tool(t, { TZ: 'Asia/Kolkata' })
    const [{ sid }] = listed((await ops.json('sessions', 'list', '--subject', person)).body) as [Session]
    const line = /^The last access tokens expire by (?:\d+ \w+ \d{4}(?: at|,) )?\d\d:\d\d (?:GMT\+5:30|IST)\.$/m
    for (const words of [[sid], ['--subject', person], ['--client', 'web']]) {
      const { code, stdout } = await ops.runProcess('sessions', 'revoke', ...words, '--yes')
      assert.equal(code, 0)
      assert.match(stdout, line)
    }
  })
})
