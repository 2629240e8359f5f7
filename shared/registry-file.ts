/**
 * The registry as ops write it: one JSON file of applications with their clients.
 *
 * Owns the reading; the schema is registry-file/schema.ts. All mistakes are reported at once, each with where and why; but
 * where a variable is missing, that alone. Must not know where records go. Secrets in the file are hashed here and go no
 * further.
 *
 *     { "applications": [ { "name": "demo", "displayName": "Demo", "provider": { … }, "clients": [ { "clientId": "cli", … } ] } ] }
 */

import * as v from 'valibot'
import type { Application, Client, DeclaredClient, Registry } from './domain/registration.ts'
import { hashSecret } from './domain/secret.ts'
import { clientSchema, fileSchema, tokenExchange } from './registry-file/schema.ts'
import { listOf, type RecordInFile } from './registry-file/values.ts'
import { type Filled, fillIn } from './registry-file/variables.ts'

export type Mistake = { readonly where: string; readonly why: string }
export type ParsedRegistry =
  | { readonly ok: true; readonly registry: Registry }
  | { readonly ok: false; readonly mistakes: readonly Mistake[] }
export type ReadingOptions = {
  /** Put in the place of `${NAME}`, so that one file serves several stacks. */
  readonly variables?: Readonly<Record<string, string>>
  /** Whether the file is for a stack that others can reach; secrets that somebody thought up are refused then. */
  readonly isDeployed?: boolean
}

/** 24 random bytes as base64, 16 in hexadecimal digits: what cannot be tried out against its hash. */
const minSecretLength = 32

/**
 * Reads a registry file.
 */
export function parseRegistry(
  text: string,
  { variables = {}, isDeployed = false }: ReadingOptions = {},
): ParsedRegistry {
  const { text: filled, missing, hasGap } = fillIn(text, variables)
  const unknown = missing.map((where) => ({ where, why: 'there is no such variable' }))
  let value: unknown
  try {
    value = JSON.parse(filled)
  } catch (error) {
    return { ok: false, mistakes: [...unknown, { where: 'the file', why: `is not JSON${placeIn(error as Error)}` }] }
  }
  const parsed = v.safeParse(fileSchema, value, { message: messageOf })
  const issues = (parsed.issues ?? []).filter((issue) => !followsFrom(hasGap, issue))
  const mistakes = [
    ...unknown,
    ...issues.map(mistakeOf),
    ...duplicates(value, hasGap),
    ...unknownExchangeClients(value, hasGap),
  ]
  if (!parsed.success || mistakes.length > 0) return { ok: false, mistakes }
  const registry = recordsOf(parsed.output)
  const more = [...sessionsLongerThanSeals(registry, parsed.output), ...(isDeployed ? shortSecrets(parsed.output) : [])]
  return more.length > 0 ? { ok: false, mistakes: more } : { ok: true, registry }
}

/** The table keeps a fast hash, which protects random bits alone (docs/registry.md). */
function shortSecrets({ applications }: File): Mistake[] {
  return applications.flatMap(({ clients }, at) =>
    clients.flatMap(({ secrets }, client) =>
      (typeof secrets === 'string' ? [] : secrets).flatMap((secret, entry) =>
        secret.length >= minSecretLength
          ? []
          : [
              {
                where: `applications[${at}].clients[${client}].secrets[${entry}]`,
                why: `must have ${minSecretLength} characters at least in a deployed stack, drawn at random`,
              },
            ],
      ),
    ),
  )
}

/** A key that seals is kept for a year after its last use, and so what it has sealed must not be needed for longer. */
const maxSealedSeconds = 31_536_000

function sessionsLongerThanSeals({ clients }: Registry, { applications }: File): Mistake[] {
  return clients
    .filter(({ keepsProviderTokens, absoluteSeconds }) => keepsProviderTokens && absoluteSeconds > maxSealedSeconds)
    .map(({ application, clientId }) => {
      const at = applications.findIndex(({ name }) => name === application)
      const client = applications[at]!.clients.findIndex((one) => one.clientId === clientId)
      const why = "must not be above 31536000 (365 days) where the provider's tokens are kept"
      return { where: `applications[${at}].clients[${client}].absoluteSeconds`, why }
    })
}

type HasGap = Filled['hasGap']

/** What a value must be, and its members together, is for the variable to say that is missing there. */
function followsFrom(hasGap: HasGap, { path, input }: v.BaseIssue<unknown>): boolean {
  if (path === undefined) return hasGap(input)
  return hasGap(path.at(-1)?.value) || path.some(({ key }) => hasGap(key))
}

/** The parser's message quotes the text around the mistake, which may be a secret; where it is will do. */
function placeIn({ message }: Error): string {
  const [, place] = /(\(line \d+ column \d+\))/.exec(message) ?? []
  return place === undefined ? '' : ` ${place}`
}

type File = v.InferOutput<typeof fileSchema>

function recordsOf({ applications }: File): Registry {
  return {
    applications: applications.map(
      ({ clients, audiences: _, scopes: scopeDescriptions, ...application }): Application => {
        const scopes = [...new Set(clients.filter(isForPeople).flatMap((client) => client.scopes))]
        const told = { ...exchanging(clients), ...(scopeDescriptions && { scopeDescriptions }) }
        return { ...application, ...told, scopes, revokedBefore: 0 }
      },
    ),
    clients: applications.flatMap(({ name, audiences, clients, provider }) =>
      keepingProviderTokens(
        provider.revokeTokens,
        clients.map((client) => recordOf(name, audiences, client)),
      ),
    ),
  }
}

/** What a service may ask for in its own name is between it and ops, and not in the metadata for everybody to read. */
function isForPeople({ grants }: Pick<Client, 'grants'>): boolean {
  return grants.some((grant) => grant !== 'client_credentials')
}

type ClientInFile = File['applications'][number]['clients'][number]

function recordOf(
  application: string,
  usualAudiences: readonly string[],
  { secrets, displayName, audiences, ...client }: ClientInFile,
): DeclaredClient {
  return {
    ...client,
    application,
    displayName: displayName ?? client.clientId,
    audiences: audiences ?? usualAudiences,
    exchangesFor: exchangedBy(client),
    keepsProviderTokens: false,
    ...(typeof secrets !== 'string' && { secretHashes: secrets.map(hashSecret) }),
    revokedBefore: 0,
  }
}

/** A client with the grant may exchange its own sessions' tokens, and those of whom it names. */
function exchangedBy({ clientId, grants, exchangesFor }: Omit<ClientInFile, 'secrets'>): string[] {
  return grants.includes(tokenExchange) ? [...new Set([clientId, ...exchangesFor])] : []
}

/** What metadata says of it. */
function exchanging(clients: readonly Pick<Client, 'grants'>[]): Pick<Application, 'offersTokenExchange'> {
  return clients.some(({ grants }) => grants.includes(tokenExchange)) ? { offersTokenExchange: true } : {}
}

/** What nobody is entitled to is not kept. */
function keepingProviderTokens<Record extends DeclaredClient>(always: boolean, clients: readonly Record[]): Record[] {
  return clients.map((client) => {
    const isExchanged = clients.some(({ exchangesFor }) => exchangesFor.includes(client.clientId))
    return { ...client, keepsProviderTokens: client.accessToken === 'provider' || isExchanged || always }
  })
}

export type ParsedClient =
  | { readonly ok: true; readonly client: Client; readonly registry: Registry }
  | { readonly ok: false; readonly mistakes: readonly Mistake[] }

/**
 * One client more for an application that is there already, by the same rules.
 *
 * @param clients those that the application has
 * @param members as in the file; `audiences` has to be among them, since the application's own are the file's alone
 * @returns the application and all of its clients as they then are
 */
export function parseClient(
  application: Application,
  clients: readonly Client[],
  members: Readonly<Record<string, unknown>>,
): ParsedClient {
  const parsed = v.safeParse(clientSchema, members, { message: messageOf })
  if (!parsed.success) return { ok: false, mistakes: parsed.issues.map(mistakeOf) }
  const all = keepingProviderTokens(application.provider.revokeTokens, [
    ...clients,
    { secretHashes: [], ...recordOf(application.name, [], parsed.output) } as Client,
  ])
  const client = all.at(-1)!
  const known = all.map(({ clientId }) => clientId)
  const strange = client.exchangesFor.filter((name) => !known.includes(name))
  if (strange.length > 0)
    return { ok: false, mistakes: [{ where: 'exchangesFor', why: 'is no client of the application' }] }
  const scopes = isForPeople(client) ? [...new Set([...application.scopes, ...client.scopes])] : application.scopes
  return {
    ok: true,
    client,
    registry: { applications: [{ ...application, ...exchanging(all), scopes }], clients: all },
  }
}

/** Names that are there already, in a file that may be wrong otherwise too. */
function duplicates(file: unknown, hasGap: HasGap): Mistake[] {
  const applications = listOf(Object(file).applications).map((application): RecordInFile => Object(application))
  const twice = (records: readonly RecordInFile[], member: string, place: (at: number) => string) =>
    records.flatMap((record, at) => {
      const isDoubled = records.findIndex((other) => other[member] === record[member]) < at
      return isDoubled && record[member] !== undefined && !hasGap(record[member])
        ? [{ where: `${place(at)}.${member}`, why: 'is there already' }]
        : []
    })
  return [
    ...twice(applications, 'name', (at) => `applications[${at}]`),
    ...applications.flatMap(({ clients }, at) =>
      twice(listOf(clients).map(Object), 'clientId', (client) => `applications[${at}].clients[${client}]`),
    ),
  ]
}

/** Clients that others are to exchange tokens for, and that nobody has declared. */
function unknownExchangeClients(file: unknown, hasGap: HasGap): Mistake[] {
  return listOf(Object(file).applications).flatMap((application, at) => {
    const clients = listOf(Object(application).clients).map((client): RecordInFile => Object(client))
    return clients.flatMap(({ exchangesFor }, client) =>
      listOf(exchangesFor).flatMap((name, entry) =>
        hasGap(name) || clients.some(({ clientId }) => clientId === name || hasGap(clientId))
          ? []
          : [
              {
                where: `applications[${at}].clients[${client}].exchangesFor[${entry}]`,
                why: 'is no client of the application',
              },
            ],
      ),
    )
  })
}

function mistakeOf(issue: v.BaseIssue<unknown>): Mistake {
  const where = (issue.path ?? []).map(({ key }) => (typeof key === 'number' ? `[${key}]` : `.${String(key)}`)).join('')
  return { where: where.replace(/^\./, '') || 'the file', why: issue.message }
}

/** Unlike the library's own words these do not repeat the value, which may be a secret in the wrong place. */
function messageOf(issue: v.BaseIssue<unknown>): string {
  const what = issue.type.endsWith('_length') ? 'have a length' : 'be'
  return issue.expected === null ? 'is not valid' : `must ${what} ${issue.expected}`
}
