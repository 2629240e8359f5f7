/**
 * Which branches and pull requests have an identity of a pipeline.
 *
 * Whoever may push a branch or open a pull request decides what its pipeline runs, so such an identity proves nobody.
 * GitHub: docs.github.com/actions/reference/security/oidc. GitLab: docs.gitlab.com/ci/secrets/id_token_authentication.
 */

import type { WorkloadIdentity } from './registration.ts'
import { github, gitlab, hasOwnerId, type NamedValue, type Platform, requirements } from './workload-platforms.ts'

type Test = (requirement: NamedValue) => boolean

type Pipelines = {
  /** Only a pull request has it. */
  readonly isPullRequest: Test
  /** Not every branch has it, and no pull request unless somebody with rights on the named branch lets it. */
  readonly isPin: Test
  readonly pins: string
}

/** Workflows of these events run on the default branch alone (docs.github.com, Events that trigger workflows). */
const defaultBranchEvents = ['schedule', 'repository_dispatch']
const githubPins = ['ref', 'environment', 'workflow_ref', 'job_workflow_ref', 'sha', 'workflow_sha', 'job_workflow_sha']

const onGithub: Pipelines = {
  isPullRequest: ([name, value]) =>
    name.startsWith('pull_request') ||
    name === 'head_ref' ||
    name === 'base_ref' ||
    (name === 'event_name' && value.startsWith('pull_request')) ||
    /(^|@)refs\/pull\//.test(value),
  isPin: ([name, value]) =>
    githubPins.includes(name) ||
    (name === 'ref_protected' && value === 'true') ||
    (name === 'event_name' && defaultBranchEvents.includes(value)),
  pins: 'a subject with a ref or environment, or a claim ref, environment, workflow_ref, job_workflow_ref, ref_protected "true", or event_name "schedule"',
}

/** A job may name any environment, unless it is protected. */
const onGitlab: Pipelines = {
  isPullRequest: ([name, value]) =>
    (name === 'pipeline_source' && ['merge_request_event', 'external_pull_request_event'].includes(value)) ||
    value.startsWith('refs/merge-requests/'),
  isPin: ([name, value]) =>
    ['ref', 'ref_path', 'sha'].includes(name) ||
    (['ref_protected', 'environment_protected'].includes(name) && value === 'true'),
  pins: 'a subject with a ref, or a claim ref, ref_path, ref_protected "true" or environment_protected "true"',
}

function pipelinesOf(platform: Platform): Pipelines | undefined {
  if (platform === github) return onGithub
  return platform === gitlab ? onGitlab : undefined
}

/** @returns why it is refused */
export function openToBranches(platform: Platform, identity: WorkloadIdentity): string | undefined {
  const pipelines = pipelinesOf(platform)
  if (pipelines === undefined) return undefined
  const required = requirements(identity)
  if (required.some(pipelines.isPullRequest)) {
    return 'a pull request has this identity, so everybody who may open one would be this client'
  }
  return required.some(pipelines.isPin)
    ? undefined
    : `every branch and pull request has this identity: name what they do not have, which is ${pipelines.pins}`
}

/** @returns what is accepted, and wider than it may look */
export function wideBranches(platform: Platform, identity: WorkloadIdentity): string[] {
  const required = requirements(identity)
  if (platform === github) return wideOnGithub(required, hasOwnerId(platform, identity))
  return platform === gitlab ? wideOnGitlab(required, hasOwnerId(platform, identity)) : []
}

function wideOnGithub(required: readonly NamedValue[], hasId: boolean): string[] {
  const names = new Set(required.map(([name]) => name))
  const repo = required.find(([name]) => name === 'repo')?.[1] ?? ''
  const pins = required.filter(onGithub.isPin).map(([name]) => name)
  const warnings: string[] = []
  if (!hasId && !/^[^/]+@\d+\/[^/]+@\d+$/.test(repo) && !names.has('repository_id')) {
    warnings.push('names of owners and repositories can be registered again by others: add the claim repository_id')
  }
  if (!['repo', 'repository', 'repository_id'].some((name) => names.has(name))) {
    warnings.push('every repository of the owner is accepted: add the claim repository_id')
  }
  if (pins.every((name) => name === 'environment')) {
    warnings.push(
      'every branch and pull request that may use this environment is accepted: limit the environment to branches in the repository settings, or add the claim ref',
    )
  }
  if (pins.every((name) => name.startsWith('job_workflow_'))) {
    warnings.push('every branch and pull request may call this workflow with inputs of its own: add the claim ref')
  }
  return warnings
}

function wideOnGitlab(required: readonly NamedValue[], hasId: boolean): string[] {
  const names = new Set(required.map(([name]) => name))
  const warnings: string[] = []
  if (!hasId) warnings.push('paths of projects can be registered again by others: add the claim project_id')
  if (!names.has('project_path') && !names.has('project_id')) {
    warnings.push('every project of the namespace is accepted: add the claim project_id')
  }
  if (!['ref_protected', 'environment_protected', 'sha'].some((name) => names.has(name))) {
    warnings.push(
      'everybody who may push can make a branch or tag of this name if there is none: add the claim ref_protected "true"',
    )
  }
  return warnings
}
