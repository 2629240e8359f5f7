/** The platforms that give workloads tokens: how to tell them by their issuers, and the defaults that they document. */

import type { RequiredClaims, WorkloadIdentity } from './registration.ts'

export type Platform = {
  readonly name: string
  readonly is: (issuer: URL, identity: WorkloadIdentity) => boolean
  /** Who else gets tokens of the same issuer. */
  readonly others: string
  /** Paths of the claims whose value identifies an owner for ever. */
  readonly ownerIds: readonly (readonly string[])[]
  /** Parts of a subject that name its owner; absent: every subject does. */
  readonly ownerParts?: readonly string[]
  /** An audience of tokens that the platform makes if none is asked for. Many parties hold such tokens. */
  readonly isDefaultAudience: (audience: string, issuer: URL) => boolean
  readonly exampleSubject: string
}

export const awsClaims = 'https://sts.amazonaws.com/'

/** The issuer of GitHub.com, of one enterprise (a path), of GHE.com with data residency, or of an Enterprise Server. */
export const github: Platform = {
  name: 'GitHub Actions',
  is: ({ hostname, pathname }) =>
    hostname === 'token.actions.githubusercontent.com' ||
    /^token\.actions\.[a-z0-9-]+\.ghe\.com$/.test(hostname) ||
    /^\/_services\/token\/?$/.test(pathname),
  others: 'every repository',
  ownerIds: [['repository_id'], ['repository_owner_id'], ['enterprise_id']],
  ownerParts: [
    'repo',
    'repository',
    'repository_id',
    'repository_owner',
    'repository_owner_id',
    'enterprise',
    'enterprise_id',
  ],
  // The repository owner's address.
  isDefaultAudience: (audience, issuer) => {
    const host = URL.parse(audience)?.hostname ?? ''
    return host === 'github.com' || host.endsWith('.ghe.com') || host === issuer.hostname
  },
  exampleSubject: 'repo:octo@123/app@456:ref:refs/heads/main',
}

/** Claims that GitLab alone has. */
const gitlabClaims = ['project_path', 'namespace_id', 'namespace_path', 'pipeline_source', 'ref_path']

/** An instance of one's own has any address, and its subjects or claims show what it is. */
export const gitlab: Platform = {
  name: 'GitLab',
  is: ({ hostname }, { subject = '', claims = {} }) =>
    /^gitlab\./.test(hostname) ||
    /^(project|namespace)_(path|id):/.test(subject) ||
    gitlabClaims.some((name) => Object.hasOwn(claims, name)) ||
    // Others have a claim of this name, but not with decimal ids.
    (Object.hasOwn(claims, 'project_id') && /^\d+$/.test(String(claims.project_id))),
  others: 'every project',
  ownerIds: [['project_id'], ['namespace_id']],
  ownerParts: ['project_path', 'project_id', 'namespace_path', 'namespace_id'],
  isDefaultAudience: (audience, issuer) => URL.parse(audience)?.origin === issuer.origin,
  exampleSubject: 'project_path:group/app:ref_type:branch:ref:main',
}

/** Each account has an issuer, https://<id>.tokens.sts.global.api.aws. */
export const aws: Platform = {
  name: 'AWS',
  is: ({ hostname }) => /\.tokens\.sts\.[a-z0-9.-]+$/.test(hostname),
  others: 'every role and user of the account',
  ownerIds: [
    [awsClaims, 'aws_account'],
    [awsClaims, 'org_id'],
  ],
  isDefaultAudience: () => false,
  exampleSubject: 'arn:aws:iam::123456789012:role/nightly',
}

export const google: Platform = {
  name: 'Google',
  is: ({ hostname }) => hostname === 'accounts.google.com',
  others: 'every person and service account',
  ownerIds: [['google', 'compute_engine', 'project_number']],
  // gcloud's own client, for example.
  isDefaultAudience: (audience) => audience.endsWith('.apps.googleusercontent.com'),
  exampleSubject: '109876543210987654321',
}

/** Each tenant has two issuers: https://sts.windows.net/<tenant>/ and https://login.microsoftonline.com/<tenant>/v2.0. */
export const entra: Platform = {
  name: 'Microsoft Entra ID',
  is: ({ hostname }) =>
    /^(sts\.windows\.net|sts\.chinacloudapi\.cn|login\.microsoftonline\.(com|us)|login\.partner\.microsoftonline\.cn)$/.test(
      hostname,
    ),
  others: 'every person and application of the tenant',
  ownerIds: [['oid']],
  // Microsoft's own APIs.
  isDefaultAudience: (audience) =>
    audience === '00000003-0000-0000-c000-000000000000' ||
    /(^|\.)(azure\.(com|net|us|cn)|azure\.net|windows\.net|microsoft\.com|chinacloudapi\.cn|usgovcloudapi\.net)$/.test(
      URL.parse(audience)?.hostname ?? '',
    ),
  exampleSubject: '6f1e2d3c-0000-0000-0000-000000000000',
}

/** The issuer is one cluster's: of EKS, GKE or AKS, or anything for a cluster of one's own, whose subjects show what it is. */
export const kubernetes: Platform = {
  name: 'Kubernetes',
  is: ({ hostname, pathname }, { subject, claims = {} }) =>
    /^oidc(\.eks|-eks)\.[a-z0-9-]+\.(amazonaws\.[a-z.]+|api\.aws|api\.amazonwebservices\.[a-z.]+)$/.test(hostname) ||
    (hostname === 'container.googleapis.com' && pathname.includes('/clusters/')) ||
    /^([a-z0-9-]+\.oic|oidc)\.prod-aks\.azure\.(com|cn|us)$/.test(hostname) ||
    subject?.startsWith('system:serviceaccount:') === true ||
    Object.hasOwn(claims, 'kubernetes.io'),
  others: 'every pod of the cluster',
  ownerIds: [['kubernetes.io', 'serviceaccount', 'uid']],
  // A token for the cluster's own API is in every pod.
  isDefaultAudience: (audience, issuer) =>
    URL.parse(audience)?.href === issuer.href ||
    /(\.azmk8s\.io|\.svc\.id\.goog|\.eks\.amazonaws\.com)\.?$/.test(audience),
  exampleSubject: 'system:serviceaccount:jobs:nightly',
}

const platforms = [github, aws, google, entra, kubernetes, gitlab]

export function platformOf(identity: WorkloadIdentity): Platform | undefined {
  const issuer = URL.parse(identity.issuer)
  return issuer === null ? undefined : platforms.find(({ is }) => is(issuer, identity))
}

/** Audiences of well-known services: they receive such tokens, and could use them here. */
const foreignAudience =
  /^(https:\/\/)?kubernetes\.default(\.svc(\.cluster\.local)?)?\/?$|^(https:\/\/)?sts\.amazonaws\.com\/?$|^api:\/\/AzureADTokenExchange|^(https:)?\/\/iam\.googleapis\.com\/|^k3s$|^sigstore$/

export function isSharedAudience(audience: string, identity: WorkloadIdentity): boolean {
  const issuer = URL.parse(identity.issuer)
  if (foreignAudience.test(audience)) return true
  return issuer !== null && (platformOf(identity)?.isDefaultAudience(audience, issuer) ?? false)
}

/** @returns the claim at a path into nested claims */
export function claimAt(claims: RequiredClaims, [name = '', ...rest]: readonly string[]): unknown {
  const value = Object.hasOwn(claims, name) ? claims[name] : undefined
  if (rest.length === 0) return value
  return typeof value === 'object' ? claimAt(value, rest) : undefined
}

export function hasOwnerId(platform: Platform, { claims = {} }: WorkloadIdentity): boolean {
  return platform.ownerIds.some((path) => claimAt(claims, path) !== undefined)
}

export type NamedValue = readonly [name: string, value: string]

/** What an identity requires: its claims, and the parts of a subject of the form `name:value:name:value`. */
export function requirements({ subject = '', claims = {} }: WorkloadIdentity): readonly NamedValue[] {
  const words = subject.split(':')
  const parts: NamedValue[] = []
  while (words.length > 0) {
    const name = words.shift()!
    // The one part of GitHub's subjects that has no value.
    const value = name.startsWith('pull_request') ? undefined : words.shift()
    parts.push([name, value ?? ''])
  }
  return [...parts, ...Object.entries(claims).map(([name, value]): NamedValue => [name, String(value)])]
}
