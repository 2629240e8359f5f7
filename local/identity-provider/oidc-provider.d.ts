/**
 * The little of the package `oidc-provider` that the local identity provider uses; the package has no types of its own.
 */

declare module 'oidc-provider' {
  import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'

  export type Json = Readonly<Record<string, unknown>>

  /** Where the provider keeps what it has issued, a model each: `Session`, `AuthorizationCode`, `RefreshToken` … */
  export type Adapter = {
    upsert(id: string, payload: Json, expiresInSeconds?: number): Promise<void>
    find(id: string): Promise<Json | undefined>
    findByUid(uid: string): Promise<Json | undefined>
    findByUserCode(userCode: string): Promise<Json | undefined>
    consume(id: string): Promise<void>
    destroy(id: string): Promise<void>
    revokeByGrantId(grantId: string): Promise<void>
  }

  export type Grant = {
    addOIDCScope(scopes: string): void
    addOIDCClaims(claims: readonly string[]): void
    save(): Promise<string>
  }

  export type Context = {
    type: string
    status: number
    body: string
    set(name: string, value: string): void
    readonly oidc: {
      readonly provider: Provider
      readonly client: { readonly clientId: string }
      readonly session: { readonly accountId: string; grantIdFor(clientId: string): string | undefined }
      readonly requestParamOIDCScopes: Iterable<string>
      readonly requestParamClaims: Iterable<string>
    }
  }

  export type Interaction = {
    readonly uid: string
    readonly prompt: { readonly name: string }
    readonly params: Readonly<Record<string, unknown>>
  }

  export type InteractionResult =
    | { readonly login: { readonly accountId: string; readonly remember: boolean } }
    | { readonly consent: Json }
    | { readonly error: string; readonly error_description: string }

  export type Policy = { get(prompt: string): { readonly checks: { remove(check: string): void } } | undefined }

  export const interactionPolicy: { base(): Policy }

  export default class Provider {
    constructor(issuer: string, configuration: Json)
    readonly Client: { readonly prototype: { clientId: string; compareClientSecret(actual: string): boolean } }
    readonly Grant: {
      new (of: { readonly clientId: string; readonly accountId: string }): Grant
      find(id: string): Promise<Grant | undefined>
    }
    callback(): RequestListener
    interactionDetails(incoming: IncomingMessage, outgoing: ServerResponse): Promise<Interaction>
    interactionFinished(incoming: IncomingMessage, outgoing: ServerResponse, result: InteractionResult): Promise<void>
    on(event: 'server_error', listener: (context: unknown, error: Error) => void): this
  }
}
