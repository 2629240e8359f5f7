/**
 * The tenant's userinfo for access tokens that are JWTs: at Auth0 they are good there, the package takes opaque ones alone.
 *
 * Owns checking such a token. Must not know how it was made.
 */

import { createLocalJWKSet, type JWK, jwtVerify } from 'jose'
import type { Middleware } from 'oidc-provider'
import { claimsByScope, claimsOf } from '../identity-provider/person.ts'

export async function createUserinfo(issuer: string, { keys }: { readonly keys: readonly JWK[] }): Promise<Middleware> {
  const known = createLocalJWKSet({ keys: keys.map(({ kty, n, e, kid, alg }) => ({ kty, n, e, kid, alg }) as JWK) })
  const checks = { issuer, audience: `${issuer}userinfo`, typ: 'at+jwt', algorithms: ['RS256'] }
  return async (context, next) => {
    const [, token] = /^bearer +([\w-]+\.[\w-]+\.[\w-]+)$/i.exec(context.get('authorization')) ?? []
    if (context.path !== '/userinfo' || token === undefined) return next()
    try {
      const { payload } = await jwtVerify(token, known, checks)
      context.body = released(String(payload.sub), String(payload.scope).split(' '))
    } catch {
      context.status = 401
      context.set('www-authenticate', 'Bearer error="invalid_token"')
      context.body = { error: 'invalid_token' }
    }
  }
}

/** OIDC Core §5.4 */
function released(sub: string, scopes: readonly string[]) {
  const names = Object.entries(claimsByScope).flatMap(([scope, claims]) => (scopes.includes(scope) ? claims : []))
  return Object.fromEntries(Object.entries(claimsOf(sub)).filter(([name]) => names.includes(name)))
}
