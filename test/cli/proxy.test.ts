/**
 * Requests of the command line through a proxy that the environment names.
 */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { createServer as createTlsServer, type Server as TlsServer } from 'node:tls'
import { sharedBroker } from '../flows/support/shared-broker.ts'
import { directory } from '../local/support/directory.ts'
import { certificateForLoopback } from '../support/certificate.ts'
import { commandLine, signedIn } from './support/command-line.ts'

/** An address of this machine that the command line does not take for one. */
const host = '127.0.0.2'
const own = certificateForLoopback(host)
const broker = await sharedBroker()

/** TLS in front of the broker. */
let front: TlsServer
let proxy: Server
const tunnels: string[] = []

before(async () => {
  front = createTlsServer({ cert: own.certificate, key: own.key }, (socket) => {
    const behind = connect(Number(new URL(broker.url).port), '127.0.0.1')
    socket.pipe(behind).pipe(socket)
    for (const each of [socket, behind]) each.on('error', () => each.destroy())
  })
  proxy = createServer((_, response) => response.writeHead(400).end())
  proxy.on('connect', ({ url = '' }, socket) => {
    tunnels.push(url)
    const [name, port] = url.split(':')
    const behind = connect(Number(port), name, () => socket.write('HTTP/1.1 200 Connected\r\n\r\n'))
    socket.pipe(behind).pipe(socket)
    for (const each of [socket, behind]) each.on('error', () => each.destroy())
  })
  await Promise.all([once(front.listen(0, host), 'listening'), once(proxy.listen(0, '127.0.0.1'), 'listening')])
})
after(() => {
  front.close()
  proxy.close()
})

const portOf = (server: Server | TlsServer) => (server.address() as AddressInfo).port

test('HTTPS_PROXY is used for a broker elsewhere, NO_PROXY excepts it, and a broker on this machine never takes a proxy', async (t) => {
  const authority = join(await directory(t), 'authority.pem')
  await writeFile(authority, own.authority)
  const run = async (url: string, variables: Record<string, string>) => {
    tunnels.length = 0
    const tool = await commandLine(t, { NODE_EXTRA_CA_CERTS: authority, ...variables })
    await signedIn(tool, broker.url, { issuer: `${url}/demo` })
    const { code, stderr } = await tool.runProcess('token')
    assert.equal(code, 0, stderr)
    return [...new Set(tunnels)]
  }
  const elsewhere = `https://${host}:${portOf(front)}`
  const proxyUrl = `http://127.0.0.1:${portOf(proxy)}`
  const tunnel = [`${host}:${portOf(front)}`]
  assert.deepEqual(await run(elsewhere, { HTTPS_PROXY: proxyUrl }), tunnel)
  assert.deepEqual(await run(elsewhere, { https_proxy: proxyUrl, NO_PROXY: host }), [])
  assert.deepEqual(await run(broker.url, { HTTPS_PROXY: proxyUrl, HTTP_PROXY: proxyUrl }), [])
})

test('a proxy that is down is exit code 4, and nothing was spent', async (t) => {
  const tool = await commandLine(t, { HTTPS_PROXY: 'http://127.0.0.1:1' })
  await signedIn(tool, broker.url, { issuer: `https://${host}:${portOf(front)}/demo` })
  const { code, stderr } = await tool.runProcess('token')
  assert.deepEqual([code, /nothing was spent/.test(stderr)], [4, true], stderr)
})
