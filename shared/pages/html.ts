/**
 * An HTML template that escapes its values, and throws where escaping would not be enough.
 *
 * A value may stand in text, between the double quotes of an attribute or, as `attributes(…)`, inside a tag.
 */

/** A piece of finished markup. Only this file makes one, so a string from outside can never pass for markup. */
export class Html {
  readonly #markup: string

  constructor(key: typeof makerKey, markup: string) {
    if (key !== makerKey) throw new TypeError('markup is made by html`…` alone')
    this.#markup = markup
  }

  toString(): string {
    return this.#markup
  }
}

/** The attributes of one tag, each value quoted and escaped. */
export class Attributes {
  readonly #markup: string

  constructor(values: Readonly<Record<string, string | true | undefined>>) {
    this.#markup = Object.entries(values).map(writeAttribute).join('')
  }

  toString(): string {
    return this.#markup
  }
}

type TextValue = string | number | undefined | Html | readonly Html[]
type Place = 'text' | 'tag' | 'attribute'

const makerKey = Symbol('html')

/**
 * A template whose values are escaped: html`<p title="${hint}">${text}</p>`. `undefined` is nothing.
 *
 * @throws TypeError for a value where it could not be made safe, or for a template that leaves a tag open: both are
 *   mistakes of the one who wrote the template, whatever the value
 */
export function html(literals: TemplateStringsArray, ...values: readonly (TextValue | Attributes)[]): Html {
  let place: Place = 'text'
  let markup = ''
  for (const [index, literal] of literals.entries()) {
    place = placeAfter(literal, place)
    markup += literal
    if (index < values.length) markup += written(values[index], place)
  }
  if (place !== 'text') throw new TypeError('a template must close the tags it opens')
  return new Html(makerKey, markup)
}

/** Attributes of a tag: html`<input${attributes({ value, required: true })}>`; `undefined` leaves an attribute out. */
export function attributes(values: Readonly<Record<string, string | true | undefined>>): Attributes {
  return new Attributes(values)
}

/** Fields of a form that nobody sees; `undefined` leaves one out. */
export function hidden(values: Readonly<Record<string, string | undefined>>): Html[] {
  return Object.entries(values)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => html`<input type="hidden" name="${name}" value="${value}">`)
}

/** The inline stylesheet. A browser reads it as it stands: it must not be escaped, nor end its own element. */
export function styleElement(stylesheet: string): Html {
  if (stylesheet.includes('<')) throw new TypeError('a stylesheet must not contain "<"')
  return new Html(makerKey, `<style>${stylesheet}</style>`)
}

/** An inline script, to which the same applies. */
export function scriptElement(script: string): Html {
  if (script.includes('<')) throw new TypeError('a script must not contain "<"')
  return new Html(makerKey, `<script>${script}</script>`)
}

/**
 * Text that is the same to every parser of HTML, in an element or between quotes. Control characters and lone
 * surrogates, which browsers drop or replace each in their own places, become U+FFFD.
 */
export function escapeHtml(text: string): string {
  return text
    .toWellFormed()
    .replace(/(?![\t\n])\p{Cc}/gu, '\uFFFD')
    .replace(/[&<>"'`]/g, (character) => `&#${character.charCodeAt(0)};`)
}

/** Where the next value would stand, once a literal has been read from `place` on. */
function placeAfter(literal: string, place: Place): Place {
  let now = place
  for (const character of literal) {
    if (now === 'attribute') now = character === '"' ? 'tag' : 'attribute'
    else if (now === 'text') now = character === '<' ? 'tag' : 'text'
    else if (character === '>') now = 'text'
    else if (character === '"') now = 'attribute'
    else if (character === "'") throw new TypeError('attributes are written with double quotes')
  }
  return now
}

function written(value: TextValue | Attributes, place: Place): string {
  if (value instanceof Attributes) {
    if (place === 'tag') return value.toString()
  } else if (place === 'attribute') {
    if (value === undefined) return ''
    if (typeof value === 'string' || typeof value === 'number') return escapeHtml(String(value))
  } else if (place === 'text') {
    if (value === undefined) return ''
    if (value instanceof Html) return value.toString()
    if (typeof value === 'string' || typeof value === 'number') return escapeHtml(String(value))
    return value.map((piece) => written(piece, 'text')).join('')
  }
  throw new TypeError(`this value cannot be written in the place of ${place}`)
}

function writeAttribute([name, value]: readonly [string, string | true | undefined]): string {
  if (!/^[a-z][a-z-]*$/.test(name)) throw new TypeError('not the name of an attribute')
  if (value === undefined) return ''
  return value === true ? ` ${name}` : ` ${name}="${escapeHtml(value)}"`
}
