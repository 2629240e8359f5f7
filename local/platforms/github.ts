/**
 * GitHub Actions: tokens of one job in an environment. Their `sub` has the ids of the owner and the repository.
 * https://docs.github.com/actions/reference/security/oidc
 */

import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { type Issuer, sendJson } from './issuer.ts'

/** The value of ACTIONS_ID_TOKEN_REQUEST_TOKEN. */
export const requestToken = 'local'
export const requestPath = '/token'

const lifetimeSeconds = 300
const notBeforeSeconds = 600
const owner = { name: 'octo-org', id: '583231' }
const repository = { name: `${owner.name}/reports`, id: '1296269' }
const ref = 'refs/heads/main'
const sha = '6dcb09b5b57875f334f61aebed695e2e4193db5e'
const workflow = `${repository.name}/.github/workflows/nightly-report.yml@${ref}`
const environment = 'production'

function claims(audience: string) {
  return {
    jti: randomUUID(),
    sub: `repo:${owner.name}@${owner.id}/reports@${repository.id}:environment:${environment}`,
    aud: audience,
    nbf: Math.floor(Date.now() / 1_000) - notBeforeSeconds,
    ref,
    ref_type: 'branch',
    ref_protected: 'true',
    sha,
    head_ref: '',
    base_ref: '',
    event_name: 'schedule',
    repository: repository.name,
    repository_id: repository.id,
    repository_visibility: 'private',
    repository_owner: owner.name,
    repository_owner_id: owner.id,
    actor: 'octocat',
    actor_id: '1',
    workflow: 'Nightly report',
    workflow_ref: workflow,
    workflow_sha: sha,
    job_workflow_ref: workflow,
    job_workflow_sha: sha,
    environment,
    runner_environment: 'github-hosted',
    run_id: '11111111111',
    run_number: '42',
    run_attempt: '1',
  }
}

/** Serves ACTIONS_ID_TOKEN_REQUEST_URL. */
export async function answer(issuer: Issuer, url: URL, incoming: IncomingMessage, outgoing: ServerResponse) {
  if (incoming.headers.authorization?.toLowerCase() !== `bearer ${requestToken}`) {
    return sendJson(outgoing, { message: 'Unauthorized' }, 401)
  }
  const audience = url.searchParams.get('audience') || `https://github.com/${owner.name}`
  const value = await issuer.sign('RS256', claims(audience), lifetimeSeconds)
  sendJson(outgoing, { count: value.length, value })
}
