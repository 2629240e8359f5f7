/**
 * AWS Secrets Manager, the requests that the broker makes of it.
 *
 * Sole importer of its SDK.
 */

import {
  GetSecretValueCommand,
  PutSecretValueCommand,
  ResourceExistsException,
  ResourceNotFoundException,
  SecretsManagerClient,
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
export async function writeFirst(name: string, text: string): Promise<boolean> {
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
