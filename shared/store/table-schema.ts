/**
 * Keys and indexes of the table, as plain data: `table.ts` creates the local table from it, the stack the deployed one.
 */

/** `S`: string, `N`: number. */
export type KeyAttribute = { readonly name: string; readonly type: 'S' | 'N' }

export type IndexSchema = {
  readonly name: string
  readonly partitionKey: KeyAttribute
  readonly sortKey: KeyAttribute
  /** Attributes that the index holds beside its keys and those of the table. */
  readonly projected: readonly string[]
}

export const tableKeys = {
  partitionKey: { name: 'pk', type: 'S' },
  sortKey: { name: 'sk', type: 'S' },
} as const satisfies Pick<IndexSchema, 'partitionKey' | 'sortKey'>

/** Seconds. DynamoDB deletes an item some time after this moment. */
export const timeToLiveAttribute = 'expires'

const createdAt: KeyAttribute = { name: 'createdAt', type: 'N' }

/** Index of families by person: `<application> <sub>`. */
export const subjectIndex = 'by-subject'
/** Index of families by client id. Several applications may have a client of the same id. */
export const clientIndex = 'by-client'
/** Index of families by the keyed hash of the person's e-mail address. Sparse. */
export const emailIndex = 'by-email'
/** Index of ended families that the provider has not been told of. Sparse. */
export const revocationsIndex = 'revocations-due'

/** An index holds only attributes that no refresh changes; otherwise each refresh would pay for a second write. */
export const indexes: readonly IndexSchema[] = [
  {
    name: subjectIndex,
    partitionKey: { name: 'subject', type: 'S' },
    sortKey: createdAt,
    projected: ['sid', 'application', 'clientId', 'flow'],
  },
  {
    name: clientIndex,
    partitionKey: { name: 'clientId', type: 'S' },
    sortKey: createdAt,
    projected: ['sid', 'application'],
  },
  {
    name: emailIndex,
    partitionKey: { name: 'byEmail', type: 'S' },
    sortKey: createdAt,
    projected: ['sid', 'clientId'],
  },
  {
    name: revocationsIndex,
    partitionKey: { name: 'revocationDue', type: 'S' },
    sortKey: { name: 'revokedAt', type: 'N' },
    projected: ['sid'],
  },
]
