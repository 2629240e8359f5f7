/**
 * The language of a page, and the look of an application in it.
 */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { languages } from '../../shared/domain/local-text.ts'
import { catalogue, type MessageName, say } from '../../shared/pages/messages.ts'
import { pageLook, pickLanguage } from '../../shared/sign-in/look.ts'
import { anApplication } from '../support/registry.ts'

test('the language is what the client asks for, then what the browser prefers, then English', () => {
  const picked: [string | undefined, string | undefined, string][] = [
    [undefined, undefined, 'en'],
    [undefined, 'de', 'de'],
    [undefined, 'de-AT,de;q=0.9,en;q=0.8', 'de'],
    [undefined, 'fr-FR, en;q=0.3, de;q=0.7', 'de'],
    [undefined, 'fr, *', 'en'],
    [undefined, 'de;q=0, en;q=0.1', 'en'],
    [undefined, 'DE-ch', 'de'],
    [undefined, 'den', 'en'],
    [undefined, ';;q=,de;q=x, ,', 'en'],
    ['fr de-CH', 'en', 'de'],
    ['en', 'de', 'en'],
    ['fr', 'de', 'de'],
  ]
  for (const [uiLocales, acceptLanguage, language] of picked) {
    assert.equal(pickLanguage(uiLocales, acceptLanguage), language, `${uiLocales} ${acceptLanguage}`)
  }
})

test('every language has every text, with the values that the English one takes', () => {
  const valuesIn = (text: string) => [...text.matchAll(/\{(\w+)\}/g)].map(([, name]) => name).sort()
  for (const language of languages) {
    assert.deepEqual(Object.keys(catalogue[language]).sort(), Object.keys(catalogue.en).sort())
    for (const [name, text] of Object.entries(catalogue[language])) {
      assert.deepEqual(valuesIn(text), valuesIn(catalogue.en[name as MessageName]), `${language}: ${name}`)
      assert.ok(text.trim() === text && text !== '', name)
    }
  }
})

test('a value is put in as it is, even if it looks like a placeholder', () => {
  assert.equal(say({ language: 'en' }, 'question.heading', { client: '{client} $& {x}' }), 'Connect {client} $& {x}?')
})

test('an application’s texts come in the reader’s language, or else in English', () => {
  const application = anApplication({
    displayName: { en: 'Reports', de: 'Berichte' },
    scopeDescriptions: { r: { title: { en: 'Read' }, detail: { en: 'All', de: 'Alle' } } },
  })
  const event = { headers: { 'Accept-Language': 'de' } } as never
  const { language, applicationName, scopes } = pageLook({ application, event })
  assert.deepEqual(
    { language, applicationName, scopes },
    {
      ...{ language: 'de', applicationName: 'Berichte', scopes: { r: { title: 'Read', detail: 'Alle' } } },
    },
  )
  assert.deepEqual(pageLook({}).applicationName, undefined)
})
