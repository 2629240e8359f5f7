/**
 * What ops ask of the broker (docs/contract.md, sessions), as the local stack has it: without a signature.
 *
 * Owns paths and names. Must not judge the answers.
 */
import type { Broker } from './broker.ts'
import { type Answer, get, postJson, send } from './wire.ts'

export type SessionRow = Readonly<Record<string, unknown>> & { readonly sid: string; readonly state: string }

export function list(
  broker: Broker,
  application: string,
  query: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  return get(`${broker.url}/${application}/sessions?${new URLSearchParams(query)}`)
}

export function show(broker: Broker, application: string, sid: string): Promise<Answer> {
  return get(`${broker.url}/${application}/sessions/${sid}`)
}

export function revokeOne(broker: Broker, application: string, sid: string, reason?: string): Promise<Answer> {
  const query = reason === undefined ? '' : `?${new URLSearchParams({ reason })}`
  return send(`${broker.url}/${application}/sessions/${sid}${query}`, { method: 'DELETE' })
}

export function revokeMany(broker: Broker, application: string, body: object): Promise<Answer> {
  return postJson(`${broker.url}/${application}/sessions/revoke`, body)
}

export function rowsOf({ body }: Answer): readonly SessionRow[] {
  return body.sessions as readonly SessionRow[]
}

/** Every page of a list. */
export async function whole(
  broker: Broker,
  application: string,
  query: Readonly<Record<string, string>>,
): Promise<readonly SessionRow[]> {
  const rows: SessionRow[] = []
  let cursor: unknown
  do {
    const page = await list(broker, application, { ...query, ...(typeof cursor === 'string' && { cursor }) })
    if (page.status !== 200) throw new Error(page.text)
    rows.push(...rowsOf(page))
    cursor = page.body.cursor
  } while (cursor !== undefined)
  return rows
}
