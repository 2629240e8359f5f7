/** The stand-ins for AWS, GitHub Actions and Kubernetes: tokens and endpoints have the shape of the real ones. */

import assert from 'node:assert/strict'
import { createHash, createHmac } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, mock, test } from 'node:test'
import { GetWebIdentityTokenCommand, STSClient } from '@aws-sdk/client-sts'
import { createRemoteJWKSet, decodeProtectedHeader, jwtVerify } from 'jose'
import { type IdentityProvider, startIdentityProvider } from '../../local/identity-provider.ts'
import { issuerOf, type PlatformName } from '../../local/platforms.ts'
import { directory } from './support/directory.ts'

const audience = 'http://127.0.0.1:8787/demo'
let provider: IdentityProvider
before(async () => {
  provider = await startIdentityProvider({ port: 0, clients: [], log: () => {} })
})
after(() => provider.stop())

const bodyOf = async (answer: Promise<Response>) => (await (await answer).json()) as Readonly<Record<string, string>>

/** As any verifier does: by the issuer's metadata. @returns the claims */
async function verified(platform: PlatformName, token: string): Promise<Readonly<Record<string, unknown>>> {
  const issuer = issuerOf(platform, provider.url)
  const metadata = await bodyOf(fetch(`${issuer}/.well-known/openid-configuration`))
  assert.equal(metadata.issuer, issuer)
  const keys = createRemoteJWKSet(new URL(metadata.jwks_uri ?? ''))
  const { payload } = await jwtVerify(token, keys, { issuer })
  assert.ok(metadata.id_token_signing_alg_values_supported?.includes(String(decodeProtectedHeader(token).alg)))
  return payload
}

const sts = () =>
  new STSClient({
    ...{ region: 'eu-west-1', endpoint: issuerOf('aws', provider.url), maxAttempts: 1 },
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  })

describe('the stand-in for AWS', () => {
  test('the SDK of AWS gets a token of a role, with the claims of AWS, for either algorithm', async () => {
    for (const SigningAlgorithm of ['ES384', 'RS256']) {
      const { WebIdentityToken = '', Expiration } = await sts().send(
        new GetWebIdentityTokenCommand({ Audience: [audience], SigningAlgorithm, DurationSeconds: 600 }),
      )
      assert.equal(decodeProtectedHeader(WebIdentityToken).alg, SigningAlgorithm)
      const { sub, aud, iat, exp, 'https://sts.amazonaws.com/': own } = await verified('aws', WebIdentityToken)
      assert.deepEqual([sub, aud], ['arn:aws:iam::123456789012:role/nightly-report', audience])
      assert.equal(Number(exp) - Number(iat), 600)
      assert.ok(Math.abs(Number(Expiration) / 1000 - Number(exp)) < 2)
      const { aws_account, source_region, lambda_source_function_arn, request_tags } = Object(own)
      assert.deepEqual([aws_account, source_region, request_tags], ['123456789012', 'eu-west-1', undefined])
      assert.match(lambda_source_function_arn, /^arn:aws:lambda:eu-west-1:123456789012:function:/)
    }
  })

  test('several audiences are a list, and tags are claims', async () => {
    const { WebIdentityToken = '' } = await sts().send(
      new GetWebIdentityTokenCommand({
        ...{ Audience: [audience, 'https://other.example'], SigningAlgorithm: 'ES384' },
        Tags: [{ Key: 'job-id', Value: '42' }],
      }),
    )
    const { aud, iat, exp, 'https://sts.amazonaws.com/': own } = await verified('aws', WebIdentityToken)
    assert.deepEqual(aud, [audience, 'https://other.example'])
    assert.deepEqual(Object(own).request_tags, { 'job-id': '42' })
    assert.equal(Number(exp) - Number(iat), 300)
  })

  test('what STS refuses is refused', async () => {
    const good = { Audience: [audience], SigningAlgorithm: 'ES384' }
    for (const wrong of [
      { SigningAlgorithm: 'HS256' },
      { DurationSeconds: 59 },
      { DurationSeconds: 3_601 },
      { Audience: [] },
    ]) {
      const command = new GetWebIdentityTokenCommand({ ...good, ...wrong })
      await assert.rejects(sts().send(command), { name: 'ValidationError' })
    }
    const place = `${issuerOf('aws', provider.url)}/`
    const body = new URLSearchParams({ Action: 'GetWebIdentityToken' })
    assert.equal((await fetch(place, { method: 'POST', body })).status, 403)
  })

  test('a request that was changed after it was signed is refused', async () => {
    const place = new URL(`${issuerOf('aws', provider.url)}/`)
    const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')
    const mac = (key: string | Buffer, text: string) => createHmac('sha256', key).update(text).digest()
    const date = '20261128T000000Z'
    const scope = '20261128/eu-west-1/sts/aws4_request'
    const body = `Action=GetWebIdentityToken&Audience.member.1=${encodeURIComponent(audience)}&SigningAlgorithm=ES384`
    const canonical = [
      'POST',
      place.pathname,
      '',
      `host:${place.host}`,
      `x-amz-date:${date}`,
      '',
      'host;x-amz-date',
      sha256(body),
    ].join('\n')
    const key = scope.split('/').reduce<string | Buffer>(mac, 'AWS4local')
    const signature = mac(key, ['AWS4-HMAC-SHA256', date, scope, sha256(canonical)].join('\n')).toString('hex')
    const authorization = `AWS4-HMAC-SHA256 Credential=local/${scope}, SignedHeaders=host;x-amz-date, Signature=${signature}`
    const send = (sent: string) =>
      fetch(place, {
        ...{ method: 'POST', body: sent },
        headers: { authorization, 'x-amz-date': date, 'content-type': 'application/x-www-form-urlencoded' },
      })
    assert.equal((await send(body)).status, 200)
    const changed = await send(body.replace('demo', 'other'))
    assert.deepEqual([changed.status, /<Code>SignatureDoesNotMatch</.test(await changed.text())], [403, true])
  })
})

describe('the stand-in for GitHub Actions', () => {
  const ask = (bearer: string, query: string) =>
    fetch(`${issuerOf('github', provider.url)}/token?api-version=2.0${query}`, {
      headers: { authorization: `Bearer ${bearer}` },
    })

  test('a job gets a token with the claims of GitHub, whose subject has the ids', async () => {
    const { value = '' } = await bodyOf(ask('local', `&audience=${encodeURIComponent(audience)}`))
    const claims = await verified('github', value)
    const { repository_id, repository_owner_id, environment } = claims
    assert.equal(claims.aud, audience)
    assert.equal(claims.sub, `repo:octo-org@${repository_owner_id}/reports@${repository_id}:environment:${environment}`)
    // https://token.actions.githubusercontent.com/.well-known/openid-configuration, without those of an enterprise.
    const names = `sub aud exp iat iss jti nbf ref sha repository repository_id repository_owner repository_owner_id
      repository_visibility run_id run_number run_attempt actor actor_id workflow workflow_ref workflow_sha head_ref base_ref
      event_name ref_type ref_protected environment job_workflow_ref job_workflow_sha runner_environment`
    assert.deepEqual(Object.keys(claims).sort(), names.split(/\s+/).sort())
  })

  test('without an audience the token is for the owner, and without the request token there is none', async () => {
    const { value = '' } = await bodyOf(ask('local', ''))
    assert.equal((await verified('github', value)).aud, 'https://github.com/octo-org')
    assert.equal((await ask('other', '')).status, 401)
  })
})

describe('the stand-in for Kubernetes', () => {
  test('the file has a token of the service account, and a new one before it expires', async (t) => {
    mock.timers.enable({ apis: ['setInterval'] })
    t.after(() => mock.timers.reset())
    const file = join(await directory(t), 'token')
    const stop = await provider.platforms.keepTokenFresh(file, audience)
    const first = await readFile(file, 'utf8')
    const claims = await verified('kubernetes', first)
    assert.deepEqual([claims.sub, claims.aud], ['system:serviceaccount:jobs:nightly-report', [audience]])
    const { namespace, serviceaccount, pod, node } = Object(claims['kubernetes.io'])
    assert.deepEqual([namespace, serviceaccount.name], ['jobs', 'nightly-report'])
    for (const { name, uid } of [serviceaccount, pod, node]) assert.ok(name && uid)
    assert.equal(decodeProtectedHeader(first).typ, undefined)
    mock.timers.tick((Number(claims.exp) - Number(claims.iat)) * 800)
    for (const deadline = Date.now() + 5_000; (await readFile(file, 'utf8')) === first; ) {
      assert.ok(Date.now() < deadline, 'the file still has the first token')
    }
    mock.timers.tick(600_000)
    await stop()
    // Look often: a write that outlived the stop would bring the file back.
    for (let looks = 0; looks < 100; looks++) await assert.rejects(readFile(file))
  })
})
