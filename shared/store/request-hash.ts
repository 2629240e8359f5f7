/**
 * SHA-256 and its HMAC, in the shape in which the SDK asks for them to sign a request.
 *
 * The SDK's own class passes the key's bytes to Node, which finds out through an exception that they are no KeyObject. That
 * takes three times as long as the HMAC itself (docs/decisions/0031).
 */

import { createHash, createHmac, createSecretKey, type Hash, type Hmac, type KeyObject } from 'node:crypto'

export class RequestHash {
  readonly #secret: KeyObject | undefined
  #hash: Hash | Hmac

  /** @param secret makes it an HMAC; without one it is a plain hash */
  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.#secret = secret === undefined ? undefined : keyOf(secret)
    this.#hash = this.#begin()
  }

  update(data: Uint8Array): void {
    this.#hash.update(data)
  }

  async digest(): Promise<Uint8Array> {
    return this.#hash.digest()
  }

  reset(): void {
    this.#hash = this.#begin()
  }

  #begin(): Hash | Hmac {
    return this.#secret === undefined ? createHash('sha256') : createHmac('sha256', this.#secret)
  }
}

function keyOf(secret: string | ArrayBuffer | ArrayBufferView): KeyObject {
  if (typeof secret === 'string') return createSecretKey(secret, 'utf8')
  const { buffer, byteOffset, byteLength } = ArrayBuffer.isView(secret) ? secret : new Uint8Array(secret)
  return createSecretKey(Buffer.from(buffer, byteOffset, byteLength))
}
