import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { accentContrast, accentStylesheet, schemes } from '../../shared/pages/accent.ts'
import { application, client, file, type Json, mistakesIn, registryOf } from '../support/registry-file.ts'

const read = (changes: Json) => registryOf(file(application(changes))).applications[0]!
const whys = (changes: Json) => mistakesIn(file(application(changes))).map(({ where, why }) => `${where} ${why}`)

const svg = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1"><path d="M0 0"/></svg>'
const png = Buffer.concat([Buffer.from('89504e470d0a1a0a', 'hex'), Buffer.alloc(40)])
const dataUrl = (type: string, bytes: Buffer | string) => `data:${type};base64,${Buffer.from(bytes).toString('base64')}`

describe('texts', () => {
  test('a displayName is one text, or one per language with English', () => {
    assert.equal(read({ displayName: 'Reports' }).displayName, 'Reports')
    assert.deepEqual(read({ displayName: { en: 'Reports', de: 'Berichte' } }).displayName, {
      ...{ en: 'Reports', de: 'Berichte' },
    })
    for (const displayName of [{ de: 'Berichte' }, { en: 'Reports', fr: 'Rapports' }, 7, '', { en: '' }]) {
      const [mistake = ''] = whys({ displayName })
      assert.match(mistake, /^applications\[0\]\.displayName/, JSON.stringify(displayName))
    }
    const { clients } = registryOf(file(application({}, client({ displayName: { en: 'Night', de: 'Nacht' } }))))
    assert.deepEqual(clients[0]?.displayName, { en: 'Night', de: 'Nacht' })
  })

  test('descriptions of scopes and audiences do not change what clients may request', () => {
    const title = { en: 'Read reports', de: 'Berichte lesen' }
    const described = read({
      scopes: { 'reports:read': { title, detail: 'All of them.' } },
      resources: { 'https://api.example.test': { title: 'The API' } },
    })
    assert.deepEqual(described.scopeDescriptions, { 'reports:read': { title, detail: 'All of them.' } })
    assert.deepEqual(described.resources, { 'https://api.example.test': { title: 'The API' } })
    assert.deepEqual(described.scopes, read({}).scopes)
    assert.deepEqual(
      [...whys({ scopes: { 'a b': { title: 'x' } } }), ...whys({ scopes: { a: {} } })].map((why) => why.split(' ')[0]),
      ['applications[0].scopes.a', 'applications[0].scopes.a.title'],
    )
  })
})

describe('a logo', () => {
  test('a logo is a PNG or SVG as a data: URL', () => {
    for (const logo of [dataUrl('image/png', png), dataUrl('image/svg+xml', svg)])
      assert.equal(read({ logo }).logo, logo)
    for (const logo of [
      ...[
        'https://example.com/logo.png',
        'data:image/png;base64,',
        dataUrl('image/png', svg),
        `${dataUrl('image/png', png)}"`,
      ],
      ...[
        dataUrl('image/svg+xml', png),
        dataUrl('image/svg+xml', '<svg/>'),
        dataUrl('text/html', svg),
        `data:image/svg+xml,${svg}`,
      ],
    ])
      assert.match(whys({ logo })[0] ?? '', /logo must be a PNG or an SVG as a data: URL/, logo)
  })

  test('a logo has a limited size', () => {
    assert.match(
      whys({ logo: dataUrl('image/png', Buffer.concat([png, Buffer.alloc(8000)])) })[0] ?? '',
      /logo must have/,
    )
  })
})

describe('an accent', () => {
  test('an accent is one colour, or one per colour scheme', () => {
    assert.deepEqual(read({ accent: { light: '#0f6b54', dark: '#62C6A6' } }).accent, {
      light: '#0f6b54',
      dark: '#62C6A6',
    })
    assert.deepEqual(read({ accent: '#2f86d6' }).accent, { light: '#2f86d6', dark: '#2f86d6' })
  })

  test('an accent with too little contrast is refused with scheme, ratio and advice', () => {
    assert.deepEqual(whys({ accent: '#0f6b54' }), [
      'applications[0].accent has a contrast of 2.5:1 to the page (#181f1d) in the dark scheme, and needs 3:1: give one for each scheme, { "light": "#…", "dark": "#…" }',
    ])
    assert.deepEqual(whys({ accent: { light: '#ffe066', dark: '#ffe066' } }).length, 1)
    assert.match(whys({ accent: { light: '#eeeeee', dark: '#222222' } }).join(), /light scheme.*dark scheme/)
    for (const accent of ['red', '#fff', '#0f6b5', { light: '#0f6b54' }]) assert.equal(whys({ accent }).length, 1)
  })

  test('every accent gives button texts a contrast of at least 4.5:1, on hover too', () => {
    const colour = fc.integer({ min: 0, max: 0xffffff }).map((n) => `#${n.toString(16).padStart(6, '0')}`)
    fc.assert(
      fc.property(colour, (light) => {
        const css = accentStylesheet({ light, dark: light })
        const [accent, strong, text] = ['accent', 'accent-strong', 'on-accent'].map(
          (name) => new RegExp(`--${name}: (#[0-9a-f]{6})`).exec(css)?.[1] ?? '',
        ) as [string, string, string]
        // The ratio of two colours, by way of white: against #ffffff it is 1.05 over each one's luminance.
        const lightness = (one: string) => 1.05 / accentContrast({ light: one, dark: one }, 'light')
        for (const ground of [accent, strong]) {
          const [high, low] = [lightness(ground), lightness(text)].sort((a, b) => b - a) as [number, number]
          assert.ok(high / low >= 4.5, `${text} on ${ground}`)
        }
      }),
    )
    assert.deepEqual(schemes, ['light', 'dark'])
  })
})

test('supportUrl is an https URL or a mailto: address', () => {
  for (const supportUrl of ['https://help.example.com/?a=b#c', 'mailto:help@example.com', 'http://127.0.0.1:8080/']) {
    assert.equal(read({ supportUrl }).supportUrl, supportUrl)
  }
  for (const supportUrl of [
    'javascript:alert(1)',
    'http://help.example.com',
    'mailto:x',
    'https://a:b@example.com',
    'help',
  ])
    assert.match(whys({ supportUrl })[0] ?? '', /supportUrl must be an https URL/, supportUrl)
})
