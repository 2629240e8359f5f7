/** Judges values and answers by an OpenAPI document. */

import { Ajv2020 } from 'ajv/dist/2020.js'
import type { Operation, Response } from '../../shared/api-description/types.ts'

type Document = object

/** A part of the document, which may stand elsewhere in it. */
export function resolved<Part>(document: Document, part: Part | { readonly $ref: string }): Part {
  if (typeof part !== 'object' || part === null || !('$ref' in part)) return part as Part
  const names = part.$ref.slice(2).split('/')
  return names.reduce((at: unknown, name) => (at as Record<string, unknown>)[name], document) as Part
}

type Validate = (value: unknown) => readonly string[]
type Compiler = { readonly ajv: Ajv2020; readonly compiled: Map<string, Validate> }
const compilers = new WeakMap<Document, Compiler>()

function compilerOf(document: Document): Compiler {
  const known = compilers.get(document)
  if (known !== undefined) return known
  const ajv = new Ajv2020({ strict: false, validateFormats: false, validateSchema: false, allErrors: true })
  ajv.addSchema(document, 'api')
  const compiler = { ajv, compiled: new Map() }
  compilers.set(document, compiler)
  return compiler
}

/** @returns a function that tells what is wrong with a value; nothing, if it fits the schema */
export function compile(document: Document, schema: object): Validate {
  const { ajv, compiled } = compilerOf(document)
  const text = JSON.stringify(schema).replaceAll('"#/', '"api#/')
  const known = compiled.get(text)
  if (known !== undefined) return known
  const validate = ajv.compile(JSON.parse(text) as object)
  const faults: Validate = (value) =>
    validate(value) ? [] : (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`)
  compiled.set(text, faults)
  return faults
}

/** An answer on the wire. Names of headers are in lower case. */
export type Answer = {
  readonly status: number
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly text: string
}
type Header = { readonly required?: boolean; readonly schema: { readonly type: string } }

/** @returns what is wrong with an answer to an operation of the document */
export function answerFaults(document: Document, { responses }: Pick<Operation, 'responses'>, answer: Answer) {
  const { status, headers, text } = answer
  const described = responses[status]
  if (described === undefined) return [`${status} is not described`]
  const { headers: describedHeaders = {}, content = {} } = resolved<Response>(document, described)
  const wrongHeaders = Object.entries(describedHeaders).flatMap(([name, reference]) => {
    const { required = false, schema } = resolved<Header>(document, reference)
    const value = headers[name.toLowerCase()]
    if (value === undefined) return required ? [`${name} is missing`] : []
    return schema.type === 'integer' && !/^\d+$/.test(value) ? [`${name} is no integer`] : []
  })
  return [...wrongHeaders, ...contentFaults(document, content, headers['content-type'], text)]
}

function contentFaults(
  document: Document,
  content: NonNullable<Response['content']>,
  contentType: string | undefined,
  text: string,
): readonly string[] {
  const types = Object.keys(content)
  if (types.length === 0) return text === '' ? [] : ['a body is not described']
  const type = contentType?.split(';')[0]?.trim() ?? ''
  const described = content[type] ?? content[type.replace(/\/.*/, '/*')]
  if (described === undefined) return [`Content-Type is ${type || 'missing'}, not ${types.join(' or ')}`]
  if (type !== 'application/json') return []
  try {
    return compile(document, described.schema)(JSON.parse(text))
  } catch (error) {
    return [String(error)]
  }
}
