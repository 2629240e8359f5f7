/**
 * WebCrypto without its threads: what the broker's libraries ask for is computed at once, by node:crypto. So an event is over when
 * the microtasks after it have run.
 */

import { createCipheriv, createDecipheriv, hash, KeyObject, verify, type webcrypto } from 'node:crypto'

type GcmParams = { readonly name: string; readonly iv: Uint8Array; readonly additionalData: Uint8Array }

const tagBytes = 16

/** The algorithms that are in use. Any other fails, so that none runs in a thread of its own. */
const replaced = {
  async encrypt(
    { name, iv, additionalData }: GcmParams,
    key: webcrypto.CryptoKey,
    data: Uint8Array,
  ): Promise<ArrayBuffer> {
    expect(name, 'AES-GCM')
    const cipher = createCipheriv('aes-256-gcm', KeyObject.from(key), iv).setAAD(additionalData)
    return bytes(cipher.update(data), cipher.final(), cipher.getAuthTag())
  },

  async decrypt(
    { name, iv, additionalData }: GcmParams,
    key: webcrypto.CryptoKey,
    data: Uint8Array,
  ): Promise<ArrayBuffer> {
    expect(name, 'AES-GCM')
    const decipher = createDecipheriv('aes-256-gcm', KeyObject.from(key), iv).setAAD(additionalData)
    decipher.setAuthTag(data.subarray(-tagBytes))
    return bytes(decipher.update(data.subarray(0, -tagBytes)), decipher.final())
  },

  async verify(
    { name }: { name: string },
    key: webcrypto.CryptoKey,
    signature: Uint8Array,
    data: Uint8Array,
  ): Promise<boolean> {
    expect(name, 'ECDSA')
    // RFC 7518 §3.4: R and S side by side.
    return verify('sha256', data, { key: KeyObject.from(key), dsaEncoding: 'ieee-p1363' }, signature)
  },

  async digest(name: string, data: Uint8Array): Promise<ArrayBuffer> {
    expect(name, 'SHA-256')
    return bytes(hash('sha256', data, 'buffer'))
  },

  async sign(): Promise<never> {
    throw new Error('the simulation does not sign with WebCrypto')
  },
}

function bytes(...parts: readonly Buffer[]): ArrayBuffer {
  return Uint8Array.from(Buffer.concat(parts)).buffer
}

function expect(name: string, known: string): void {
  if (name !== known) throw new Error(`the simulation knows no ${name}`)
}

export function replaceWebCrypto(): void {
  const { subtle } = globalThis.crypto
  const importKey = subtle.importKey.bind(subtle)
  for (const [name, value] of Object.entries(replaced)) {
    Object.defineProperty(subtle, name, { value })
  }
  // Extractable, so that node:crypto can use it.
  const value = (...[format, data, algorithm, , usages]: Parameters<typeof importKey>) =>
    importKey(format, data, algorithm, true, usages)
  Object.defineProperty(subtle, 'importKey', { value })
}
