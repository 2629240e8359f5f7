/**
 * AWS Secrets Manager, the requests that the broker makes of it.
 *
 * Sole importer of its SDK.
 */

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

/** The version that a secret's first value gets, so that there is never a second first one. */
const firstVersion = 'token-broker-first-value-00000001'

/**
 * Gives a secret its first value.
 *
 * @returns false when it has one, which then stays
 */
export async function writeFirstValue(name: string, text: string): Promise<boolean> {
  if (await hasValue(name)) return false
  try {
    // The token makes it one conditional write: with another text under the same token it is refused.
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

/** Which version of a secret is read, and which one is about to take its place. A version's text never changes. */
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

/** For a version that is no rotation's; Secrets Manager draws those itself. */
export function newVersionId(): string {
  return randomUUID()
}

/** @returns undefined when the version holds nothing yet */
export async function readVersion(name: string, versionId: string): Promise<string | undefined> {
  try {
    const { SecretString } = await client.send(new GetSecretValueCommand({ SecretId: name, VersionId: versionId }))
    return SecretString
  } catch (error) {
    if (error instanceof ResourceNotFoundException) return undefined
    throw error
  }
}

/** Writes a version that is pending, in the place of any other that is. One that holds a text already keeps it. */
export async function writePending(name: string, versionId: string, text: string): Promise<void> {
  const stages = ['AWSPENDING']
  try {
    await client.send(
      new PutSecretValueCommand({
        ...{ SecretId: name, SecretString: text, ClientRequestToken: versionId, VersionStages: stages },
      }),
    )
  } catch (error) {
    if (!(error instanceof ResourceExistsException)) throw error
  }
}

/**
 * Puts a version in the place of the current one, if that is still the one it is meant to replace.
 *
 * @returns false when it is not
 */
export async function makeCurrent(name: string, versionId: string, inPlaceOf: string): Promise<boolean> {
  try {
    await client.send(
      new UpdateSecretVersionStageCommand({
        ...{ SecretId: name, VersionStage: 'AWSCURRENT' },
        ...{ MoveToVersionId: versionId, RemoveFromVersionId: inPlaceOf },
      }),
    )
    return true
  } catch (error) {
    // The stage is not where it was said to be; perhaps because an earlier try of this very call had moved it.
    if (error instanceof InvalidParameterException) return (await versionsOf(name)).current === versionId
    throw error
  }
}

/** Gives up a pending version, so that another can be made. */
export async function dropPending(name: string, versionId: string): Promise<void> {
  await client.send(
    new UpdateSecretVersionStageCommand({
      ...{ SecretId: name, VersionStage: 'AWSPENDING', RemoveFromVersionId: versionId },
    }),
  )
}
