/**
 * Stores the keys of the local identity provider and what it has issued, in a SQLite database in memory or in a file. With a
 * file, sign-ins and refresh tokens survive restarts. Brokers that share a data directory share the file.
 */

import { chmodSync } from 'node:fs'
import { DatabaseSync, type SQLOutputValue } from 'node:sqlite'
import type { Adapter, AdapterPayload } from 'oidc-provider'
import type { Keys } from './keys.ts'

export type Store = {
  /** Returns the keys, and makes them if they are missing. Providers that start at the same time get the same keys. */
  keys(make: () => Promise<Keys>): Promise<Keys>
  adapter(model: string): Adapter
  close(): void
}

const busyWithinMs = 2_000

const schema = `
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = NORMAL;
  CREATE TABLE IF NOT EXISTS kept (name TEXT PRIMARY KEY, payload TEXT NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS issued (
    model TEXT NOT NULL, id TEXT NOT NULL, payload TEXT NOT NULL, expires INTEGER,
    grant_id TEXT, uid TEXT, user_code TEXT, PRIMARY KEY (model, id)
  ) STRICT;
  CREATE INDEX IF NOT EXISTS issued_grant ON issued (grant_id);
  CREATE INDEX IF NOT EXISTS issued_uid ON issued (uid);
`

/** @param file without it, the database is in memory */
export function openStore(file?: string): Store {
  const database = new DatabaseSync(file ?? ':memory:', { timeout: busyWithinMs })
  if (file !== undefined) chmodSync(file, 0o600)
  database.exec(schema)
  database.prepare('DELETE FROM issued WHERE expires <= ?').run(seconds())
  const kept = database.prepare("SELECT payload FROM kept WHERE name = 'keys'")
  const keepFirst = database.prepare("INSERT OR IGNORE INTO kept (name, payload) VALUES ('keys', ?)")
  return {
    keys: async (make) => {
      if (kept.get() === undefined) keepFirst.run(JSON.stringify(await make()))
      return JSON.parse(String(kept.get()?.payload)) as Keys
    },
    adapter: (model) => adapterOf(database, model),
    close: () => database.close(),
  }
}

function adapterOf(database: DatabaseSync, model: string): Adapter {
  const upsert = database.prepare(
    'INSERT OR REPLACE INTO issued (model, id, payload, expires, grant_id, uid, user_code) VALUES (?, ?, ?, ?, ?, ?, ?)',
  )
  const findBy = (column: 'id' | 'uid' | 'user_code') =>
    database.prepare(
      `SELECT payload FROM issued WHERE model = ? AND ${column} = ? AND (expires IS NULL OR expires > ?)`,
    )
  const find = findBy('id')
  const findByUid = findBy('uid')
  const findByUserCode = findBy('user_code')
  const consume = database.prepare(
    "UPDATE issued SET payload = json_set(payload, '$.consumed', ?) WHERE model = ? AND id = ?",
  )
  const destroy = database.prepare('DELETE FROM issued WHERE model = ? AND id = ?')
  const revoke = database.prepare('DELETE FROM issued WHERE model = ? AND grant_id = ?')
  return {
    upsert: async (id, payload, expiresInSeconds) => {
      const expires = expiresInSeconds === undefined ? null : seconds() + expiresInSeconds
      const { grantId, uid, userCode } = payload
      upsert.run(model, id, JSON.stringify(payload), expires, textOf(grantId), textOf(uid), textOf(userCode))
    },
    find: async (id) => payloadOf(find.get(model, id, seconds())),
    findByUid: async (uid) => payloadOf(findByUid.get(model, uid, seconds())),
    findByUserCode: async (userCode) => payloadOf(findByUserCode.get(model, userCode, seconds())),
    consume: async (id) => void consume.run(seconds(), model, id),
    destroy: async (id) => void destroy.run(model, id),
    revokeByGrantId: async (grantId) => void revoke.run(model, grantId),
  }
}

function payloadOf(row: Record<string, SQLOutputValue> | undefined): AdapterPayload | undefined {
  return row === undefined ? undefined : (JSON.parse(String(row.payload)) as AdapterPayload)
}

const textOf = (value: unknown) => (typeof value === 'string' ? value : null)
const seconds = () => Math.floor(Date.now() / 1_000)
