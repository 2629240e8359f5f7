/**
 * Stand-ins for the platforms that give workloads their tokens, at the identity provider's port: AWS, GitHub Actions and a
 * Kubernetes cluster. Their tokens have the claims of real ones, and their endpoints accept the same requests.
 */

import type { IncomingMessage, ServerResponse } from 'node:http'
import { exportJWK, generateKeyPair, type JWK } from 'jose'
import * as aws from './platforms/aws.ts'
import * as github from './platforms/github.ts'
import { createIssuer, type Issuer } from './platforms/issuer.ts'
import { keepTokenFresh } from './platforms/kubernetes.ts'

/** The path below the identity provider's address. */
export const platformsPath = '/platforms/'
export const platformNames = ['aws', 'github', 'kubernetes'] as const
export type PlatformName = (typeof platformNames)[number]

export type Platforms = {
  /** Answers a request below `platformsPath`. */
  answer(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void>
  /** Writes the token of a Kubernetes service account, and keeps it fresh. @returns a function that ends this */
  keepTokenFresh(path: string, audience: string): Promise<() => Promise<void>>
}

export function issuerOf(platform: PlatformName, identityProviderUrl: string): string {
  return `${identityProviderUrl}${platformsPath}${platform}`
}

/** @param rsaKeys the identity provider's, because new RSA keys take long to generate. Its own tokens have another issuer */
export function createPlatforms(url: string, rsaKeys: readonly JWK[]): Platforms {
  let es384: Promise<JWK> | undefined
  const awsKeys = async () => {
    es384 ??= makeKey()
    return [await es384, ...rsaKeys]
  }
  const own = async () => rsaKeys
  const issuers: Readonly<Record<PlatformName, Issuer>> = {
    aws: createIssuer({
      issuer: issuerOf('aws', url),
      keysPath: '/.well-known/jwks.json',
      keys: awsKeys,
      header: { typ: 'JWT' },
    }),
    github: createIssuer({
      issuer: issuerOf('github', url),
      keysPath: '/.well-known/jwks',
      keys: own,
      header: { typ: 'JWT' },
    }),
    kubernetes: createIssuer({
      issuer: issuerOf('kubernetes', url),
      keysPath: '/openid/v1/jwks',
      keys: own,
      header: {},
    }),
  }
  return {
    keepTokenFresh: (path, audience) => keepTokenFresh(issuers.kubernetes, path, audience),
    answer: async (incoming, outgoing) => {
      const place = new URL(incoming.url ?? '', url)
      const [name = '', ...rest] = place.pathname.slice(platformsPath.length).split('/')
      const issuer = platformNames.some((each) => each === name) ? issuers[name as PlatformName] : undefined
      const path = `/${rest.join('/')}`
      const { method } = incoming
      if (issuer !== undefined && method === 'GET' && (await issuer.answer(path, outgoing))) return
      if (name === 'aws' && method === 'POST' && path === '/') return aws.answer(issuers.aws, place, incoming, outgoing)
      if (name === 'github' && method === 'GET' && path === github.requestPath) {
        return github.answer(issuers.github, place, incoming, outgoing)
      }
      outgoing.writeHead(404).end()
    },
  }
}

async function makeKey(): Promise<JWK> {
  const { privateKey } = await generateKeyPair('ES384', { extractable: true })
  return { ...(await exportJWK(privateKey)), alg: 'ES384', kid: 'EC384_0' }
}
