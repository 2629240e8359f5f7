/** RSA keys for tests to which it does not matter which key they get. Generating one takes 70 ms of CPU, so a whole run shares a few. */

import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import type { JWK } from 'jose'

/** Set by test/support/global-setup.ts: the keys as JSON. */
export const rsaKeysVariable = 'TEST_RSA_KEYS'

const keys: JWK[] = JSON.parse(process.env[rsaKeysVariable] ?? '[]')

/** The key of the providers that tests start, and those of brokers: two of a keyring, one of its identity provider, one for a rotation. */
const [providerKey, ...brokerKeys] = [0, 1, 2, 3, 4] as const
let drawn = 0

export function sharedKeys(): { readonly privateKey: KeyObject; readonly publicKey: KeyObject } {
  const privateKey = createPrivateKey({ key: keyAt(providerKey), format: 'jwk' })
  return { privateKey, publicKey: createPublicKey(privateKey) }
}

/** A private key for a broker. After four keys, it returns the first again. */
export function drawBrokerKey(): JWK {
  return keyAt(brokerKeys[drawn++ % brokerKeys.length]!)
}

/** All keys, for the environment of other processes. */
export function rsaKeysText(): string {
  return JSON.stringify([providerKey, ...brokerKeys].map(keyAt))
}

function keyAt(index: number): JWK {
  keys[index] ??= generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'jwk' }) as JWK
  return keys[index]
}
