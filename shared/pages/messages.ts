/**
 * The catalogue of page texts, and how values are put into them.
 *
 * English defines the texts and their placeholders. Another language is a file in messages/ and an entry in `languages`
 * (shared/domain/local-text.ts).
 */

import type { Language } from '../domain/local-text.ts'
import { type Html, html } from './html.ts'
import { german } from './messages/de.ts'
import { english } from './messages/en.ts'

export type MessageName = keyof typeof english
export type Messages = Readonly<Record<MessageName, string>>

/** A page's language, or anything that has one. */
type Reader = { readonly language: Language }

type Placeholder<Text extends string> = Text extends `${string}{${infer Name}}${infer Rest}`
  ? Name | Placeholder<Rest>
  : never
/** The values of a message, as the last argument; none for a message without placeholders. */
type Values<Name extends MessageName, Value> = [Placeholder<(typeof english)[Name]>] extends [never]
  ? []
  : [values: Readonly<Record<Placeholder<(typeof english)[Name]>, Value>>]

export const catalogue: Readonly<Record<Language, Messages>> = { en: english, de: german }

/** A message as plain text. */
export function say<Name extends MessageName>(reader: Reader, name: Name, ...[values]: Values<Name, string>): string {
  const given: Readonly<Record<string, string>> = values ?? {}
  return piecesOf(reader, name)
    .map((piece, at) => (at % 2 === 0 ? piece : given[piece]))
    .join('')
}

/** A message as markup, with markup as its values: names keep their own direction of writing (`<bdi>`). */
export function write<Name extends MessageName>(reader: Reader, name: Name, ...[values]: Values<Name, Html>): Html {
  const given: Readonly<Record<string, Html>> = values ?? {}
  return html`${piecesOf(reader, name).map((piece, at) => (at % 2 === 0 ? html`${piece}` : given[piece]!))}`
}

/** Texts and names of values in turn, beginning with a text. */
function piecesOf({ language }: Reader, name: MessageName): string[] {
  return catalogue[language][name].split(/\{(\w+)\}/)
}

/** A name that somebody else chose, in its own direction of writing. */
export function named(text: string): Html {
  return html`<bdi>${text}</bdi>`
}
