/** Holds values against the schemas of an OpenAPI document. */

import { Ajv2020 } from 'ajv/dist/2020.js'

type Document = object

/** A part of the document, which may stand elsewhere in it. */
export function resolved<Part>(document: Document, part: Part | { readonly $ref: string }): Part {
  if (typeof part !== 'object' || part === null || !('$ref' in part)) return part as Part
  const names = part.$ref.slice(2).split('/')
  return names.reduce((at: unknown, name) => (at as Record<string, unknown>)[name], document) as Part
}

const validators = new WeakMap<Document, Ajv2020>()

/** @returns a function that tells what is wrong with a value; nothing, if it fits the schema */
export function compile(document: Document, schema: object): (value: unknown) => readonly string[] {
  const ajv = validators.get(document) ?? new Ajv2020({ strict: false, validateFormats: false, allErrors: true })
  if (!validators.has(document)) ajv.addSchema(document, 'api')
  validators.set(document, ajv)
  const validate = ajv.compile(JSON.parse(JSON.stringify(schema).replaceAll('"#/', '"api#/')) as object)
  return (value) =>
    validate(value) ? [] : (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`)
}
