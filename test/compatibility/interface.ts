/**
 * What others build on, as names that docs/compatibility.md promises to keep.
 *
 * `node test/compatibility/interface.ts` prints it; a release records it in `interface-<series>.json`.
 */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { exitCodes } from '../../cli/problem.ts'
import { commandNames, runCommand } from '../../cli/program.ts'
import { output } from '../../cli/terminal.ts'
import { routes } from '../../infra/routes.ts'
import { describeApi } from '../../shared/api-description/openapi.ts'
import { operations } from '../../shared/api-description/operations.ts'
import type { Content, Operation, Response } from '../../shared/api-description/types.ts'
import { type LogEvent, logEvents } from '../../shared/log-events.ts'
import { type Metric, metrics } from '../../shared/metrics.ts'
import { resolved } from '../api-description/support.ts'

type Names = Readonly<Record<string, readonly string[]>>

/**
 * Sections that begin with `required` hold what callers must send: nothing may be added to them. From all others nothing may be
 * removed.
 */
export type Interface = Readonly<Record<string, Names>>

export const requiredSection = /^required /

const root = join(import.meta.dirname, '..', '..')

export async function currentInterface(): Promise<Interface> {
  const registry = JSON.parse(readFileSync(join(root, 'docs', 'registry.schema.json'), 'utf8'))
  return {
    'parameters of routes': routesBy(({ query, body }) => [...query.map(({ name }) => name), ...membersOf(body)]),
    'required parameters of routes': routesBy(({ query, body }) => [
      ...query.flatMap(({ name, required }) => (required ? [name] : [])),
      ...requiredOf(body),
    ]),
    'members of answers': routesBy(({ answer }) => membersOf(answer)),
    'options of commands': await optionsOfCommands(),
    'exit codes': each(exitCodes, (code) => [String(code)]),
    'props and members of the construct': constructMembers(/^ {2}(?:get |readonly )?(\w+)\??[:(]/gm),
    'required props of the construct': propsOf(/^ {2}readonly (\w+):/gm),
    'members of the registry file': { ...registryMembers(registry, ({ properties }) => Object.keys(properties ?? {})) },
    'required members of the registry file': { ...registryMembers(registry, ({ required }) => required ?? []) },
    'fields of events': each<LogEvent>(logEvents, ({ always }) => always),
    'dimensions of metrics': each<Metric>(metrics, ({ dimensions }) =>
      dimensions.map((set) => set.join(' ') || 'total'),
    ),
  }
}

function each<Value>(values: Readonly<Record<string, Value>>, names: (value: Value) => readonly string[]): Names {
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [key, [...new Set(names(value))].sort()]))
}

// --- routes ---------------------------------------------------------------------------------------------------------

type Route = {
  readonly query: NonNullable<Operation['parameters']>
  readonly body: Schema | undefined
  readonly answer: Schema | undefined
}
type Schema = {
  readonly $ref?: string
  readonly properties?: Readonly<Record<string, unknown>>
  readonly required?: readonly string[]
  readonly allOf?: readonly Schema[]
  readonly anyOf?: readonly Schema[]
  readonly oneOf?: readonly Schema[]
}

const description = describeApi(routes, 'https://auth.example.com')

function routesBy(names: (route: Route) => readonly string[]): Names {
  return each(operations, ({ parameters = [], requestBody, responses }) => {
    const answer = responses[200] === undefined ? undefined : resolved<Response>(description, responses[200]).content
    return names({ query: parameters, body: schemaIn(requestBody?.content), answer: schemaIn(answer) })
  })
}

function schemaIn(content: Content | undefined): Schema | undefined {
  return Object.values(content ?? {})[0]?.schema
}

function membersOf(schema: Schema | undefined): string[] {
  if (schema === undefined) return []
  const { properties = {}, allOf = [], anyOf = [], oneOf = [] } = resolved<Schema>(description, schema)
  return [...Object.keys(properties), ...[...allOf, ...anyOf, ...oneOf].flatMap(membersOf)]
}

function requiredOf(schema: Schema | undefined): readonly string[] {
  return schema === undefined ? [] : (resolved<Schema>(description, schema).required ?? [])
}

// --- command line, construct, registry ------------------------------------------------------------------------------

async function optionsOfCommands(): Promise<Names> {
  const options: Record<string, readonly string[]> = {}
  const { stdout } = output
  for (const name of commandNames) {
    let help = ''
    output.stdout = {
      write: (text) => {
        help += text
        return true
      },
    }
    await runCommand([...name.split(' '), '--help'])
    options[name] = [...help.matchAll(/^ {2}(?:-\w, )?(--[\w-]+)/gm)].map(([, option]) => option!).sort()
  }
  output.stdout = stdout
  return options
}

const propsSource = readFileSync(join(root, 'infra', 'props.ts'), 'utf8')
const constructSource = readFileSync(join(root, 'infra', 'token-broker.ts'), 'utf8')

function propsOf(member: RegExp): Names {
  const interfaces = [...propsSource.matchAll(/^export interface (\w+)[^{]*\{\n([\s\S]*?)^\}/gm)]
  return each(Object.fromEntries(interfaces.map(([, name, body]) => [name!, body!])), (body) => found(body, member))
}

function constructMembers(member: RegExp): Names {
  const [, body = ''] = /^export class TokenBroker [^{]*\{\n([\s\S]*?)^\}/m.exec(constructSource) ?? []
  return { TokenBroker: found(body, member).filter((name) => name !== 'constructor'), ...propsOf(member) }
}

function found(text: string, pattern: RegExp): string[] {
  return [...text.matchAll(pattern)].map(([, name]) => name!).sort()
}

/** The objects of the schema by the path of members that leads to them. */
function registryMembers(schema: Schema & { items?: Schema }, names: (schema: Schema) => readonly string[]): Names {
  const members: Record<string, readonly string[]> = {}
  const visit = (path: string, one: Schema & { items?: Schema }): void => {
    if (one.properties !== undefined) members[path] = [...new Set([...(members[path] ?? []), ...names(one)])].sort()
    for (const [name, child] of Object.entries(one.properties ?? {})) visit(`${path}.${name}`, child as Schema)
    for (const child of [one.items, ...(one.anyOf ?? []), ...(one.oneOf ?? []), ...(one.allOf ?? [])]) {
      if (child !== undefined) visit(path, child)
    }
  }
  visit('registry', schema)
  return members
}

if (import.meta.main) {
  const sections = Object.entries(await currentInterface()).map(([section, names]) => {
    const lines = Object.entries(names).map(([name, list]) => `    ${JSON.stringify(name)}: ${JSON.stringify(list)}`)
    return `  ${JSON.stringify(section)}: {\n${lines.join(',\n')}\n  }`
  })
  console.log(`{\n${sections.join(',\n')}\n}`)
}
