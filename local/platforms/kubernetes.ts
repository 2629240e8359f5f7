/**
 * A Kubernetes cluster: the token of a service account, as the kubelet writes it into a projected volume and keeps it fresh.
 * https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/
 */

import { randomUUID } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { replace } from '../data-dir.ts'
import type { Issuer } from './issuer.ts'

const lifetimeSeconds = 3_600
const renewAfterMs = 600_000
const namespace = 'jobs'
const name = 'nightly-report'

function claims(audience: string) {
  return {
    jti: randomUUID(),
    sub: `system:serviceaccount:${namespace}:${name}`,
    aud: [audience],
    nbf: Math.floor(Date.now() / 1_000),
    'kubernetes.io': {
      namespace,
      node: { name: 'node-1', uid: '0f0c1f5e-6f5f-4c5a-9a55-0d7b1a1f2c01' },
      pod: { name: `${name}-29400195-x7k2p`, uid: '5e0f2d3b-43bb-4d7c-8d5d-6f6f5f0b7a02' },
      serviceaccount: { name, uid: '7c1d9e7a-1f53-4b0c-b1b7-2a4f9f7a4d03' },
    },
  }
}

/** @returns a function that ends the renewal and removes the file */
export async function keepTokenFresh(issuer: Issuer, path: string, audience: string): Promise<() => Promise<void>> {
  const write = async () => replace(path, await issuer.sign('RS256', claims(audience), lifetimeSeconds))
  await write()
  let writing = Promise.resolve()
  const renew = () => {
    // Ignore failures: if the directory is gone, nobody needs the token any more.
    writing = writing.then(write).catch(() => {})
  }
  const timer = setInterval(renew, renewAfterMs)
  timer.unref()
  return async () => {
    clearInterval(timer)
    await writing
    await rm(path, { force: true })
  }
}
