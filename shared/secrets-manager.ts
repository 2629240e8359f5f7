/**
 * AWS Secrets Manager, the requests that the broker makes of it.
 *
 * Sole importer of its SDK.
 */

import {
  GetSecretValueCommand,
  PutSecretValueCommand,
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

/** Whether a secret that is declared has been given a value yet. */
export async function hasValue(name: string): Promise<boolean> {
  try {
    await readSecret(name)
    return true
  } catch (error) {
    if (error instanceof ResourceNotFoundException) return false
    throw error
  }
}

export async function writeSecret(name: string, text: string): Promise<void> {
  await client.send(new PutSecretValueCommand({ SecretId: name, SecretString: text }))
}
