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
    addResourceScope(resource: string, scopes: string): void
    save(): Promise<string>
  }

  export type Context = {
    type: string
    status: number
    body: unknown
    readonly method: string
    readonly path: string
    readonly query: Readonly<Record<string, string | readonly string[] | undefined>>
    querystring: string
    /** For one middleware to tell another. */
    readonly state: Record<string, unknown>
    readonly cookies: { get(name: string): string | undefined }
    get(header: string): string
    set(name: string, value: string): void
    readonly oidc: {
      readonly provider: Provider
      /** The endpoint's name, which is not its path. */
      readonly route: string
      readonly client: { readonly clientId: string }
      readonly session: {
        readonly accountId: string
        readonly state: { readonly secret: string }
        grantIdFor(clientId: string): string | undefined
      }
      readonly params: Record<string, string | undefined>
      readonly body: Readonly<Record<string, string>> | undefined
      /** What tokens are asked for (RFC 8707), by identifier. */
      readonly resourceServers: Json
      readonly requestParamOIDCScopes: Iterable<string>
      readonly requestParamClaims: Iterable<string>
      urlFor(route: string): string
    }
  }

  export type Middleware = (context: Context, next: () => Promise<void>) => Promise<void>

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

  export type DeviceCode = { readonly clientId: string; readonly params: Readonly<Record<string, string>> }

  /** Each becomes the error of its name (RFC 8628 §3.5). */
  export const errors: { readonly SlowDown: new () => Error }

  export default class Provider {
    constructor(issuer: string, configuration: Json)
    readonly Client: { readonly prototype: { clientId: string; compareClientSecret(actual: string): boolean } }
    readonly Grant: {
      new (of: { readonly clientId: string; readonly accountId: string }): Grant
      find(id: string): Promise<Grant | undefined>
    }
    readonly DeviceCode: { findByUserCode(userCode: string): Promise<DeviceCode | undefined> }
    /** The request that is being answered, for what is called without being told. */
    static readonly ctx: Context | undefined
    cookieName(of: 'session'): string
    use(middleware: Middleware): this
    callback(): RequestListener
    interactionDetails(incoming: IncomingMessage, outgoing: ServerResponse): Promise<Interaction>
    interactionFinished(incoming: IncomingMessage, outgoing: ServerResponse, result: InteractionResult): Promise<void>
    on(event: 'server_error', listener: (context: unknown, error: Error) => void): this
  }
}
