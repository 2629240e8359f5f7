/**
 * Makes a private certificate authority and a certificate for an IPv4 address or for names (RFC 5280 §4.1), in the little of
 * DER (X.690) that this takes.
 */

import { generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto'

/** PEM, all three. */
export type ServerCertificate = { readonly authority: string; readonly certificate: string; readonly key: string }

export function certificateForLoopback(address = '127.0.0.1'): ServerCertificate {
  // iPAddress
  return certificateWith([der(0x87, Buffer.from(address.split('.').map(Number)))])
}

export function certificateForNames(...names: readonly string[]): ServerCertificate {
  // dNSName
  return certificateWith(names.map((name) => der(0x82, Buffer.from(name))))
}

/** @param alternativeNames GeneralName (RFC 5280 §4.2.1.6), encoded */
function certificateWith(alternativeNames: readonly Buffer[]): ServerCertificate {
  const above = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const below = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const name = `Test authority ${randomBytes(4).toString('hex')}`
  const ofAuthority = [extension('551d13', sequence(boolean(true)), true)]
  const ofServer = [
    extension('551d13', sequence(), true),
    // subjectAltName
    extension('551d11', sequence(...alternativeNames)),
  ]
  return {
    authority: pem(
      certificate({ subject: name, issuer: name, key: above.publicKey, extensions: ofAuthority }, above.privateKey),
    ),
    certificate: pem(
      certificate(
        { subject: 'Test server', issuer: name, key: below.publicKey, extensions: ofServer },
        above.privateKey,
      ),
    ),
    key: String(below.privateKey.export({ type: 'pkcs8', format: 'pem' })),
  }
}

type Told = {
  readonly subject: string
  readonly issuer: string
  readonly key: KeyObject
  readonly extensions: readonly Buffer[]
}

function certificate({ subject, issuer, key, extensions }: Told, signingKey: KeyObject): Buffer {
  const algorithm = sequence(oid('2a8648ce3d040302')) // ecdsa-with-SHA256
  const told = sequence(
    der(0xa0, integer(Buffer.from([2]))), // version 3
    integer(Buffer.concat([Buffer.from([1]), randomBytes(15)])),
    algorithm,
    named(issuer),
    sequence(utcTime(Date.now() - 86_400_000), utcTime(Date.now() + 86_400_000)),
    named(subject),
    key.export({ type: 'spki', format: 'der' }),
    der(0xa3, sequence(...extensions)),
  )
  return sequence(told, algorithm, bitString(sign('sha256', told, signingKey)))
}

function pem(bytes: Buffer): string {
  const lines = bytes.toString('base64').match(/.{1,64}/g) ?? []
  return ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n')
}

function der(tag: number, ...contents: readonly Buffer[]): Buffer {
  const content = Buffer.concat(contents)
  const { length } = content
  const size = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 0xff]
  return Buffer.concat([Buffer.from([tag, ...size]), content])
}

const sequence = (...parts: readonly Buffer[]) => der(0x30, ...parts)
const integer = (bytes: Buffer) => der(0x02, bytes)
const boolean = (value: boolean) => der(0x01, Buffer.from([value ? 0xff : 0]))
const oid = (hex: string) => der(0x06, Buffer.from(hex, 'hex'))
const bitString = (bytes: Buffer) => der(0x03, Buffer.from([0]), bytes)
/** One attribute, commonName. */
const named = (name: string) => sequence(der(0x31, sequence(oid('550403'), der(0x0c, Buffer.from(name)))))
const utcTime = (at: number) =>
  der(0x17, Buffer.from(`${new Date(at).toISOString().replace(/[-:T]/g, '').slice(2, 14)}Z`))
const extension = (id: string, value: Buffer, isCritical = false) =>
  sequence(oid(id), ...(isCritical ? [boolean(true)] : []), der(0x04, value))
