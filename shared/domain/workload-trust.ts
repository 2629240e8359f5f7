/**
 * Whether a registered identity trusts more than one workload should be trusted with: what is refused, and what is only told.
 *
 * Subjects and audiences are those that the platforms document for their tokens.
 */

import type { RequiredClaims, WorkloadIdentity } from './registration.ts'

type Platform = {
  readonly name: string
  readonly is: (issuer: URL) => boolean
  /** Claims that name the owner by an id that nobody else will ever have. A path leads into nested claims. */
  readonly ownerIds: readonly (readonly string[])[]
  /** What a token of this platform is for if nobody says otherwise: everyone who was given such a token holds it. */
  readonly isDefaultAudience: (audience: string, issuer: string) => boolean
  readonly exampleSubject: string
}

const at = (host: string) => (issuer: URL) => issuer.hostname === host
const awsClaims = 'https://sts.amazonaws.com/'

const github: Platform = {
  name: 'GitHub Actions',
  is: at('token.actions.githubusercontent.com'),
  ownerIds: [['repository_id'], ['repository_owner_id'], ['enterprise_id']],
  isDefaultAudience: (audience) => /^https:\/\/github\.com\//.test(audience),
  exampleSubject: 'repo:octo@123/app@456:ref:refs/heads/main',
}
const gitlab: Platform = {
  name: 'GitLab.com',
  is: at('gitlab.com'),
  ownerIds: [['project_id'], ['namespace_id']],
  isDefaultAudience: (audience, issuer) => audience === issuer,
  exampleSubject: 'project_path:group/app:ref_type:branch:ref:main',
}
/** The issuer is one account's, https://<id>.tokens.sts.global.api.aws. */
const aws: Platform = {
  name: 'AWS',
  is: ({ hostname }) => /\.tokens\.sts\.[a-z0-9.-]+$/.test(hostname),
  ownerIds: [
    [awsClaims, 'aws_account'],
    [awsClaims, 'org_id'],
  ],
  isDefaultAudience: () => false,
  exampleSubject: 'arn:aws:iam::123456789012:role/nightly',
}
const google: Platform = {
  name: 'Google',
  is: at('accounts.google.com'),
  ownerIds: [['google', 'compute_engine', 'project_number']],
  isDefaultAudience: (audience) => audience.endsWith('.apps.googleusercontent.com'),
  exampleSubject: '109876543210987654321',
}
const entra: Platform = {
  name: 'Microsoft Entra ID',
  is: ({ hostname }) => hostname === 'login.microsoftonline.com' || hostname === 'sts.windows.net',
  ownerIds: [['oid']],
  isDefaultAudience: (audience) => audience.startsWith('https://management.azure.com'),
  exampleSubject: '6f1e2d3c-0000-0000-0000-000000000000',
}
const kubernetes: Platform = {
  name: 'Kubernetes',
  is: ({ hostname, pathname }) =>
    /^oidc(-eks)?\.(eks\.)?[a-z0-9-]+\.(amazonaws\.com(\.cn)?|api\.aws)$/.test(hostname) ||
    (hostname === 'container.googleapis.com' && pathname.includes('/clusters/')) ||
    /\.oic\.[a-z0-9-]+\.azure\.(com|cn|us)$/.test(hostname),
  ownerIds: [['kubernetes.io', 'serviceaccount', 'uid']],
  isDefaultAudience: (audience, issuer) => audience === issuer,
  exampleSubject: 'system:serviceaccount:jobs:nightly',
}
const platforms = [github, gitlab, aws, google, entra, kubernetes]

/** Audiences of well-known others: a token that was made for them is in many hands. */
const foreignAudience =
  /^(https:\/\/)?kubernetes\.default\.svc(\.cluster\.local)?$|^(https:\/\/)?sts\.amazonaws\.com\/?$|^api:\/\/AzureADTokenExchange$|^(https:)?\/\/iam\.googleapis\.com\/|^sigstore$/

/** @returns the reasons to refuse it */
export function excessiveTrust(identity: WorkloadIdentity): string[] {
  const { audience, subject, claims = {}, issuer } = identity
  const platform = platformOf(issuer)
  const reasons: string[] = []
  if (audience !== undefined && (foreignAudience.test(audience) || platform?.isDefaultAudience(audience, issuer))) {
    reasons.push(
      "audience is a default of the platform, so tokens that were made for others would be accepted: leave it out and ask the platform for a token whose audience is the application's issuer",
    )
  }
  if ([subject, ...valuesIn(claims)].some((value) => typeof value === 'string' && value.includes('*'))) {
    reasons.push(
      'values are compared exactly, and * stands for nothing else: write each value out, in an identity of its own',
    )
  }
  if (platform === undefined) {
    if (subject === undefined && Object.keys(claims).length === 0) {
      reasons.push('every token of this issuer for this audience would be accepted: name a subject or a claim')
    }
    return reasons
  }
  if (subject === undefined && !platform.ownerIds.some((path) => valueAt(claims, path) !== undefined)) {
    const ids = platform.ownerIds.map((path) => path.join(' > ')).join(', ')
    reasons.push(
      `${platform.name} is shared by many, so a subject such as "${platform.exampleSubject}" is needed, or a claim that names the owner by an id: ${ids}`,
    )
  }
  if (isOpenToPullRequests(platform, identity)) {
    reasons.push('a pull request has this identity, and anybody who may open one would be this client')
  } else if (subject !== undefined && isSubjectOfAnyBranch(platform, subject) && !hasBranch(claims)) {
    reasons.push(
      'every branch and pull request has this subject: name the ref, the environment or the workflow as well',
    )
  }
  return reasons
}

/** @returns what is allowed, and wider than it may look */
export function wideTrust({ issuer, subject, claims = {} }: WorkloadIdentity): string[] {
  const platform = platformOf(issuer)
  const warnings: string[] = []
  const hasOwnerId = platform?.ownerIds.some((path) => valueAt(claims, path) !== undefined) ?? false
  if (platform === github && subject !== undefined && !hasOwnerId && !/^repo:[^:/]+@\d+\/[^:/]+@\d+:/.test(subject)) {
    warnings.push('names of owners and repositories can be registered again by others: add the claim repository_id')
  }
  if (platform === gitlab && subject !== undefined && !hasOwnerId) {
    warnings.push('paths of projects can be registered again by others: add the claim project_id')
  }
  if ((platform === github || platform === gitlab) && subject === undefined && !hasBranch(claims)) {
    warnings.push(
      'every branch and pull request of this owner is accepted: name the ref, the environment or the workflow',
    )
  }
  if (
    platform === aws &&
    subject === undefined &&
    valueAt(claims, [awsClaims, 'lambda_source_function_arn']) === undefined
  ) {
    warnings.push('every role and user of the account is accepted: name the role as subject')
  }
  if (platform === aws && valueAt(claims, [awsClaims, 'request_tags']) !== undefined) {
    warnings.push('request_tags are chosen by whoever asks for the token, so they prove nothing')
  }
  if (platform === google && subject === undefined) {
    warnings.push('every service account of the project is accepted: name its numeric id as subject')
  }
  if (subject !== undefined && /^system:serviceaccount:[^:]+:default$/.test(subject)) {
    warnings.push('every pod of the namespace without a service account of its own has this subject')
  }
  return warnings
}

function platformOf(issuer: string): Platform | undefined {
  const url = URL.parse(issuer)
  return url === null ? undefined : platforms.find(({ is }) => is(url))
}

function isOpenToPullRequests(platform: Platform, { subject = '', claims = {} }: WorkloadIdentity): boolean {
  if (platform === github) {
    const events: readonly unknown[] = ['pull_request', 'pull_request_target']
    const isOfPullRequest = /(^|:)(pull_request|pull_request_target)(:|$)|:ref:refs\/pull\//.test(subject)
    return isOfPullRequest || events.includes(claims.event_name) || String(claims.ref ?? '').startsWith('refs/pull/')
  }
  return platform === gitlab && claims.pipeline_source === 'merge_request_event'
}

/** Platforms let the parts of a subject be chosen: without one of these it says nothing about the branch. */
function isSubjectOfAnyBranch(platform: Platform, subject: string): boolean {
  if (platform === github) {
    return !/(^|:)(ref|environment|job_workflow_ref|workflow_ref|job_workflow_sha|workflow_sha|sha):/.test(subject)
  }
  return platform === gitlab && !/(^|:)(ref|ref_path|environment):/.test(subject)
}

/** A claim that not every branch has. `base_ref` and `head_ref` are a pull request's, and `ref_type` says nothing. */
function hasBranch(claims: RequiredClaims): boolean {
  const names = [
    'ref',
    'ref_path',
    'environment',
    'job_workflow_ref',
    'workflow_ref',
    'sha',
    'workflow_sha',
    'job_workflow_sha',
  ]
  return names.some((name) => Object.hasOwn(claims, name)) || ['true', true].includes(claims.ref_protected as string)
}

function valueAt(claims: RequiredClaims, [name = '', ...rest]: readonly string[]): unknown {
  const value = Object.hasOwn(claims, name) ? claims[name] : undefined
  if (rest.length === 0) return value
  return typeof value === 'object' ? valueAt(value, rest) : undefined
}

function valuesIn(claims: RequiredClaims): unknown[] {
  return Object.values(claims).flatMap((value) => (typeof value === 'object' ? valuesIn(value) : [value]))
}
