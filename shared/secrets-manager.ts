/** Requests to AWS Secrets Manager. The only importer of its SDK, which is loaded on demand. */

import { randomUUID } from 'node:crypto'
import {
  DescribeSecretCommand,
  GetSecretValueCommand,
  InvalidParameterException,
  PutSecretValueCommand,
  ResourceExistsException,
  ResourceNotFoundException,
  SecretsManagerClient,
  UpdateSecretVersionStageCommand,
} from '@aws-sdk/client-secrets-manager'

const client = new SecretsManagerClient({
  requestHandler: { connectionTimeout: 1_000, requestTimeout: 2_000, throwOnRequestTimeout: true },
})

export async function readSecret(name: string): Promise<string> {
  const { SecretString } = await client.send(new GetSecretValueCommand({ SecretId: name }))
  if (SecretString === undefined) throw new Error('the secret holds no text')
  return SecretString
}

/** The version id of every secret's first value, so that only one first value can be written. */
const firstVersion = 'token-broker-first-value-00000001'

/**
 * Writes the first value of a secret.
 *
 * @returns false if the secret already has a value, which stays
 */
export async function writeFirstValue(name: string, text: string): Promise<boolean> {
  if (await hasValue(name)) return false
  try {
    // The token makes this a conditional write: Secrets Manager refuses another text under the same token.
    await client.send(
      new PutSecretValueCommand({ SecretId: name, SecretString: text, ClientRequestToken: firstVersion }),
    )
    return true
  } catch (error) {
    if (error instanceof ResourceExistsException) return false
    throw error
  }
}

async function hasValue(name: string): Promise<boolean> {
  try {
    await readSecret(name)
    return true
  } catch (error) {
    if (error instanceof ResourceNotFoundException) return false
    throw error
  }
}

// --- versions -------------------------------------------------------------------------------------------------------

/** The version ids of a secret that is read, and of the one that is about to replace it. A version's text never changes. */
export type Versions = { readonly current: string | undefined; readonly pending: string | undefined }

export async function versionsOf(name: string): Promise<Versions> {
  const { VersionIdsToStages = {} } = await client.send(new DescribeSecretCommand({ SecretId: name }))
  const staged = (stage: string) =>
    Object.keys(VersionIdsToStages).find((id) => VersionIdsToStages[id]?.includes(stage))
  return { current: staged('AWSCURRENT'), pending: staged('AWSPENDING') }
}

/** Whether a secret has a value, without reading it. */
export async function hasSecretValue(name: string): Promise<boolean> {
  try {
    return (await versionsOf(name)).current !== undefined
  } catch (error) {
    if (error instanceof ResourceNotFoundException) return false
    throw error
  }
}

/** An id for a version outside a rotation. Secrets Manager makes the ids of rotations. */
export function newVersionId(): string {
  return randomUUID()
}

/** @returns undefined if the version has no value yet */
export async function readVersion(name: string, versionId: string): Promise<string | undefined> {
  try {
    const { SecretString } = await client.send(new GetSecretValueCommand({ SecretId: name, VersionId: versionId }))
    return SecretString
  } catch (error) {
    if (error instanceof ResourceNotFoundException) return undefined
    throw error
  }
}

/** Writes a version as AWSPENDING, instead of any other pending one. A version that already has a text keeps it. */
export async function writePending(name: string, versionId: string, text: string): Promise<void> {
  const stages = ['AWSPENDING']
  try {
    await client.send(
      new PutSecretValueCommand({
        SecretId: name,
        SecretString: text,
        ClientRequestToken: versionId,
        VersionStages: stages,
      }),
    )
  } catch (error) {
    if (!(error instanceof ResourceExistsException)) throw error
  }
}

/**
 * Makes a version current, if the current one is still the one it is meant to replace.
 *
 * @param inPlaceOf the version id to replace
 * @returns false if another version is current
 */
export async function makeCurrent(name: string, versionId: string, inPlaceOf: string): Promise<boolean> {
  try {
    await client.send(
      new UpdateSecretVersionStageCommand({
        SecretId: name,
        VersionStage: 'AWSCURRENT',
        MoveToVersionId: versionId,
        RemoveFromVersionId: inPlaceOf,
      }),
    )
    return true
  } catch (error) {
    // The stage is at another version, perhaps because an earlier attempt of this call has moved it.
    if (error instanceof InvalidParameterException) return (await versionsOf(name)).current === versionId
    throw error
  }
}

/** Removes AWSPENDING from a version, so that another one can be written. */
export async function dropPending(name: string, versionId: string): Promise<void> {
  await client.send(
    new UpdateSecretVersionStageCommand({
      SecretId: name,
      VersionStage: 'AWSPENDING',
      RemoveFromVersionId: versionId,
    }),
  )
}
