/** The parts of OpenAPI 3.1 that the description uses. */

/** JSON Schema 2020-12. */
export type Schema = Readonly<Record<string, unknown>>

export type Example = { readonly summary?: string; readonly value: unknown }

export type MediaType = { readonly schema: Schema; readonly examples?: Readonly<Record<string, Example>> }

export type Content = Readonly<Record<string, MediaType>>

export type Reference = { readonly $ref: string }

export type Response = {
  readonly description: string
  readonly headers?: Readonly<Record<string, Reference>>
  readonly content?: Content
}

export type Responses = Readonly<Record<string, Response | Reference>>

export type Parameter = {
  readonly name: string
  readonly in: 'path' | 'query'
  readonly required?: boolean
  readonly description: string
  readonly schema: Schema
  readonly example?: unknown
}

/** Names of security schemes; `{}` is a request without any. */
export type Security = readonly Readonly<Record<string, readonly string[]>>[]

export type Operation = {
  readonly tags: readonly [string]
  readonly summary: string
  readonly description?: string
  readonly parameters?: readonly Parameter[]
  readonly requestBody?: { readonly required: boolean; readonly content: Content }
  readonly responses: Responses
  readonly security: Security
}
