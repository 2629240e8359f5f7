/**
 * D1 to D4 of the cases and P15: the description of the API is served, tells of this broker, and is true.
 */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Operation, Response } from '../../shared/api-description/types.ts'
import { answerFaults, resolved } from '../api-description/support.ts'
import { auth0Cli, cli, job, spa, web } from './support/callers.ts'
import {
  authorizeUrl,
  call,
  endpoint,
  introspect,
  issuer,
  refresh,
  revoke,
  startDevice,
  userinfo,
} from './support/endpoints.ts'
import { claimsOf } from './support/expect.ts'
import { code, device, deviceCode } from './support/flows.ts'
import { sharedBroker } from './support/shared-broker.ts'
import { type Answer, basic, get, postForm, postJson, send } from './support/wire.ts'

type Document = {
  readonly servers: readonly { readonly url: string }[]
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation & { readonly operationId: string }>>>>
}

const broker = await sharedBroker()
const document = (await get(`${broker.url}/openapi.json`)).body as unknown as Document

/** What is wrong with an answer, by the description. */
function faults(operation: string, answer: Answer): readonly string[] {
  return answerFaults(document, operationOf(operation), answer)
}

/** Members of a good answer that the description does not name. */
function unknownMembers(operation: string, answer: Answer): readonly string[] {
  const { content } = resolved<Response>(document, operationOf(operation).responses[200]!)
  type Members = { readonly properties?: object; readonly additionalProperties?: boolean }
  const { schema } = content!['application/json']!
  const { properties = {}, additionalProperties } = resolved<Members>(document, schema)
  return additionalProperties ? [] : Object.keys(answer.body).filter((name) => !(name in properties))
}

function operationOf(operation: string): Operation {
  const [method = '', path = ''] = operation.split(' ')
  return document.paths[path]![method.toLowerCase()]!
}

test('O1 the description is served as JSON to programs of any origin, and names this broker’s base URL', async () => {
  const answer = await get(`${broker.url}/openapi.json`)
  assert.equal(answer.status, 200)
  assert.equal(answer.headers['content-type'], 'application/json')
  assert.equal(answer.headers['access-control-allow-origin'], '*')
  assert.deepEqual(document.servers, [{ url: broker.url }])
})

test('O2 good answers of every endpoint hold what is described, and nothing else', async () => {
  const started = await startDevice(broker, cli)
  const session = await device(broker, job, { scope: 'openid profile offline_access' })
  const refreshed = await refresh(broker, job, session.refreshToken)
  const byCode = await code(broker, web)
  const sessions = `${issuer(broker, 'demo')}/sessions`
  const { sid } = claimsOf(byCode.accessToken)
  const service = { grant_type: 'client_credentials', scope: 'reports:read' }
  const answers: readonly (readonly [string, Answer])[] = [
    ['POST /{application}/oauth/device_authorization', started],
    ['POST /{application}/oauth/token', refreshed],
    [
      'POST /{application}/oauth/token/client',
      await postForm(endpoint(broker, 'demo', 'token/client'), service, basic('service', 'service-secret')),
    ],
    ['POST /{application}/oauth/introspect', await introspect(broker, byCode.accessToken)],
    ['POST /{application}/oauth/introspect', await introspect(broker, byCode.refreshToken)],
    ['POST /{application}/oauth/introspect', await introspect(broker, 'unknown')],
    ['GET /{application}/oauth/userinfo', await userinfo(broker, 'demo', byCode.accessToken)],
    [
      'GET /{application}/.well-known/openid-configuration',
      await get(`${issuer(broker, 'demo')}/.well-known/openid-configuration`),
    ],
    ['GET /{application}/.well-known/jwks.json', await get(`${issuer(broker, 'demo')}/.well-known/jwks.json`)],
    ['GET /applications', await get(`${broker.url}/applications`)],
    ['GET /{application}/sessions', await get(`${sessions}?client_id=web&limit=1`)],
    ['GET /{application}/sessions/{sid}', await get(`${sessions}/${sid}`)],
    ['DELETE /{application}/sessions/{sid}', await send(`${sessions}/${sid}?reason=test`, { method: 'DELETE' })],
    ['POST /{application}/sessions/revoke', await postJson(`${sessions}/revoke`, { subject: 'nobody' })],
    ['POST /{application}/oauth/revoke', await revoke(broker, job, session.refreshToken)],
  ]
  for (const [operation, answer] of answers) {
    assert.equal(answer.status, 200, `${operation}: ${answer.text}`)
    assert.deepEqual(faults(operation, answer), [], `${operation}: ${answer.text}`)
    assert.deepEqual(unknownMembers(operation, answer), [], `${operation}: ${answer.text}`)
  }
})

test('O2 refusals are described with their status and error', async () => {
  const token = 'POST /{application}/oauth/token'
  const pending = await deviceCode(broker, cli)
  const atAuth0 = await deviceCode(broker, auth0Cli)
  const deviceGrant = 'urn:ietf:params:oauth:grant-type:device_code'
  const poll = (caller: typeof cli, device_code: string) =>
    call(broker, caller, 'token', { grant_type: deviceGrant, device_code })
  const sessions = `${issuer(broker, 'demo')}/sessions`
  const answers: readonly (readonly [string, number, Answer])[] = [
    [token, 400, await poll(cli, pending.deviceCode)],
    [token, 403, await poll(auth0Cli, atAuth0.deviceCode)],
    [token, 429, await poll(auth0Cli, atAuth0.deviceCode)],
    [token, 400, await refresh(broker, cli, 'rt_unknown')],
    [token, 401, await refresh(broker, { ...web, secret: 'wrong' }, 'rt_unknown')],
    [token, 404, await postForm(endpoint(broker, 'nowhere', 'token'), { client_id: 'cli' })],
    [token, 413, await postForm(endpoint(broker, 'demo', 'token'), { client_id: 'x'.repeat(70_000) })],
    ['GET /{application}/oauth/userinfo', 401, await get(endpoint(broker, 'demo', 'userinfo'))],
    ['GET /{application}/oauth/userinfo', 401, await userinfo(broker, 'demo', 'wrong')],
    ['GET /{application}/sessions', 400, await get(`${sessions}?client=web`)],
    ['GET /{application}/sessions', 404, await get(`${sessions}?client_id=nobody`)],
    ['GET /{application}/sessions/{sid}', 404, await get(`${sessions}/nowhere`)],
    ['GET /apidocs/{file}', 404, await get(`${broker.url}/apidocs/nothing`)],
    [
      'GET /{application}/.well-known/openid-configuration',
      400,
      await get(`${issuer(broker, 'demo')}/.well-known/openid-configuration?scope=a&scope=b`),
    ],
  ]
  for (const [operation, status, answer] of answers) {
    assert.equal(answer.status, status, `${operation}: ${answer.text}`)
    assert.deepEqual(faults(operation, answer), [], `${operation} ${status}: ${answer.text}`)
  }
})

test('O2 pages are described with each status that they have', async () => {
  const activate = `${issuer(broker, 'demo')}/activate`
  const callback = endpoint(broker, 'demo', 'callback')
  const challenge = { code_challenge: 'x'.repeat(43), code_challenge_method: 'S256' }
  const answers: readonly (readonly [string, number, Answer])[] = [
    ['GET /{application}/activate', 200, await get(activate)],
    ['GET /{application}/activate', 410, await get(`${activate}?result=unknown`)],
    ['GET /{application}/activate', 404, await get(`${issuer(broker, 'nowhere')}/activate`)],
    ['POST /{application}/activate', 400, await postForm(activate, { user_code: 'x' })],
    ['POST /{application}/activate', 413, await postForm(activate, { user_code: 'x'.repeat(70_000) })],
    ['GET /{application}/activate', 400, await get(`${broker.url}/%zz/activate`)],
    ['GET /{application}/oauth/authorize', 400, await get(endpoint(broker, 'demo', 'authorize'))],
    ['GET /{application}/oauth/authorize', 303, await get(authorizeUrl(broker, web))],
    ['GET /{application}/oauth/authorize', 200, await get(authorizeUrl(broker, spa, challenge))],
    ['GET /{application}/oauth/callback', 400, await get(`${callback}?state=x&code=x`)],
    ['GET /apidocs', 200, await get(`${broker.url}/apidocs/`)],
  ]
  for (const [operation, status, answer] of answers) {
    assert.equal(answer.status, status, `${operation}: ${answer.text}`)
    assert.deepEqual(faults(operation, answer), [], `${operation} ${status}: ${answer.text}`)
  }
})

test('O3 each token route serves the grants that are described there, and no other', async () => {
  const grantsAt = (path: string): string[] => {
    const { schema } = document.paths[path]!.post!.requestBody!.content['application/json']!
    return (schema.properties as { grant_type: { enum: string[] } }).grant_type.enum
  }
  const every = grantsAt('/{application}/oauth/token')
  const paths = Object.keys(document.paths).filter((path) => path.startsWith('/{application}/oauth/token'))
  assert.equal(paths.length, 6)
  for (const path of paths) {
    for (const grant_type of every) {
      const answer = await postForm(broker.url + path.replace('{application}', 'demo'), {
        grant_type,
        client_id: 'cli',
      })
      const isServed = answer.body.error !== 'unsupported_grant_type'
      assert.equal(isServed, grantsAt(path).includes(grant_type), `${path} ${grant_type}: ${answer.text}`)
    }
  }
})

test('O3 the filters of sessions are those that the broker knows', async () => {
  const { body } = await get(`${issuer(broker, 'demo')}/sessions?nothing=1`)
  const [, known = ''] = /There are (.*)\.$/.exec(String(body.error_description)) ?? []
  const described = document.paths['/{application}/sessions']!.get!.parameters!.map(({ name }) => name)
  assert.deepEqual(described.sort(), known.split(', ').sort())
})

test('O4 P15 /apidocs/ has its own scripts alone, with and without the slash at its end', async () => {
  for (const path of ['/apidocs', '/apidocs/']) {
    const page = await get(broker.url + path)
    assert.equal(page.status, 200)
    assert.match(page.headers['content-type'] ?? '', /^text\/html/)
    assert.match(
      page.headers['content-security-policy'] ?? '',
      /^default-src 'none'; script-src 'self'; style-src 'self';/,
    )
    const files = [...page.text.matchAll(/(?:src|href)="(\/[^"]+)"/g)].map(([, file]) => file!)
    assert.equal(files.length, 5)
    for (const file of files) assert.equal((await get(broker.url + file)).status, 200, file)
  }
  for (const name of ['package.json', '__proto__', 'constructor']) {
    const missing = await get(`${broker.url}/apidocs/${name}`)
    assert.deepEqual([missing.status, missing.body.error], [404, 'not_found'], name)
  }
})

test('O4 P15 the description has the ids that links into /apidocs/ hold', () => {
  const idAt = (path: string, method: string) => {
    const { tags, operationId } = document.paths[path]![method]!
    return `#/${tags[0]}/${operationId}`
  }
  assert.equal(idAt('/{application}/oauth/token', 'post'), '#/OAuth2/post__application__oauth_token')
  assert.equal(idAt('/{application}/oauth/userinfo', 'get'), '#/OAuth2/get__application__oauth_userinfo')
})
