/**
 * Finds sessions for operators, newest first, a page at a time.
 *
 *     newest ──Query──► by-subject, by-email, or by-client once for each client ──merge──► sids
 *     read   ──BatchGetItem, consistent──────────────────────────────────────► families
 *
 * An index lags behind the table, so a new session may be missing for a moment. Its attributes never change.
 */

import { BatchGetCommand, QueryCommand, type QueryCommandInput, type QueryCommandOutput } from '@aws-sdk/lib-dynamodb'
import { type Family, subjectKey } from '../domain/family.ts'
import { mapWithConcurrency } from '../map-with-concurrency.ts'
import { Unavailable } from '../unavailable.ts'
import { familyKey } from './families.ts'
import { ask, type Table } from './table.ts'
import { clientIndex, emailIndex, subjectIndex } from './table-schema.ts'

/** A family's entry in an index. */
export type Entry = { readonly sid: string; readonly createdAt: number }

/** The families of a person, at all clients or at one; or the families of clients. */
export type SessionQuery = { readonly application: string } & (
  | { readonly subject: string; readonly clientId?: string | undefined }
  | { readonly emailHash: string; readonly clientId?: string | undefined }
  | { readonly clientIds: readonly string[] }
)

/** Families, the newest first, and by sid within a millisecond. */
export type Page = {
  readonly sids: readonly string[]
  /** Where the next page starts; undefined: this was the last one. A page may be empty and not the last. */
  readonly last: Entry | undefined
}

export type Sessions = {
  /**
   * The next families of an application, after the last one that was seen.
   *
   * @throws {Unavailable}
   */
  newest(query: SessionQuery, after: Entry | undefined, max: number): Promise<Page>
  /**
   * A page of a person's families that began up to a moment, the oldest first.
   *
   * @param after where the page before it ended
   * @throws {Unavailable}
   */
  ofPerson(application: string, subject: string, upToMs: number, after: Entry | undefined): Promise<Page>
  /**
   * Families as they are, strongly consistent, in the order of the sids; those that are gone are left out.
   *
   * @throws {Unavailable}
   */
  read(sids: readonly string[]): Promise<Family[]>
}

export function createSessions(table: Table): Sessions {
  return {
    newest: (query, after, max) => newest(table, query, after, max),
    ofPerson: (application, subject, upToMs, after) => ofPerson(table, application, subject, upToMs, after),
    read: (sids) => readAll(table, sids),
  }
}

// --- newest ---------------------------------------------------------------------------------------------------------

/** Clients whose entries are queried at the same time. */
const maxQueries = 16
/** Pages of an index for one answer. The first is enough, unless other applications have a client of the same name. */
const maxPages = 10
const nextPageEntries = 1_000

async function newest(table: Table, query: SessionQuery, after: Entry | undefined, max: number): Promise<Page> {
  const sources = sourcesFor(query)
  const found = await mapWithConcurrency(sources, maxQueries, (source) => descend(table, source, after, max))
  // A source that stopped early may still hold families that are newer than some of the others' families.
  const floor = Math.max(...found.map(({ reachedMs }) => reachedMs), Number.NEGATIVE_INFINITY)
  const known = found
    .flatMap(({ entries }) => entries)
    .filter(({ createdAt }) => createdAt > floor)
    .sort(inOrder)
  const taken = known.slice(0, max)
  const sids = taken.map(({ sid }) => sid)
  if (taken.length < known.length) return { sids, last: taken.at(-1) }
  return { sids, last: Number.isFinite(floor) ? { createdAt: floor, sid: '' } : undefined }
}

function sourcesFor(query: SessionQuery): readonly Source[] {
  const { application } = query
  if ('subject' in query) return [bySubject(application, query.subject, query.clientId)]
  if ('emailHash' in query) return [byEmail(query.emailHash, query.clientId)]
  return query.clientIds.map((clientId) => byClient(application, clientId))
}

type Source = Pick<QueryCommandInput, 'IndexName' | 'KeyConditionExpression' | 'FilterExpression'> & {
  readonly values: Readonly<Record<string, string>>
}

function byClient(application: string, clientId: string): Source {
  return {
    IndexName: clientIndex,
    KeyConditionExpression: 'clientId = :clientId',
    FilterExpression: 'application = :application',
    values: { ':clientId': clientId, ':application': application },
  }
}

function bySubject(application: string, subject: string, clientId?: string): Source {
  const values = { ':subject': subjectKey(application, subject) }
  return atClient({ IndexName: subjectIndex, KeyConditionExpression: 'subject = :subject', values }, clientId)
}

/** The hash is of the application as well as of the address. */
function byEmail(emailHash: string, clientId?: string): Source {
  const values = { ':byEmail': emailHash }
  return atClient({ IndexName: emailIndex, KeyConditionExpression: 'byEmail = :byEmail', values }, clientId)
}

function atClient(source: Source, clientId: string | undefined): Source {
  if (clientId === undefined) return source
  const values = { ...source.values, ':clientId': clientId }
  return { ...source, FilterExpression: 'clientId = :clientId', values }
}

/** @property reachedMs families that are younger have all been found; -Infinity: there are no others */
type Descent = { readonly entries: readonly Entry[]; readonly reachedMs: number }

/** The index sorts by time alone, so a millisecond is read to its end before its families are put in order. */
async function descend(table: Table, source: Source, after: Entry | undefined, max: number): Promise<Descent> {
  const entries: Entry[] = []
  let start: QueryCommandOutput['LastEvaluatedKey']
  for (let pages = 1; ; pages += 1) {
    const page = await readPage(table, source, {
      ScanIndexForward: false,
      ...(after !== undefined && upTo(source, after.createdAt)),
      // One more for the last one seen, which comes again, and one to know that the last millisecond is complete.
      ...(start === undefined ? { Limit: max + 2 } : { Limit: nextPageEntries, ExclusiveStartKey: start }),
    })
    entries.push(...entriesIn(page).filter((entry) => after === undefined || inOrder(after, entry) < 0))
    start = page.LastEvaluatedKey
    if (start === undefined) return { entries, reachedMs: Number.NEGATIVE_INFINITY }
    const reachedMs = Number(start.createdAt)
    const complete = entries.filter(({ createdAt }) => createdAt > reachedMs).length
    if (complete >= max || pages === maxPages) return { entries, reachedMs }
  }
}

function inOrder(one: Entry, other: Entry): number {
  if (one.createdAt !== other.createdAt) return other.createdAt - one.createdAt
  return one.sid < other.sid ? -1 : one.sid > other.sid ? 1 : 0
}

// --- of a person ----------------------------------------------------------------------------------------------------

async function ofPerson(
  table: Table,
  application: string,
  subject: string,
  upToMs: number,
  after: Entry | undefined,
): Promise<Page> {
  const source = bySubject(application, subject)
  const page = await readPage(table, source, {
    Limit: maxKeys,
    ...upTo(source, upToMs),
    ...(after !== undefined && { ExclusiveStartKey: startAfter(application, subject, after) }),
  })
  const entries = entriesIn(page)
  return { sids: entries.map(({ sid }) => sid), last: page.LastEvaluatedKey && entries.at(-1) }
}

/** Where a page of `by-subject` ended: the keys of the index and of the table. */
function startAfter(application: string, subject: string, { sid, createdAt }: Entry) {
  return { ...familyKey(sid), subject: subjectKey(application, subject), createdAt }
}

// --- both -----------------------------------------------------------------------------------------------------------

function upTo({ KeyConditionExpression, values }: Source, createdAt: number): Partial<QueryCommandInput> {
  return {
    KeyConditionExpression: `${KeyConditionExpression} AND createdAt <= :createdAt`,
    ExpressionAttributeValues: { ...values, ':createdAt': createdAt },
  }
}

function readPage(
  table: Table,
  { values, ...source }: Source,
  more: Partial<QueryCommandInput>,
): Promise<QueryCommandOutput> {
  const input = { ...source, ExpressionAttributeValues: values, ...more }
  return ask(() => table.client.send(new QueryCommand({ TableName: table.name, ...input })))
}

function entriesIn({ Items: items = [] }: QueryCommandOutput): Entry[] {
  return (items as Entry[]).map(({ sid, createdAt }) => ({ sid, createdAt }))
}

// --- read -----------------------------------------------------------------------------------------------------------

/** The limit of one BatchGetItem. */
const maxKeys = 100
/** DynamoDB leaves out items when it is throttled. They are requested again this often, after this delay. */
const maxTries = 4
const pauseMs = 50

async function readAll(table: Table, sids: readonly string[]): Promise<Family[]> {
  const found = new Map<string, Family>()
  const wanted = [...new Set(sids)]
  for (let at = 0; at < wanted.length; at += maxKeys) {
    for (const family of await readSome(table, wanted.slice(at, at + maxKeys))) found.set(family.sid, family)
  }
  return sids.flatMap((sid) => found.get(sid) ?? [])
}

async function readSome(table: Table, sids: readonly string[]): Promise<Family[]> {
  const families: Family[] = []
  let keys: Record<string, unknown>[] = sids.map(familyKey)
  for (let tries = 0; keys.length > 0; tries += 1) {
    if (tries === maxTries) throw new Unavailable('store', new Error('families are left out again and again'))
    const request = { [table.name]: { Keys: keys, ConsistentRead: true } }
    const { Responses, UnprocessedKeys } = await ask(() =>
      table.client.send(new BatchGetCommand({ RequestItems: request })),
    )
    families.push(...((Responses?.[table.name] ?? []) as Family[]))
    keys = UnprocessedKeys?.[table.name]?.Keys ?? []
    if (keys.length > 0) await new Promise((resolve) => setTimeout(resolve, pauseMs * 2 ** tries))
  }
  return families
}
