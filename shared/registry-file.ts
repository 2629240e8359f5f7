/**
 * The registry as ops write it: one JSON file of applications with their clients.
 *
 * Owns the file's schema and defaults. All mistakes are reported at once, each with where and why. Must not know where
 * records go. Secrets in the file are hashed here and go no further.
 *
 *     { "applications": [ { "name": "demo", "displayName": "Demo", "provider": { … }, "clients": [ { "clientId": "cli", … } ] } ] }
 */

import { X509Certificate } from 'node:crypto'
import * as v from 'valibot'
import { isLoopback } from './domain/loopback.ts'
import type { Application, Client } from './domain/registration.ts'
import { longestScopes, mostScopes } from './domain/scope.ts'
import { hashSecret } from './http/client-authentication.ts'
import type { Registry } from './store/registrations.ts'

export type Mistake = { readonly where: string; readonly why: string }
export type ParsedRegistry =
  | { readonly ok: true; readonly registry: Registry }
  | { readonly ok: false; readonly mistakes: readonly Mistake[] }

const yearSeconds = 31_536_000

const text = (most: number) => v.pipe(v.string(), v.minLength(1, 'must not be empty'), v.maxLength(most))
const seconds = (least: number, most: number) => v.pipe(v.number(), v.integer(), v.minValue(least), v.maxValue(most))
const scope = v.pipe(v.string(), v.regex(/^[\x21\x23-\x5b\x5d-\x7e]{1,64}$/, 'must be a scope (RFC 6749 §3.3)'))
const authMethod = v.picklist(['none', 'client_secret_basic', 'client_secret_post'])
const algorithm = v.picklist(['ES256', 'RS256'])
const grant = v.picklist(['authorization_code', 'refresh_token', 'urn:ietf:params:oauth:grant-type:device_code'])

/** An object with these members and no other, and words for what is wrong with it. */
const members = <Entries extends v.ObjectEntries>(entries: Entries) =>
  v.strictObject(entries, (issue) => {
    if (issue.expected === 'never') return 'is not known here'
    return issue.received === 'undefined' ? 'is missing' : 'must be an object'
  })

/** A record before it is known to be right: any member may be missing, or anything. */
type RecordInFile = Readonly<Record<string, unknown>>

const clientRules: readonly { readonly why: string; readonly broken: (client: RecordInFile) => boolean }[] = [
  {
    why: 'a public client (auth "none") has no secrets',
    broken: ({ auth, secrets }) => auth === 'none' && listOf(secrets).length > 0,
  },
  {
    why: 'this auth needs a secret in `secrets`',
    broken: ({ auth, secrets }) => auth !== undefined && auth !== 'none' && listOf(secrets).length === 0,
  },
  {
    why: 'authorization_code needs one of `redirectUris`',
    broken: ({ grants, redirectUris }) =>
      listOf(grants).includes('authorization_code') && listOf(redirectUris).length === 0,
  },
  {
    why: 'idleSeconds must not be above absoluteSeconds',
    broken: ({ idleSeconds, absoluteSeconds }) => Number(idleSeconds ?? 0) > Number(absoluteSeconds ?? yearSeconds),
  },
  {
    why: 'introspection needs a client that has a secret',
    broken: ({ auth, mayIntrospect }) => auth === 'none' && mayIntrospect === true,
  },
  {
    why: `scopes must not be more than ${mostScopes}, nor longer than ${longestScopes} characters in all`,
    broken: ({ scopes }) => listOf(scopes).length > mostScopes || listOf(scopes).join(' ').length > longestScopes,
  },
]

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

const safeUrl = v.pipe(v.string(), v.check(isSafeUrl, 'must be an https URL; http is for a loopback address alone'))

const certificates = v.pipe(
  text(16_384),
  v.check(areCertificates, 'must be certificates as PEM text, and nothing else'),
)

const brokerAtProvider = {
  clientId: text(256),
  auth: v.optional(authMethod, 'client_secret_basic'),
  certificateAuthority: v.optional(certificates),
}

const providerSchema = v.pipe(
  v.variant(
    'kind',
    [
      members({
        kind: v.literal('oidc'),
        issuer: safeUrl,
        ...brokerAtProvider,
        scopes: v.optional(v.array(scope), ['openid', 'profile', 'email']),
      }),
      members({
        kind: v.literal('oauth2'),
        authorizationEndpoint: safeUrl,
        tokenEndpoint: safeUrl,
        userinfoEndpoint: safeUrl,
        ...brokerAtProvider,
        scopes: v.optional(v.array(scope), []),
        body: v.optional(v.picklist(['form', 'json']), 'form'),
        pkce: v.optional(v.boolean(), true),
        claims: v.optional(v.record(v.string(), text(64)), {}),
      }),
    ],
    (issue) => (issue.received === 'undefined' ? 'is missing' : 'must be "oidc" or "oauth2"'),
  ),
  // RFC 9700 §2.1.1
  v.check(
    (provider) => provider.kind === 'oidc' || provider.auth !== 'none' || provider.pkce,
    'auth "none" needs pkce',
  ),
)

const clientSchema = v.pipe(
  members({
    clientId: v.pipe(text(128), v.regex(/^\P{Cc}+$/u, 'must not hold control characters')),
    displayName: v.optional(text(64)),
    auth: authMethod,
    secrets: v.optional(v.pipe(v.array(text(256)), v.maxLength(2, 'two secrets may live at once, no more')), []),
    grants: v.optional(v.array(grant), []),
    redirectUris: v.optional(
      v.array(
        v.pipe(
          text(512),
          v.check(isRedirectUri, 'must be an absolute URI without fragment; http is for a loopback address alone'),
        ),
      ),
      [],
    ),
    scopes: v.optional(v.array(scope), ['openid', 'profile', 'email', 'offline_access']),
    audiences: v.optional(v.pipe(v.array(text(128)), v.minLength(1, 'must name one audience at least'))),
    mayIntrospect: v.optional(v.boolean(), false),
    idTokenAlgorithm: v.optional(algorithm, 'RS256'),
    accessTokenSeconds: v.optional(seconds(1, 86_400), 300),
    idleSeconds: v.optional(seconds(1, yearSeconds), 2_592_000),
    absoluteSeconds: v.optional(seconds(1, 10 * yearSeconds), yearSeconds),
    graceSeconds: v.optional(seconds(0, 300), 0),
  }),
  // Run even when single members are wrong, so that all mistakes are told at once.
  v.rawCheck(({ dataset, addIssue }) => {
    const client = Object(dataset.value) as RecordInFile
    for (const { why, broken } of clientRules) if (broken(client)) addIssue({ message: why })
  }),
)

const applicationSchema = members({
  name: v.pipe(v.string(), v.regex(/^[a-z0-9][a-z0-9-]{0,31}$/, 'must be 1 to 32 of a-z, 0-9 and -')),
  displayName: text(64),
  provider: providerSchema,
  errorProfile: v.optional(v.picklist(['rfc', 'auth0']), 'rfc'),
  accessTokenAlgorithm: v.optional(algorithm, 'ES256'),
  audiences: v.pipe(v.array(text(128)), v.minLength(1, 'must name one audience at least')),
  userinfo: v.optional(
    members({
      scope: v.optional(scope, 'openid'),
      claims: v.record(v.string(), v.array(text(64))),
    }),
    { scope: 'openid', claims: { profile: ['name', 'preferred_username'], email: ['email', 'email_verified'] } },
  ),
  clients: v.array(clientSchema),
})

const fileSchema = members({ applications: v.array(applicationSchema) })

/**
 * Reads a registry file.
 *
 * @param variables put in the place of `${NAME}`, so that one file serves several stacks
 */
export function parseRegistry(text: string, variables: Readonly<Record<string, string>>): ParsedRegistry {
  const unknown: Mistake[] = []
  const filled = text.replace(/\$\{(\w+)\}/g, (whole, name: string) => {
    const value = variables[name]
    if (value === undefined) unknown.push({ where: whole, why: 'there is no such variable' })
    return JSON.stringify(value ?? '').slice(1, -1)
  })
  let value: unknown
  try {
    value = JSON.parse(filled)
  } catch (error) {
    return { ok: false, mistakes: [...unknown, { where: 'the file', why: `is not JSON${placeIn(error as Error)}` }] }
  }
  const parsed = v.safeParse(fileSchema, value, { message: inWords })
  const mistakes = [...unknown, ...(parsed.issues ?? []).map(mistakeOf), ...doubled(value)]
  if (!parsed.success || mistakes.length > 0) return { ok: false, mistakes }
  return { ok: true, registry: recordsOf(parsed.output) }
}

/** The parser's message quotes the text around the mistake, which may be a secret; where it is will do. */
function placeIn({ message }: Error): string {
  const [, place] = /(\(line \d+ column \d+\))/.exec(message) ?? []
  return place === undefined ? '' : ` ${place}`
}

type File = v.InferOutput<typeof fileSchema>

function recordsOf({ applications }: File): Registry {
  return {
    applications: applications.map(({ clients, audiences: _, ...application }): Application => {
      const scopes = [...new Set(clients.filter(({ grants }) => grants.length > 0).flatMap((client) => client.scopes))]
      return { ...application, scopes, revokedBefore: 0 }
    }),
    clients: applications.flatMap((application) =>
      application.clients.map(
        ({ secrets, displayName, audiences, ...client }): Client => ({
          ...client,
          application: application.name,
          displayName: displayName ?? client.clientId,
          audiences: audiences ?? application.audiences,
          secretHashes: secrets.map(hashSecret),
          revokedBefore: 0,
        }),
      ),
    ),
  }
}

/** Names that are there already, in a file that may be wrong otherwise too. */
function doubled(file: unknown): Mistake[] {
  const applications = listOf(Object(file).applications).map((application): RecordInFile => Object(application))
  const twice = (records: readonly RecordInFile[], member: string, place: (at: number) => string) =>
    records.flatMap((record, at) => {
      const isDoubled = records.findIndex((other) => other[member] === record[member]) < at
      return isDoubled && record[member] !== undefined
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

function mistakeOf(issue: v.BaseIssue<unknown>): Mistake {
  const where = (issue.path ?? []).map(({ key }) => (typeof key === 'number' ? `[${key}]` : `.${String(key)}`)).join('')
  return { where: where.replace(/^\./, '') || 'the file', why: issue.message }
}

/** Unlike the library's own words these do not repeat the value, which may be a secret in the wrong place. */
function inWords(issue: v.BaseIssue<unknown>): string {
  const what = issue.type.endsWith('_length') ? 'have a length' : 'be'
  return issue.expected === null ? 'is not valid' : `must ${what} ${issue.expected}`
}

/** RFC 6749 §3.1: no fragment; and a password in a URL is one in every log. */
function isSafeUrl(text: string): boolean {
  const url = URL.parse(text)
  if (url === null || text.includes('#') || url.username !== '' || url.password !== '') return false
  return url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url))
}

function areCertificates(pem: string): boolean {
  const certificate = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g
  const found = pem.match(certificate) ?? []
  return found.length > 0 && pem.replace(certificate, '').trim() === '' && found.every(isCertificate)
}

function isCertificate(pem: string): boolean {
  try {
    return new X509Certificate(pem).raw.length > 0
  } catch {
    return false
  }
}

/** RFC 6749 §3.1.2; RFC 8252 §7: a native app may have a scheme of its own, which holds a dot. */
function isRedirectUri(uri: string): boolean {
  const url = URL.parse(uri)
  if (url === null || uri.includes('#')) return false
  if (url.protocol === 'http:') return isLoopback(url)
  return url.protocol === 'https:' || url.protocol.includes('.')
}
