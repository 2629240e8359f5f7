/**
 * What every command has in common: help, hints, exit codes, colours.
 */

import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { sharedBroker } from '../flows/support/shared-broker.ts'
import { run } from '../local/support/child.ts'
import { directory } from '../local/support/directory.ts'
import { commandLine, onTerminal, signedIn } from './support/command-line.ts'

const escapeCharacter = '\u001b'

const broker = await sharedBroker()

describe('every command', () => {
  const names = [
    ...[
      'login',
      'token',
      'use',
      'logout',
      'check',
      'apply',
      'sessions list',
      'sessions show',
      'sessions revoke',
      'clients list',
    ],
    ...['clients show', 'clients create', 'clients delete', 'clients rotate-secret', 'clients retire-secret'],
    ...['applications list', 'sessions history', 'registry history', 'keys list', 'keys rotate'],
  ]
  test('is in the overview and has help, which is exit code 0', async (t) => {
    const tool = await commandLine(t)
    const overview = await tool.run()
    const listed = [...overview.stdout.matchAll(/^ {2}([a-z]+(?: [a-z-]+)?) {2,}/gm)].map(([, name]) => name)
    assert.deepEqual(listed.sort(), [...names].sort())
    const helps = await Promise.all(names.map((name) => tool.run(...name.split(' '), '--help')))
    for (const [at, { code, stdout, stderr }] of helps.entries()) {
      assert.deepEqual([code, stderr], [0, ''], names[at])
      assert.ok(stdout.startsWith(`token-broker ${names[at]}`))
      assert.match(stdout, /^ {2}--json /m)
    }
  })

  const wrong: readonly (readonly [words: string, hint: RegExp])[] = [
    ['tokn', /Did you mean token-broker token\?/],
    ['session list', /Did you mean token-broker sessions/],
    ['sessions', /token-broker sessions revoke/],
    ['sessions lst', /Did you mean token-broker sessions list\?/],
    ['sessions list --subjet alice', /no option --subjet here\.\nDid you mean --subject\?/],
    ['sessions list --subject', /--subject needs a value/],
    ['sessions list --all=yes', /--all takes no value/],
    ['sessions show', /<sid> is missing\.\ntoken-broker sessions show --help/],
    [`sessions revoke --reason -${'A'.repeat(21)}`, /--reason needs a value/],
    ['token one two', /Unexpected argument: one/],
    ['token --valid-for soon', /--valid-for must be a number/],
    ['keys list', /--function NAME/],
    ['keys rotate --data-dir x --emergency all', /--reason/],
  ]
  for (const [words, hint] of wrong) {
    test(`“${words}” is exit code 2, with a hint`, async (t) => {
      const { code, stdout, stderr } = await (await commandLine(t)).run(...words.split(' '))
      assert.deepEqual([code, stdout], [2, ''])
      assert.match(stderr, hint)
    })
  }

  test('is in colour on a terminal, and never with NO_COLOR', async (t) => {
    const home = join(await directory(t), 'home')
    const words = `sessions list --url ${broker.url} --limit 1`
    await signedIn(await commandLine(t), broker.url)
    const [coloured, plain] = [
      onTerminal(t, words, { TOKEN_BROKER_HOME: home }),
      onTerminal(t, words, { NO_COLOR: '1' }),
    ]
    await Promise.all([coloured.ended, plain.ended])
    assert.ok(coloured.output.stdout.includes(`${escapeCharacter}[32mactive`))
    assert.ok(plain.output.stdout.includes('active') && !plain.output.stdout.includes(`${escapeCharacter}[3`))
  })

  test('whose reader hangs up ends quietly', async () => {
    const child = run('sh', [
      '-c',
      `${process.execPath} cli/token-broker.ts sessions list --all --url ${broker.url} | true`,
    ])
    assert.equal((await child.ended).code, 0)
    assert.equal(child.output.stderr.replace(/.*sessions.*\n?/g, ''), '')
  })
})
