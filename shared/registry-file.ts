/**
 * Parses a registry file: JSON with applications and their clients (schema: registry-file/schema.ts).
 *
 * It reports all mistakes at once, each with its place. Values with a missing variable cause no further mistakes. Secrets are hashed
 * here, and go no further.
 *
 *     { "applications": [ { "name": "demo", "displayName": "Demo", "provider": { … }, "clients": [ { "clientId": "cli", … } ] } ] }
 */

import * as v from 'valibot'
import { keepingProviderTokens, tokenExchange, withMetadata } from './domain/derived-members.ts'
import type { Application, Client, DeclaredClient, Registry } from './domain/registration.ts'
import { hashSecret } from './domain/secret.ts'
import { clientSchema, fileSchema } from './registry-file/schema.ts'
import { listOf, type RecordInFile } from './registry-file/values.ts'
import { type Filled, fillIn } from './registry-file/variables.ts'

export type Mistake = { readonly where: string; readonly why: string }
export type ParsedRegistry =
  | { readonly ok: true; readonly registry: Registry }
  | { readonly ok: false; readonly mistakes: readonly Mistake[] }
export type ReadingOptions = {
  /** Values of `${NAME}`, so that one file serves several stacks. */
  readonly variables?: Readonly<Record<string, string>>
  /** Whether the file is for a deployed stack, where short secrets are refused. */
  readonly isDeployed?: boolean
}

/** 24 random bytes in base64, or 16 in hexadecimal: too many to be guessed from the hash. */
const minSecretLength = 32

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

/** The table stores a fast hash, which protects only random secrets (docs/registry.md). */
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

/** A seal key is kept for a year after its last use, so no sealed value may be needed for longer. */
const maxSealedSeconds = 31_536_000

const tooLongWhy = "must not be above 31536000 (365 days) where the provider's tokens are kept"

function outlivesSeals({ keepsProviderTokens, absoluteSeconds }: DeclaredClient): boolean {
  return keepsProviderTokens && absoluteSeconds > maxSealedSeconds
}

function sessionsLongerThanSeals({ clients }: Registry, { applications }: File): Mistake[] {
  return clients.filter(outlivesSeals).map(({ application, clientId }) => {
    const at = applications.findIndex(({ name }) => name === application)
    const client = applications[at]!.clients.findIndex((one) => one.clientId === clientId)
    return { where: `applications[${at}].clients[${client}].absoluteSeconds`, why: tooLongWhy }
  })
}

type HasGap = Filled['hasGap']

/** Whether a mistake may be due to a missing variable, and is not reported. */
function followsFrom(hasGap: HasGap, { path, input }: v.BaseIssue<unknown>): boolean {
  if (path === undefined) return hasGap(input)
  return hasGap(path.at(-1)?.value) || path.some(({ key }) => hasGap(key))
}

/** The place in a JSON parser's message. The rest of the message quotes the text around it, which may be a secret. */
function placeIn({ message }: Error): string {
  const [, place] = /(\(line \d+ column \d+\))/.exec(message) ?? []
  return place === undefined ? '' : ` ${place}`
}

type File = v.InferOutput<typeof fileSchema>

function recordsOf({ applications }: File): Registry {
  const records = applications.map(({ clients, audiences, scopes: scopeDescriptions, ...application }) => {
    const own = clients.map((client) => recordOf(application.name, audiences, client))
    const described = { ...application, ...(scopeDescriptions && { scopeDescriptions }), scopes: [], revokedBefore: 0 }
    return {
      application: withMetadata(described, own),
      clients: keepingProviderTokens(application.provider.revokeTokens, own),
    }
  })
  return {
    applications: records.map(({ application }) => application),
    clients: records.flatMap(({ clients }) => clients),
  }
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

/** A client with the grant may exchange tokens of its own sessions, and of the clients that it names. */
function exchangedBy({ clientId, grants, exchangesFor }: Omit<ClientInFile, 'secrets'>): string[] {
  return grants.includes(tokenExchange) ? [...new Set([clientId, ...exchangesFor])] : []
}

export type ParsedClient =
  | { readonly ok: true; readonly client: Client; readonly registry: Registry }
  | { readonly ok: false; readonly mistakes: readonly Mistake[] }

/**
 * Parses one new client of an existing application, by the same rules.
 *
 * @param clients that the application has
 * @param members as in the file, with `audiences`, because the table does not hold the application's default audiences
 * @returns the new client, and the application with all of its clients
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
  const unknown = client.exchangesFor.filter((name) => !known.includes(name))
  if (unknown.length > 0)
    return { ok: false, mistakes: [{ where: 'exchangesFor', why: 'is no client of the application' }] }
  const tooLong = all.filter(outlivesSeals).map(({ clientId }) => clientId)
  if (tooLong.includes(client.clientId)) return { ok: false, mistakes: [{ where: 'absoluteSeconds', why: tooLongWhy }] }
  const named = tooLong.filter((clientId) => client.exchangesFor.includes(clientId))
  if (named.length > 0) {
    const why = `names ${named.join(' and ')}, whose absoluteSeconds ${tooLongWhy}`
    return { ok: false, mistakes: [{ where: 'exchangesFor', why }] }
  }
  return { ok: true, client, registry: { applications: [withMetadata(application, all)], clients: all } }
}

/** Finds duplicate names. The file may hold other mistakes too. */
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

/** Finds clients in `exchangesFor` that the application does not declare. */
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

/** Unlike the library's messages, these do not quote the value, which may be a misplaced secret. */
function messageOf(issue: v.BaseIssue<unknown>): string {
  const what = issue.type.endsWith('_length') ? 'have a length' : 'be'
  return issue.expected === null ? 'is not valid' : `must ${what} ${issue.expected}`
}
