/**
 * Requests that the broker accepts, by operation of the description: the clients of local/registry.json, and people who sign in.
 * A generator draws no refresh token that exists, so the fuzzing puts these values into the requests that it draws.
 */

import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { Browser, type Page } from '../local/demo/browser.ts'
import { approve } from '../local/demo/person.ts'
import type { LocalStack } from '../local/stack.ts'

type Values = Readonly<Record<string, string>>

export type GoodRequest = {
  readonly path?: Values
  readonly query?: Values
  readonly body?: Readonly<Record<string, unknown>>
  readonly headers?: Values
}

type Make = () => GoodRequest | Promise<GoodRequest>

type Tokens = { readonly access_token: string; readonly refresh_token: string }
type Started = {
  readonly device_code: string
  readonly user_code: string
  readonly interval: number
  readonly verification_uri_complete: string
}

const scope = 'openid profile email offline_access'
const redirectUri = 'http://127.0.0.1:9999/cb'
const grantPrefix = 'urn:ietf:params:oauth:grant-type:'
const deviceGrant = `${grantPrefix}device_code`
const exchangeGrant = `${grantPrefix}token-exchange`
/** RFC 7636 App. B. */
const pkce = {
  verifier: 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk',
  challenge: { code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM', code_challenge_method: 'S256' },
}
/** How many requests may hold the same value. */
const maxUses = 20

type Reused<Value> = { readonly value: Promise<Value>; uses: number }

export class GoodRequests {
  readonly #stack: Pick<LocalStack, 'url' | 'kubernetesTokenFile'>
  /** Sessions for requests that leave them as they are, by `application client scope`. */
  readonly #sessions = new Map<string, Reused<Tokens>>()
  readonly #spoilt = new Map<string, Reused<GoodRequest>>()
  readonly #operations: Readonly<Record<string, readonly Make[]>>
  /** A session for which a worker may exchange tokens. It takes as long as the provider's interval between two polls. */
  readonly #worker: Promise<Tokens>

  constructor(stack: Pick<LocalStack, 'url' | 'kubernetesTokenFile'>) {
    this.#stack = stack
    this.#operations = this.#all()
    this.#worker = this.#newSession('worker-host', 'wiremock')
    // A failure is thrown where the session is used.
    this.#worker.catch(() => {})
  }

  /**
   * @param choice any number: the same one means the same kind of request
   * @param isSpoilt the request will be refused, so it may hold what an earlier one held
   */
  of(operation: string, choice: number, isSpoilt: boolean): Promise<GoodRequest> {
    const kinds = this.#operations[operation] ?? []
    const at = choice % kinds.length
    const make = async () => inApplication(operation, (await kinds[at]?.()) ?? {})
    return isSpoilt ? reused(this.#spoilt, `${operation} ${at}`, make) : make()
  }

  #all(): Readonly<Record<string, readonly Make[]>> {
    const grants = {
      device: [
        () => this.#device('cli', true),
        () => this.#device('job', false),
        () => this.#device('cli', true, 'auth0like'),
        () => this.#device('cli', false, 'auth0like'),
      ],
      code: [() => this.#code('web'), () => this.#code('basic'), () => this.#code('spa')],
      refresh: [() => this.#refresh('cli'), () => this.#refresh('job'), () => this.#refresh('cli', 'auth0like')],
      client: [
        () => ({
          body: { grant_type: 'client_credentials', scope: 'reports:read' },
          headers: basic('service', 'service-secret'),
        }),
        () => this.#workload(),
      ],
      exchange: [() => this.#exchange()],
    }
    return {
      'POST /{application}/oauth/device_authorization': [
        () => ({ body: { client_id: 'cli', scope } }),
        () => ({
          path: { application: 'auth0like' },
          body: { client_id: 'cli', scope: 'openid', resource: ['https://api.example.test'] },
        }),
        () => ({ path: { application: 'wiremock' }, body: { client_id: 'worker-host' } }),
      ],
      'POST /{application}/oauth/token': Object.values(grants).flat(),
      'POST /{application}/oauth/token/device': grants.device,
      'POST /{application}/oauth/token/code': grants.code,
      'POST /{application}/oauth/token/refresh': grants.refresh,
      'POST /{application}/oauth/token/client': grants.client,
      'POST /{application}/oauth/token/exchange': grants.exchange,
      'POST /{application}/oauth/revoke': [
        async () => ({ body: { client_id: 'cli', token: (await this.#newSession('cli')).refresh_token } }),
        async () => ({ body: { client_id: 'job', token: (await this.#newSession('job')).access_token } }),
        () => ({ body: { client_id: 'web', client_secret: 'web-secret', token: 'unknown' } }),
      ],
      'POST /{application}/oauth/introspect': [
        async () => ({
          body: { token: (await this.#session('cli')).access_token },
          headers: basic('api', 'api-secret'),
        }),
        async () => ({
          body: { token: (await this.#session('job')).refresh_token },
          headers: basic('api', 'api-secret'),
        }),
      ],
      'GET /{application}/oauth/userinfo': [
        async () => ({ headers: bearer((await this.#session('cli')).access_token) }),
        async () => ({ headers: bearer((await this.#session('cli', 'demo', 'openid offline_access')).access_token) }),
      ],
      'POST /{application}/oauth/userinfo': [
        async () => ({ body: { access_token: (await this.#session('cli')).access_token } }),
        async () => ({ headers: bearer((await this.#session('job')).access_token) }),
      ],
      'GET /{application}/oauth/authorize': ['web', 'spa', 'cli'].map((client) => () => ({
        query: authorization(client),
      })),
      'POST /{application}/oauth/authorize': [
        () => ({ body: authorization('web') }),
        () => this.#answerAboutClient('approve'),
        () => this.#answerAboutClient('deny'),
      ],
      'GET /{application}/oauth/callback': [
        async () => this.#callback((await this.#start('cli')).verification_uri_complete),
        () => this.#callback(this.#authorizeUrl('web')),
        () => this.#callback(this.#authorizeUrl('web', { response_mode: 'form_post' })),
      ],
      'GET /{application}/activate': [
        async () => ({ query: queryOf((await this.#start('cli')).verification_uri_complete) }),
        async () => ({ query: { user_code: (await this.#start('cli')).user_code } }),
        () => this.#result(),
        () => ({}),
      ],
      'POST /{application}/activate': [
        () => this.#typeCode(),
        () => this.#answerAboutDevice('approve'),
        () => this.#answerAboutDevice('deny'),
      ],
      'GET /{application}/sessions': [
        async () => ({ query: { subject: await this.#subject() } }),
        () => ({ query: { client_id: 'cli', state: 'active', limit: '2' } }),
        () => ({ query: { email: 'ada@example.test' } }),
        () => ({ query: { limit: '1' } }),
      ],
      'POST /{application}/sessions/revoke': [
        () => ({ body: { client_id: 'brief', reason: 'fuzzing' } }),
        async () => ({ body: { subject: await this.#subject() } }),
        () => ({ path: { application: 'userdocs' }, body: { all: true } }),
      ],
      'GET /{application}/sessions/{sid}': [async () => ({ path: { sid: await this.#sid() } })],
      'DELETE /{application}/sessions/{sid}': [
        async () => ({ path: { sid: await this.#sid() }, query: { reason: 'fuzzing' } }),
      ],
      'GET /apidocs/{file}': [() => ({ path: { file: 'viewer.js' } }), () => ({ path: { file: 'swagger-ui.css' } })],
    }
  }

  // --- tokens -------------------------------------------------------------------------------------------------------

  async #device(client_id: string, isApproved: boolean, application = 'demo'): Promise<GoodRequest> {
    const { device_code, verification_uri_complete } = await this.#start(client_id, application)
    if (isApproved) await approve(verification_uri_complete, 'ada')
    return { path: { application }, body: { grant_type: deviceGrant, client_id, device_code } }
  }

  async #code(client: 'web' | 'basic' | 'spa'): Promise<GoodRequest> {
    const { url } = await approve(this.#authorizeUrl(client), 'ada', new Browser(isCallbackOfClient))
    const body = {
      grant_type: 'authorization_code',
      redirect_uri: redirectUri,
      code: url.searchParams.get('code') ?? '',
    }
    switch (client) {
      case 'web':
        return { body: { ...body, client_id: client, client_secret: 'web-secret', code_verifier: pkce.verifier } }
      case 'basic':
        return { body: { ...body, code_verifier: pkce.verifier }, headers: basic('basic', 'basic-secret') }
      case 'spa':
        return { body: { ...body, client_id: client, code_verifier: pkce.verifier } }
    }
  }

  async #refresh(client_id: string, application = 'demo'): Promise<GoodRequest> {
    const { refresh_token } = await this.#newSession(client_id, application)
    return { path: { application }, body: { grant_type: 'refresh_token', client_id, refresh_token } }
  }

  async #exchange(): Promise<GoodRequest> {
    const { access_token } = await this.#worker
    return {
      path: { application: 'wiremock' },
      body: {
        grant_type: exchangeGrant,
        subject_token: access_token,
        subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      },
      headers: basic('worker', 'worker-secret'),
    }
  }

  /** Of the Kubernetes CronJob of local/registry.json. */
  async #workload(): Promise<GoodRequest> {
    return {
      body: {
        grant_type: 'client_credentials',
        client_id: 'cronjob',
        client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
        client_assertion: await readFile(this.#stack.kubernetesTokenFile ?? '', 'utf8'),
      },
    }
  }

  // --- sessions -----------------------------------------------------------------------------------------------------

  async #start(client_id: string, application = 'demo', wanted = scope): Promise<Started> {
    const body = new URLSearchParams({ client_id, ...(application === 'wiremock' ? {} : { scope: wanted }) })
    return this.#post(`/${application}/oauth/device_authorization`, body) as Promise<Started>
  }

  async #newSession(client_id: string, application = 'demo', wanted = scope): Promise<Tokens> {
    const { device_code, interval, verification_uri_complete } = await this.#start(client_id, application, wanted)
    await approve(verification_uri_complete, 'ada')
    const isAtProvider = !verification_uri_complete.startsWith(this.#stack.url)
    if (isAtProvider) await sleep(interval * 1_000)
    const body = new URLSearchParams({ grant_type: deviceGrant, client_id, device_code })
    return (await this.#post(`/${application}/oauth/token`, body)) as Tokens
  }

  #session(client: string, application = 'demo', wanted = scope): Promise<Tokens> {
    const make = () => this.#newSession(client, application, wanted)
    return reused(this.#sessions, [application, client, wanted].join(' '), make)
  }

  async #sid(): Promise<string> {
    return claimsOf((await this.#session('cli')).access_token).sid
  }

  async #subject(): Promise<string> {
    return claimsOf((await this.#session('cli')).access_token).sub
  }

  async #post(path: string, body: URLSearchParams): Promise<unknown> {
    const answer = await fetch(this.#stack.url + path, { method: 'POST', body })
    if (!answer.ok) throw new Error(`${path} answered ${answer.status}: ${await answer.text()}`)
    return answer.json()
  }

  // --- pages --------------------------------------------------------------------------------------------------------

  #authorizeUrl(client: string, more: Values = {}): string {
    return `${this.#stack.url}/demo/oauth/authorize?${new URLSearchParams({ ...authorization(client), ...more })}`
  }

  async #answerAboutClient(decision: string): Promise<GoodRequest> {
    const browser = new Browser()
    return formOf(browser, await browser.open(this.#authorizeUrl('spa')), { decision })
  }

  async #answerAboutDevice(decision: string): Promise<GoodRequest> {
    const browser = new Browser()
    const { user_code, verification_uri_complete } = await this.#start('cli')
    // A link that fetch opens counts as one that no person has opened, and the code has to be submitted.
    const question = await browser.submit(await browser.open(verification_uri_complete), {})
    return formOf(browser, question, { decision, user_code })
  }

  async #typeCode(): Promise<GoodRequest> {
    const browser = new Browser()
    const page = await browser.open(`${this.#stack.url}/demo/activate`)
    return formOf(browser, page, { user_code: (await this.#start('cli')).user_code })
  }

  /** @param address where the browser begins */
  async #callback(address: string): Promise<GoodRequest> {
    const browser = new Browser(({ pathname }) => pathname.endsWith('/oauth/callback'))
    const { url } = await approve(address, 'ada', browser)
    return { query: queryOf(url), headers: { cookie: browser.cookieHeader(url) } }
  }

  async #result(): Promise<GoodRequest> {
    const browser = new Browser(({ searchParams }) => searchParams.has('result'))
    const { url } = await approve((await this.#start('cli')).verification_uri_complete, 'ada', browser)
    return { query: queryOf(url), headers: { cookie: browser.cookieHeader(url) } }
  }
}

function reused<Value>(values: Map<string, Reused<Value>>, key: string, make: () => Promise<Value>): Promise<Value> {
  const known = values.get(key)
  const one = known === undefined || known.uses >= maxUses ? { value: make(), uses: 0 } : known
  values.set(key, one)
  one.uses += 1
  return one.value
}

function inApplication(operation: string, request: GoodRequest): GoodRequest {
  const hasApplication = operation.includes('{application}')
  return hasApplication ? { ...request, path: { application: 'demo', ...request.path } } : request
}

function authorization(client_id: string) {
  return { client_id, redirect_uri: redirectUri, response_type: 'code', scope, state: 'af0ifjsldkj', ...pkce.challenge }
}

function formOf(browser: Browser, page: Page, answers: Values): GoodRequest {
  const csrf = /name="csrf" value="([^"]*)"/.exec(page.html)?.[1] ?? ''
  return { body: { csrf, ...answers }, headers: { cookie: browser.cookieHeader(page.url) } }
}

function isCallbackOfClient(url: URL): boolean {
  return url.href.startsWith(redirectUri)
}

function queryOf(address: string | URL): Values {
  return Object.fromEntries(new URL(address).searchParams)
}

function claimsOf(token: string): { readonly sid: string; readonly sub: string } {
  return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as { sid: string; sub: string }
}

function basic(clientId: string, secret: string): Values {
  return { authorization: `Basic ${Buffer.from(`${clientId}:${secret}`).toString('base64')}` }
}

function bearer(token: string): Values {
  return { authorization: `Bearer ${token}` }
}
