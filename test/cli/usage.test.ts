/** What all commands share: help, completion, hints, exit codes, colours. */

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
    ...['login', 'token', 'use', 'logout', 'check', 'apply', 'applications list', 'registry history', 'version'],
    ...['sessions list', 'sessions show', 'sessions history', 'sessions revoke', 'keys list', 'keys rotate'],
    ...['clients list', 'clients show', 'clients create', 'clients delete'],
    ...['clients rotate-secret', 'clients retire-secret'],
  ]
  test('every command is in the overview and has help, which is exit code 0', async (t) => {
    const tool = await commandLine(t)
    const { stdout: overview } = await tool.run()
    for (const name of names) {
      const [first = '', second = ''] = name.split(' ')
      assert.match(overview, new RegExp(`^  ${first} .*${second}`, 'm'))
    }
    const helps = await Promise.all(names.map((name) => tool.run(...name.split(' '), '--help')))
    for (const [at, { code, stdout, stderr }] of helps.entries()) {
      assert.deepEqual([code, stderr], [0, ''], names[at])
      assert.ok(stdout.startsWith(`Usage: token-broker ${names[at]} `))
      assert.match(stdout, /^ {2}--json /m)
    }
    assert.deepEqual(await tool.run('help', 'sessions', 'revoke'), await tool.run('sessions', 'revoke', '--help'))
  })

  test('commands, options and choices are completed in each shell', async (t) => {
    const tool = await commandLine(t)
    for (const shell of ['bash', 'zsh', 'fish']) {
      const { code, stdout } = await tool.runProcess('completion', shell)
      assert.deepEqual([code, stdout.includes('token-broker complete --')], [0, true], shell)
    }
    const completed = async (...words: readonly string[]) =>
      (await tool.runProcess('complete', '--', ...words)).stdout.split('\n').map((line) => line.split('\t')[0])
    assert.ok((await completed('sess')).includes('sessions'))
    assert.ok((await completed('sessions', 'rev')).includes('revoke'))
    assert.ok((await completed('sessions', 'revoke', '--sub')).includes('--subject'))
  })

  test('a hint names the command as the user typed it', async (t) => {
    const { stderr } = await (await commandLine(t, { npm_command: 'exec' })).runProcess('token')
    assert.match(stderr, /\nnpx @token-broker\/token-broker login\n/)
  })

  const wrong: readonly (readonly [words: string, hint: RegExp])[] = [
    ['tokn', /Did you mean token\?.*\ntoken-broker --help/],
    ['session list', /Did you mean sessions\?/],
    ['sessions', /Usage: token-broker sessions/],
    ['sessions lst', /Did you mean list\?.*\ntoken-broker sessions --help/],
    ['sessions list --subjet alice', /Did you mean --subject\?.*\ntoken-broker sessions list --help/],
    ['sessions list --subject', /--subject <sub>' argument missing/],
    ['sessions list --state happy', /active/],
    ['sessions show', /argument 'sid'/],
    ['token one two', /Too many arguments for 'token'/],
    ['token --valid-for soon', /--valid-for <seconds>.* whole number/],
    ['keys list', /--function NAME/],
    ['keys rotate --data-dir x --emergency all', /--reason/],
    ['completion tcsh', /bash/],
  ]
  for (const [words, hint] of wrong) {
    test(`“${words}” is exit code 2, with a hint`, async (t) => {
      const { code, stdout, stderr } = await (await commandLine(t)).run(...words.split(' '))
      assert.deepEqual([code, stdout], [2, ''])
      assert.match(stderr, hint)
    })
  }

  test('output is coloured on a terminal, and never with NO_COLOR', async (t) => {
    const home = join(await directory(t), 'home')
    const words = `sessions list --url ${broker.url} --state active --limit 1`
    await signedIn(await commandLine(t), broker.url)
    const [coloured, plain] = [
      onTerminal(t, words, { TOKEN_BROKER_HOME: home }),
      onTerminal(t, words, { NO_COLOR: '1' }),
    ]
    await Promise.all([coloured.ended, plain.ended])
    assert.ok(coloured.output.stdout.includes(`${escapeCharacter}[32mactive`))
    assert.ok(plain.output.stdout.includes('active') && !plain.output.stdout.includes(`${escapeCharacter}[3`))
  })

  test('a command whose reader closes the pipe ends quietly', async () => {
    const child = run('sh', [
      '-c',
      `${process.execPath} cli/token-broker.ts sessions list --all --url ${broker.url} | true`,
    ])
    assert.equal((await child.ended).code, 0)
    assert.equal(child.output.stderr.replace(/.*sessions.*\n?/g, ''), '')
  })
})
