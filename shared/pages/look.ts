/** The name, descriptions and branding of an application in the language of the reader. */

import type { Language } from '../domain/local-text.ts'
import type { Accent } from './accent.ts'

export type Described = { readonly title: string; readonly detail?: string | undefined }

export type Look = {
  readonly language: Language
  /** As people read it. Undefined: the address names no application. */
  readonly applicationName?: string | undefined
  /** A `data:` URL of a picture. */
  readonly logo?: string | undefined
  readonly accent?: Accent | undefined
  /** Where people find help: https or mailto. */
  readonly supportUrl?: string | undefined
  /** Descriptions of the application's own scopes, by scope. */
  readonly scopes?: Readonly<Record<string, Described>> | undefined
  /** Descriptions of its audiences, by audience. */
  readonly resources?: Readonly<Record<string, Described>> | undefined
}
