/**
 * The template: nothing that goes in gets out of its place.
 */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { attributes, escapeHtml, Html, html, styleElement } from '../../shared/pages/html.ts'
import { hostile, readBack, survives } from './hostile.ts'

describe('html', () => {
  it('keeps any text in its element and any value between its quotes', () => {
    fc.assert(
      fc.property(hostile, hostile, hostile, (first, second, third) => {
        const markup = html`<p title="${first}"${attributes({ lang: second })}>${third}</p>`.toString()
        const read = /^<p title="([^"<>]*)" lang="([^"<>]*)">([^"<>]*)<\/p>$/.exec(markup)
        assert.ok(read, markup)
        assert.deepEqual(read.slice(1).map(readBack), [first, second, third].map(survives))
      }),
    )
  })

  it('escapes the characters that mean something, and replaces those that parsers drop', () => {
    assert.equal(escapeHtml(`a&<>"'\`z`), 'a&#38;&#60;&#62;&#34;&#39;&#96;z')
    assert.equal(escapeHtml('\0\r\x7f\x85\ud800'), '\ufffd'.repeat(5))
    assert.equal(escapeHtml('tab\tline\né漢👩‍🚀'), 'tab\tline\né漢👩‍🚀')
  })

  it('nests markup, joins lists, and writes nothing for undefined', () => {
    const items = ['<', 'b'].map((text) => html`<li>${text}</li>`)
    assert.equal(html`<ul>${items}${undefined}</ul>${3}`.toString(), '<ul><li>&#60;</li><li>b</li></ul>3')
    assert.equal(html`<p title="${undefined}">${html`<b></b>`}</p>`.toString(), '<p title=""><b></b></p>')
  })

  it('writes attributes that are set, and no others', () => {
    const written = attributes({ id: 'a"b', required: true, lang: undefined, 'aria-label': '' })
    assert.equal(html`<input${written}>`.toString(), '<input id="a&#34;b" required aria-label="">')
    assert.throws(() => attributes({ 'x onload': 'y' }), /not the name of an attribute/)
    assert.throws(() => attributes({ 'a>': undefined }), /not the name of an attribute/)
  })

  it('refuses a value where escaping would not be enough', () => {
    const value = 'x'
    assert.throws(() => html`<p title=${value}></p>`, /in the place of tag/)
    assert.throws(() => html`<${value}></p>`, /in the place of tag/)
    assert.throws(() => html`<p ${html`<b></b>`}></p>`, /in the place of tag/)
    assert.throws(() => html`<p title="${html`<b></b>`}"></p>`, /in the place of attribute/)
    assert.throws(() => html`<p title="${attributes({})}"></p>`, /in the place of attribute/)
    assert.throws(() => html`<p>${attributes({})}</p>`, /in the place of text/)
    assert.throws(() => html`<p title='${value}'></p>`, /double quotes/)
  })

  it('refuses a template that leaves a tag open', () => {
    assert.throws(() => html`<p title="`, /must close/)
    assert.throws(() => html`<p`, /must close/)
  })

  it('makes markup of nothing but its own templates', () => {
    assert.throws(() => new Html(Symbol('html') as never, '<script>'), /alone/)
    const forged = Object.create(Html.prototype) as Html
    assert.throws(() => html`${forged}`, TypeError)
  })

  it('lets no stylesheet end its own element', () => {
    assert.equal(styleElement('a > b {}').toString(), '<style>a > b {}</style>')
    assert.throws(() => styleElement('a {} </style><script>'), /must not contain/)
  })
})
