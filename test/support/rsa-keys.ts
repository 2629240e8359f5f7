/** The RSA keys of providers in tests. Their making takes a tenth of a second, so one pair serves a whole run. */

import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto'

/** Where test/support/global-setup.ts tells the private key. */
export const sharedKeyVariable = 'TEST_RSA_KEY'

let made: string | undefined

/** A private key of 2048 bits as PEM. */
export function privateKeyText(): string {
  made ??= generateKeyPairSync('rsa', { modulusLength: 2048 })
    .privateKey.export({ type: 'pkcs8', format: 'pem' })
    .toString()
  return made
}

export function sharedKeys(): { readonly privateKey: KeyObject; readonly publicKey: KeyObject } {
  const privateKey = createPrivateKey(process.env[sharedKeyVariable] ?? privateKeyText())
  return { privateKey, publicKey: createPublicKey(privateKey) }
}
