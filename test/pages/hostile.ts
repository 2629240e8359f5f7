/**
 * Texts that try to become markup, and what a parser of HTML must read of them.
 *
 * Owns the generator and the reading back, written apart from the code under test. Must not know any page.
 */

import fc from 'fast-check'
import { anyCharacter } from '../support/any-character.ts'

const fragments = [
  ...['<', '>', '"', "'", '`', '&', '=', '/', ' ', '\n', '\0', '\r', '\t', '\x7f', '\u2028', '\u202e', '\ud800'],
  ...['<script>alert(1)</script>', '</title>', '</style>', '<!--', '-->', ']]>', '" autofocus onfocus="alert(1)'],
  ...[
    "' style='x",
    '&lt;',
    '&#60',
    '&amp',
    '&quot;',
    'javascript:alert(1)',
    '{{x}}',
    '</bdi></p></main>',
    '<svg/onload=x>',
  ],
]

/** Any text, with the pieces that break out of careless templates made likely. Never empty. */
export const hostile: fc.Arbitrary<string> = fc
  .array(fc.oneof(fc.constantFrom(...fragments), fc.string({ unit: anyCharacter, minLength: 1, maxLength: 8 })), {
    minLength: 1,
    maxLength: 8,
  })
  .map((pieces) => pieces.join(''))

/** What must be left of a text on a page: control characters and lone surrogates are shown as U+FFFD. */
export function survives(text: string): string {
  let kept = ''
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0
    const control = code < 32 ? code !== 9 && code !== 10 : code >= 127 && code < 160
    kept += control || (code >= 0xd800 && code < 0xe000) ? '\ufffd' : character
  }
  return kept
}

/** Decodes the numeric references that escaping writes. Anything else that begins with "&" is a mistake. */
export function readBack(markup: string): string {
  if (/&(?!#\d+;)/.test(markup)) throw new Error('a bare ampersand')
  return markup.replace(/&#(\d+);/g, (_, code: string) => String.fromCodePoint(Number(code)))
}
