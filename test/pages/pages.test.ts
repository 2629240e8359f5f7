/**
 * What holds for every page without a browser: statuses, headers, structure, and that no input changes the structure.
 */

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { type CodeProblem, confirmDevice, enterCode } from '../../shared/pages/device.ts'
import { forDevelopers, inWords, originSource, page } from '../../shared/pages/page.ts'
import { wronglySetUp } from '../../shared/pages/problems.ts'
import {
  action,
  everydayWords,
  everyPage,
  logo,
  providerOrigin,
  supportUrl,
  type Words,
  wordNames,
} from './every-page.ts'
import { hostile } from './hostile.ts'

const pages = everyPage(everydayWords)
const look = { language: 'en', applicationName: 'Harbour' } as const
/** Pages of an application with a logo and an accent of its own. */
const isDecorated = (name: string) =>
  !['confirm-plain', 'problem', 'unknown-application', 'server-error-anywhere'].includes(name)

const statuses: Record<string, number> = {
  'enter-code': 200,
  'enter-code-filled': 200,
  'enter-code-unknown': 400,
  'enter-code-used': 400,
  'enter-code-expired': 400,
  'enter-code-missing': 400,
  'enter-code-length': 400,
  'enter-code-alphabet': 400,
  confirm: 200,
  'confirm-plain': 200,
  connected: 200,
  'connected-nameless': 200,
  denied: 200,
  client: 200,
  'client-app': 200,
  'client-site': 200,
  'too-many-attempts': 429,
  problem: 400,
  'unknown-application': 404,
  'bad-request': 413,
  'client-missing': 400,
  'client-unknown': 400,
  'redirect-missing': 400,
  'redirect-unregistered': 400,
  'foreign-session': 400,
  'stale-form': 400,
  'code-refused': 400,
  'sign-in-lost-elsewhere': 400,
  'code-expired': 400,
  'code-used': 400,
  'provider-unavailable': 503,
  'needs-operator': 503,
  'result-gone': 410,
  'provider-refused': 403,
  'provider-unexpected': 400,
  'server-error': 500,
  'server-error-anywhere': 500,
}

const retryAfter: Record<string, string> = {
  'too-many-attempts': '240',
  'provider-unavailable': '30',
}

/** By how the page's name begins; the first that fits counts. */
const formTargets: readonly (readonly [string, string])[] = [
  ['enter-code', "'self'"],
  ['confirm', "'self' https:"],
  ['client-app', "'self' https: com.example.app:"],
  ['client-site', "'self' https:"],
  ['client-missing', "'none'"],
  ['client-unknown', "'none'"],
  ['client', "'self' https: http:"],
]

describe('every page', () => {
  it('has its status, and Retry-After where waiting helps', () => {
    assert.deepEqual(Object.fromEntries([...pages].map(([name, { status }]) => [name, status])), statuses)
    for (const [name, { headers }] of pages) assert.equal(headers['retry-after'], retryAfter[name], name)
  })

  it('is not cached, sniffed, framed or told about to others', () => {
    for (const { headers } of pages.values()) {
      const { 'content-security-policy': _, 'retry-after': __, ...rest } = headers
      assert.deepEqual(rest, {
        'content-type': 'text/html; charset=utf-8',
        'cache-control': 'no-store',
        'referrer-policy': 'no-referrer',
        'x-content-type-options': 'nosniff',
        'x-frame-options': 'DENY',
        'cross-origin-opener-policy': 'same-origin',
        'cross-origin-resource-policy': 'same-origin',
      })
    }
  })

  it('may load nothing but its own stylesheets, named by their hashes, and its own logo, and send forms nowhere but where it must', () => {
    for (const [name, { headers, html }] of pages) {
      const styles = [...html.matchAll(/<style>(.*?)<\/style>/gs)].map(([, style = '']) => style)
      assert.equal(styles.length, isDecorated(name) ? 2 : 1, name)
      const hashes = styles.map((style) => `'sha256-${createHash('sha256').update(style).digest('base64')}'`)
      const pictures = isDecorated(name) ? ' img-src data:;' : ''
      const targets = formTargets.find(([start]) => name.startsWith(start))?.[1] ?? "'none'"
      assert.equal(
        headers['content-security-policy'],
        `default-src 'none'; style-src ${hashes.join(' ')};${pictures} form-action ${targets}; base-uri 'none'; frame-ancestors 'none'`,
        name,
      )
    }
  })

  it('without TLS, on a laptop, the question leads to the provider and to no other host', () => {
    const question = everyPage(everydayWords, 'http://127.0.0.1:8788').get('confirm')
    assert.match(question?.headers['content-security-policy'] ?? '', /form-action 'self' http:\/\/127\.0\.0\.1:8788;/)
  })

  it('says its language, its title, one heading, and the name of the application', () => {
    for (const [name, { html }] of pages) {
      assert.match(html, /^<!doctype html>\n<html lang="en">/, name)
      assert.match(html, /<meta name="viewport" content="width=device-width, initial-scale=1">/, name)
      assert.equal(html.match(/<h1>/g)?.length, 1, name)
      assert.equal(html.match(/<main>/g)?.length, 1, name)
      const nameless = ['problem', 'unknown-application', 'server-error-anywhere'].includes(name)
      const applicationName = nameless ? 'Sign-in' : everydayWords.applicationName
      assert.ok(html.includes(`<bdi>${applicationName}</bdi></header>`), name)
      assert.match(html, new RegExp(`<title>[^<]+ – ${applicationName}</title>`), name)
    }
  })

  it('runs no script, styles no element by itself, and leads to no other site than the application’s help', () => {
    for (const [name, { html }] of pages) {
      const tags = tagsOf(html)
      for (const tag of tags) {
        assert.doesNotMatch(tag, /^<(script|link|iframe|object|embed|base|meta http-equiv)/i, name)
        assert.doesNotMatch(tag, / (on\w+|style|srcset|formaction|target)[=\s>]/i, name)
        const target = / (?:href|action|src)="([^"]*)"/.exec(tag)?.[1]
        assert.ok(target === undefined || [action, supportUrl, logo].includes(target), `${name}: ${target}`)
      }
      assert.doesNotMatch(html, /url\(|@import/, name)
    }
  })

  it('gives every field a label, every button words, every id once, and every reference a target', () => {
    for (const [name, { html }] of pages) {
      const ids = [...html.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id)
      assert.equal(new Set(ids).size, ids.length, name)
      for (const [, references = ''] of html.matchAll(/ (?:for|aria-describedby|aria-labelledby)="([^"]+)"/g))
        for (const reference of references.split(' ')) assert.ok(ids.includes(reference), `${name}: ${reference}`)
      for (const [field] of html.matchAll(/<input[^>]*>/g)) {
        if (field.includes('type="hidden"')) continue
        const id = / id="([^"]+)"/.exec(field)?.[1]
        assert.match(html, new RegExp(`<label for="${id}">[^<]+</label>`), name)
      }
      for (const [, words = ''] of html.matchAll(/<button[^>]*>(.*?)<\/button>/gs)) assert.match(words, /^\w/, name)
    }
  })

  it('announces a problem', () => {
    for (const [name, { status, html }] of pages)
      assert.equal(html.match(/ role="alert"/g)?.length ?? 0, status === 200 ? 0 : 1, name)
  })

  it('keeps its structure whatever the words are', () => {
    const words = fc.record(
      Object.fromEntries(wordNames.map((name) => [name, hostile])) as Record<keyof Words, typeof hostile>,
    )
    const skeletons = new Map([...pages].map(([name, { html }]) => [name, skeletonOf(html)]))
    fc.assert(
      fc.property(words, (hostileWords) => {
        for (const [name, { html }] of everyPage(hostileWords))
          assert.deepEqual(skeletonOf(html), skeletons.get(name), name)
      }),
    )
  })
})

describe('the page for a code', () => {
  const form = { look, action, csrf: 'x' }

  it('shows a wrong code in the message, and leaves the field empty', () => {
    for (const kind of ['unknown', 'length'] as const) {
      const { html } = enterCode({ ...form, problem: { kind, typed: 'WDJB-MJHT' } })
      assert.match(html, /role="alert">[^/]*<bdi>WDJB-MJHT<\/bdi>/)
      assert.doesNotMatch(/<input[^>]* id="user_code"[^>]*>/.exec(html)?.[0] ?? '', / value=/)
    }
  })

  it('tells a code of a wrong length or alphabet apart from an unknown one', () => {
    const problems: CodeProblem[] = [
      { kind: 'unknown', typed: 'AAAA' },
      { kind: 'length', typed: 'AAAA' },
      { kind: 'alphabet', typed: 'AAAA', invalidCharacters: ['A'] },
    ]
    const messages = problems.map(
      (problem) => /role="alert">(.*?)<\/p>/.exec(enterCode({ ...form, problem }).html)?.[1],
    )
    assert.equal(new Set(messages).size, 3)
  })

  it('shows no more of what was typed than a person can have meant', () => {
    const { html } = enterCode({ ...form, problem: { kind: 'length', typed: 'B'.repeat(5000) } })
    assert.match(html, /<bdi>B{24}…<\/bdi>/)
  })

  it('helps to type it, and keeps browsers from filling in or mending it', () => {
    const field = /<input[^>]*>/.exec(enterCode(form).html)?.[0] ?? ''
    for (const attribute of ['name="user_code"', 'inputmode="text"', 'autocomplete="off"', 'spellcheck="false"'])
      assert.ok(field.includes(attribute), attribute)
    assert.match(field, /autocapitalize="characters".* required autofocus/s)
  })

  it('ties the message to the field', () => {
    const { html } = enterCode({ ...form, problem: { kind: 'expired' } })
    assert.match(html, /<p class="notice bad" id="problem" role="alert">That code is too old\./)
    assert.match(html, / aria-invalid="true" aria-describedby="problem hint">/)
  })
})

describe('the page that asks', () => {
  const question = {
    ...everydayWords,
    action,
    providerOrigin,
    startedFrom: '203.0.113.7',
    startedSecondsAgo: 130,
    isSameNetwork: false,
    look: {
      language: 'en',
      applicationName: 'Harbour Books',
      scopes: { 'reports:read': { title: 'Read your reports', detail: 'Every one of them.' } },
    },
    requested: {
      scopes: ['openid', 'offline_access', 'toString', 'reports:write', 'reports:read'],
      audiences: ['https://api.example.test', 'https://other.example.test'],
    },
  } as const
  const { html } = confirmDevice(question)

  it('shows who asks, the code, and what for', () => {
    assert.match(html, /<h1>Connect <bdi>Nightly Report<\/bdi>\?<\/h1>/)
    assert.match(html, /<p class="code"[^>]*>WDJB-MJHT<\/p>/)
    assert.match(html, /Know who you are<\/bdi>/)
    assert.match(html, /Stay connected while you are away/)
    assert.match(html, /Read your reports<\/bdi><\/span><small><bdi>Every one of them\./)
    assert.match(
      html,
      /<code class="raw" translate="no">toString<\/code>.*<code class="raw" translate="no">reports:write</s,
    )
    assert.match(html, /Use <bdi translate="no">https:\/\/api\.example\.test<\/bdi> as you/)
    assert.match(html, /Use <bdi translate="no">https:\/\/other\.example\.test<\/bdi> as you/)
  })

  it('warns of a stranger’s code, says from where and when the device asked, and where the sign-in is', () => {
    assert.match(html, /Approve only if you started this yourself/)
    assert.match(
      html,
      /2 minutes ago.*<bdi translate="no">203\.0\.113\.7<\/bdi>\s<small>Not the network that you are on/s,
    )
    assert.match(confirmDevice({ ...question, isSameNetwork: true }).html, /<small>The network that you are on/)
    assert.match(html, /sign in at <bdi translate="no">id\.example\.test<\/bdi>/)
  })

  it('sends the decision with the code and the csrf value', () => {
    assert.match(html, /<input type="hidden" name="user_code" value="WDJB-MJHT">/)
    assert.match(html, /<input type="hidden" name="csrf" value="q2h8-Kd_0">/)
    assert.match(html, /name="decision" value="approve">Approve<.*name="decision" value="deny"[^>]*>Decline</s)
  })

  it('lets its form lead to one origin, whatever the provider’s URL holds', () => {
    assert.equal(originSource('https://id.example.test/authorize?x=1'), 'https://id.example.test')
    assert.equal(originSource('http://127.0.0.1:8788'), 'http://127.0.0.1:8788')
    assert.equal(originSource('https://ÅNGSTRÖM.example'), 'https://xn--ngstrm-hua5l.example')
    for (const url of [
      'https://a;b',
      'https://*',
      'https://*.example',
      "https://a'b",
      'https://a,b',
      'data:,',
      'https://[::1]',
    ])
      assert.throws(() => originSource(url), /not an origin/, url)
    assert.throws(() => originSource('id.example.test'), /Invalid URL/)
  })
})

describe('the page of a wrongly set up client', () => {
  const mistake = { kind: 'redirect-unregistered', clientId: 'web' } as const

  it('shows the redirect_uri to developers, as text and not as a link', () => {
    const { html } = wronglySetUp({
      look,
      mistake: { ...mistake, redirectUri: 'https://evil.test/' },
    })
    assert.match(html, /<dt>redirect_uri<\/dt><dd translate="no">https:\/\/evil\.test\/<\/dd>/)
    assert.doesNotMatch(html, /href/)
  })

  it('cuts a value that nobody would read', () => {
    const redirectUri = `https://${'a'.repeat(5000)}`
    const { html } = wronglySetUp({ look, mistake: { ...mistake, redirectUri } })
    assert.match(html, /<dd translate="no">https:\/\/a{392}…<\/dd>/)
  })
})

describe('the parts of a page', () => {
  it('say how long to wait', () => {
    assert.deepEqual(
      [0, 1, 60, 61, 240, 3600, 7200].map((seconds) => inWords(look, seconds)),
      [...['a minute', 'a minute', 'a minute', '2 minutes', '4 minutes', '60 minutes', '2 hours']],
    )
  })

  it('send Retry-After in whole seconds, never 0', () => {
    const retry = (seconds: number) =>
      page({ status: 503, title: 'x', look, main: forDevelopers(look, []), retryAfterSeconds: seconds }).headers[
        'retry-after'
      ]
    assert.deepEqual([0, 0.2, 1.5, 30].map(retry), ['1', '1', '2', '30'])
  })

  it('draw the first letter of a name, however it is written', () => {
    const initial = (applicationName: string) =>
      /<span class="monogram" aria-hidden="true">(.*?)<\/span>/.exec(
        enterCode({ look: { language: 'en', applicationName }, action, csrf: 'x' }).html,
      )?.[1]
    assert.deepEqual([' åsa', '👩‍🚀 crew', ' '].map(initial), ['Å', '👩‍🚀', ''])
  })
})

function tagsOf(html: string): string[] {
  return html.match(/<[^>]*>/g) ?? []
}

/** The tags with the names of their attributes, without values. The values hold neither quotes nor angle brackets. */
function skeletonOf(html: string): string[] {
  return tagsOf(html.replaceAll(/="[^"]*"/g, '=""'))
}
