/** Identities that trust too much are refused with the reason, and those that are merely wide get a warning. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { WorkloadIdentity } from '../../shared/domain/registration.ts'
import { excessiveTrust, wideTrust } from '../../shared/domain/workload-trust.ts'

const github = 'https://token.actions.githubusercontent.com'
const gitlab = 'https://gitlab.com'
const aws = 'https://a1d2b0fd-1177-4468-9351-2f0000000723.tokens.sts.global.api.aws'
const google = 'https://accounts.google.com'
const entra = 'https://login.microsoftonline.com/11111111-0000-0000-0000-000000000000/v2.0'
const eks = 'https://oidc.eks.eu-central-1.amazonaws.com/id/0123456789ABCDEF0123456789ABCDEF'
const gke = 'https://container.googleapis.com/v1/projects/p/locations/europe-west1/clusters/c'
const aks = 'https://westeurope.oic.prod-aks.azure.com/11111111-0000-0000-0000-000000000000/2222/'
const awsClaims = (claims: Record<string, string>) => ({ 'https://sts.amazonaws.com/': claims })
const main = 'repo:octo@12/app@34:ref:refs/heads/main'

/** What an identity is refused for, warned of, or neither. */
const cases: Record<string, readonly [WorkloadIdentity, RegExp | undefined, RegExp | undefined]> = {
  'a GitHub subject with ids': [{ issuer: github, subject: main }, undefined, undefined],
  "an enterprise's own GitHub issuer, the same": [{ issuer: `${github}/octo`, subject: main }, undefined, undefined],
  'a GitHub subject of names and the repository id': [
    { issuer: github, subject: 'repo:octo/app:ref:refs/heads/main', claims: { repository_id: '34' } },
    undefined,
    undefined,
  ],
  'a GitHub subject of names alone': [
    { issuer: github, subject: 'repo:octo/app:ref:refs/heads/main' },
    undefined,
    /registered again/,
  ],
  'a GitHub subject of an environment': [
    { issuer: github, subject: 'repo:octo@12/app@34:environment:production' },
    undefined,
    /may use this environment/,
  ],
  'the same on one branch': [
    { issuer: github, subject: 'repo:octo@12/app@34:environment:production', claims: { ref: 'refs/heads/main' } },
    undefined,
    undefined,
  ],
  'a GitHub repository id and a ref': [
    { issuer: github, claims: { repository_id: '34', ref: 'refs/heads/main' } },
    undefined,
    undefined,
  ],
  'a GitHub repository id and the schedule': [
    { issuer: github, claims: { repository_id: '34', event_name: 'schedule' } },
    undefined,
    undefined,
  ],
  'a GitHub repository id on protected branches': [
    { issuer: github, claims: { repository_id: '34', ref_protected: 'true' } },
    undefined,
    undefined,
  ],
  'a GitHub repository id and its own workflow on a branch': [
    {
      issuer: github,
      claims: { repository_id: '34', workflow_ref: 'octo/app/.github/workflows/nightly.yml@refs/heads/main' },
    },
    undefined,
    undefined,
  ],
  'a GitHub repository id and a shared workflow': [
    {
      issuer: github,
      claims: { repository_id: '34', job_workflow_ref: 'octo/ci/.github/workflows/deploy.yml@refs/heads/main' },
    },
    undefined,
    /call this workflow/,
  ],
  'a GitHub repository id alone': [{ issuer: github, claims: { repository_id: '34' } }, /every branch/, undefined],
  'a GitHub repository id and a push': [
    { issuer: github, claims: { repository_id: '34', event_name: 'push' } },
    /every branch/,
    undefined,
  ],
  'a GitHub repository id and a workflow started by hand': [
    { issuer: github, claims: { repository_id: '34', event_name: 'workflow_dispatch' } },
    /every branch/,
    undefined,
  ],
  'a GitHub repository id on unprotected branches': [
    { issuer: github, claims: { repository_id: '34', ref_protected: 'false' } },
    /every branch/,
    undefined,
  ],
  'a GitHub repository id and the name of a workflow': [
    { issuer: github, claims: { repository_id: '34', workflow: 'deploy' } },
    /every branch/,
    undefined,
  ],
  'a GitHub owner id alone': [{ issuer: github, claims: { repository_owner_id: '12' } }, /every branch/, undefined],
  'a GitHub owner id and a ref': [
    { issuer: github, claims: { repository_owner_id: '12', ref: 'refs/heads/main' } },
    undefined,
    /every repository of the owner/,
  ],
  'GitHub and a ref alone': [{ issuer: github, claims: { ref: 'refs/heads/main' } }, /every repository/, undefined],
  'GitHub and a repository name alone': [
    { issuer: github, claims: { repository: 'octo/app', ref: 'refs/heads/main' } },
    /every repository/,
    undefined,
  ],
  "an enterprise's issuer with nothing": [{ issuer: `${github}/octo` }, /every repository/, undefined],
  'GHE.com with nothing': [{ issuer: 'https://token.actions.octo.ghe.com' }, /every repository/, undefined],
  'an Enterprise Server and a repository': [
    { issuer: 'https://git.example/_services/token', subject: 'repo:octo/app' },
    /every branch/,
    undefined,
  ],
  'a GitHub subject of a pull request': [
    { issuer: github, subject: 'repo:o/r:pull_request' },
    /pull request has/,
    undefined,
  ],
  'the same with ids': [{ issuer: github, subject: 'repo:o@1/r@2:pull_request' }, /pull request has/, undefined],
  'the same with a shared workflow': [
    { issuer: github, subject: 'repo:o@1/r@2:pull_request:job_workflow_ref:o/ci/w.yml@refs/heads/main' },
    /pull request has/,
    undefined,
  ],
  "a pull request's ref": [
    { issuer: github, subject: 'repo:o@1/r@2:ref:refs/pull/7/merge' },
    /pull request has/,
    undefined,
  ],
  "a pull request's workflow": [
    { issuer: github, claims: { repository_id: '2', workflow_ref: 'o/r/w.yml@refs/pull/7/merge' } },
    /pull request has/,
    undefined,
  ],
  "a pull request's source branch": [
    { issuer: github, subject: 'repo:o@1/r@2:environment:e', claims: { head_ref: 'main' } },
    /pull request has/,
    undefined,
  ],
  'the event of a pull request': [
    { issuer: github, claims: { repository_id: '2', ref: 'refs/heads/main', event_name: 'pull_request_target' } },
    /pull request has/,
    undefined,
  ],
  'a GitHub subject without a branch': [{ issuer: github, subject: 'repo:o@1/r@2' }, /every branch/, undefined],
  'a GitHub subject of an owner': [{ issuer: github, subject: 'repository_owner_id:1' }, /every branch/, undefined],
  'a GitHub subject of a shared workflow alone': [
    { issuer: github, subject: 'job_workflow_ref:octo/ci/.github/workflows/deploy.yml@refs/heads/main' },
    /every repository/,
    undefined,
  ],
  'a GitHub subject of an environment alone': [
    { issuer: github, subject: 'environment:production' },
    /every repository/,
    undefined,
  ],
  'the audience that GitHub gives by default': [
    { issuer: github, subject: main, audience: 'https://github.com/octo' },
    /audience is a default/,
    undefined,
  ],
  "AWS's audience at GitHub": [{ issuer: github, subject: main, audience: 'sts.amazonaws.com' }, /default/, undefined],

  'a GitLab subject, the project id and protection': [
    {
      issuer: gitlab,
      subject: 'project_path:g/p:ref_type:branch:ref:main',
      claims: { project_id: '7', ref_protected: 'true' },
    },
    undefined,
    undefined,
  ],
  'a GitLab subject and the project id': [
    { issuer: gitlab, subject: 'project_path:g/p:ref_type:branch:ref:main', claims: { project_id: '7' } },
    undefined,
    /ref_protected/,
  ],
  'a GitLab subject alone': [
    { issuer: gitlab, subject: 'project_path:g/p:ref_type:branch:ref:main' },
    undefined,
    /registered again/,
  ],
  'a GitLab subject without a branch': [{ issuer: gitlab, subject: 'project_path:g/p' }, /every branch/, undefined],
  'the same on protected branches': [
    { issuer: gitlab, subject: 'project_path:g/p', claims: { project_id: '7', ref_protected: 'true' } },
    undefined,
    undefined,
  ],
  'a GitLab project and an environment': [
    { issuer: gitlab, claims: { project_id: '7', environment: 'production' } },
    /every branch/,
    undefined,
  ],
  'the same if it is protected': [
    { issuer: gitlab, claims: { project_id: '7', environment: 'production', environment_protected: 'true' } },
    undefined,
    undefined,
  ],
  'a GitLab group': [
    { issuer: gitlab, claims: { namespace_id: '3', ref_protected: 'true' } },
    undefined,
    /every project of the namespace/,
  ],
  'GitLab and a branch alone': [{ issuer: gitlab, claims: { ref: 'main' } }, /every project/, undefined],
  "an own GitLab's project": [
    { issuer: 'https://code.example', subject: 'project_path:g/p' },
    /every branch/,
    undefined,
  ],
  "an own GitLab's project, known by its id": [
    { issuer: 'https://code.example', claims: { project_id: '7' } },
    /every branch/,
    undefined,
  ],
  "an own GitLab's project and the pipelines of its merge requests": [
    { issuer: 'https://code.example', claims: { project_id: '7', pipeline_source: 'merge_request_event' } },
    /pull request/,
    undefined,
  ],
  "an own GitLab's namespace and a branch": [
    { issuer: 'https://code.example', claims: { namespace_id: '3', ref: 'main' } },
    undefined,
    /every project of the namespace/,
  ],
  "an own GitLab's namespace by a path alone": [
    { issuer: 'https://code.example', claims: { namespace_path: 'g', ref: 'main' } },
    /every project/,
    undefined,
  ],
  "an own GitLab's subject that begins with an id": [
    { issuer: 'https://code.example', subject: 'project_id:7:ref_type:branch' },
    /every branch/,
    undefined,
  ],
  "an own GitLab's address as audience": [
    { issuer: 'https://code.example', claims: { project_id: '7', ref: 'main' }, audience: 'https://code.example' },
    /default/,
    undefined,
  ],
  'a project_id of another platform, with a subject': [
    { issuer: 'https://oidc.example', subject: 'owner:o:project:p', claims: { project_id: 'prj_1' } },
    undefined,
    undefined,
  ],
  "GitLab's own address as audience": [
    { issuer: gitlab, subject: 'project_path:g/p:ref_type:branch:ref:main', audience: gitlab },
    /default/,
    undefined,
  ],
  'merge requests of GitLab': [
    { issuer: gitlab, claims: { project_id: '7', ref: 'main', pipeline_source: 'merge_request_event' } },
    /pull request has/,
    undefined,
  ],

  'an AWS role': [{ issuer: aws, subject: 'arn:aws:iam::123456789012:role/nightly' }, undefined, undefined],
  'an AWS account': [{ issuer: aws, claims: awsClaims({ aws_account: '123456789012' }) }, undefined, /every role/],
  "an AWS account's Lambda function": [
    {
      issuer: aws,
      claims: awsClaims({ aws_account: '1', lambda_source_function_arn: 'arn:aws:lambda:x:1:function:f' }),
    },
    undefined,
    undefined,
  ],
  'an AWS role with tags of the caller': [
    {
      issuer: aws,
      subject: 'arn:aws:iam::123456789012:role/nightly',
      claims: { 'https://sts.amazonaws.com/': { request_tags: { team: 'data' } } },
    },
    undefined,
    /request_tags/,
  ],
  'an AWS region': [
    { issuer: aws, claims: awsClaims({ source_region: 'eu-central-1' }) },
    /gives tokens to/,
    undefined,
  ],
  'AWS with nothing': [{ issuer: aws }, /gives tokens to/, undefined],

  "a Google service account's id": [{ issuer: google, subject: '109876543210987654321' }, undefined, undefined],
  'a Google e-mail address': [
    { issuer: google, claims: { email: 'a@p.iam.gserviceaccount.com' } },
    /gives tokens to/,
    undefined,
  ],
  "an app's client id at Google": [
    { issuer: google, subject: '1', audience: '1-a.apps.googleusercontent.com' },
    /default/,
    undefined,
  ],

  'a virtual machine of a Google project': [
    { issuer: google, claims: { google: { compute_engine: { project_number: '1' } } } },
    undefined,
    /every virtual machine/,
  ],
  'an application of Entra ID': [
    { issuer: entra, subject: '6f1e2d3c', audience: 'api://token-broker' },
    undefined,
    undefined,
  ],
  'an Entra ID tenant': [{ issuer: entra, claims: { tid: '1' } }, /every person and application/, undefined],
  "the audience of Azure's management": [
    { issuer: entra, subject: '6f1e2d3c', audience: 'https://management.azure.com/' },
    /default/,
    undefined,
  ],

  'a service account on EKS': [{ issuer: eks, subject: 'system:serviceaccount:jobs:nightly' }, undefined, undefined],
  'EKS by IPv6 with nothing': [{ issuer: 'https://oidc-eks.eu-west-1.api.aws/id/1' }, /gives tokens to/, undefined],
  'EKS in China with nothing': [
    { issuer: 'https://oidc.eks.cn-north-1.amazonaws.com.cn/id/1' },
    /gives tokens to/,
    undefined,
  ],
  'EKS with nothing': [{ issuer: eks }, /gives tokens to/, undefined],
  'a namespace on GKE': [
    { issuer: gke, claims: { 'kubernetes.io': { namespace: 'jobs' } } },
    /gives tokens to/,
    undefined,
  ],
  'AKS with nothing': [{ issuer: aks }, /gives tokens to/, undefined],
  'the default service account of a namespace': [
    { issuer: eks, subject: 'system:serviceaccount:jobs:default' },
    undefined,
    /every pod/,
  ],
  "a cluster's own audience": [
    { issuer: eks, subject: 'system:serviceaccount:jobs:nightly', audience: 'https://kubernetes.default.svc' },
    /default/,
    undefined,
  ],
  "a cluster's issuer as audience": [
    { issuer: aks, subject: 'system:serviceaccount:j:n', audience: aks },
    /default/,
    undefined,
  ],

  'a private issuer and a subject': [{ issuer: 'https://idp.example', subject: 'nightly' }, undefined, undefined],
  "a private cluster's service account": [
    { issuer: 'https://k8s.example', subject: 'system:serviceaccount:jobs:nightly' },
    undefined,
    undefined,
  ],
  "a private cluster's namespace": [
    { issuer: 'https://k8s.example', claims: { 'kubernetes.io': { namespace: 'jobs' } } },
    /every pod of the cluster/,
    undefined,
  ],
  "a private cluster's issuer as audience": [
    { issuer: 'https://k8s.example', subject: 'system:serviceaccount:j:n', audience: 'https://k8s.example/' },
    /default/,
    undefined,
  ],
  'a SPIFFE identity': [{ issuer: 'https://spire.example', subject: 'spiffe://example/jobs' }, undefined, undefined],
  'a private issuer and a claim': [
    { issuer: 'https://idp.example', claims: { team: 'data' } },
    undefined,
    /name the subject/,
  ],
  'a private issuer with nothing': [{ issuer: 'https://idp.example' }, /every token of this issuer/, undefined],
  'a pattern': [{ issuer: 'https://idp.example', subject: 'repo:octo/*' }, /compared exactly/, undefined],
  'a pattern in a nested claim': [{ issuer: 'https://idp.example', claims: { a: { b: 'x*' } } }, /exactly/, undefined],
}

describe('an identity', () => {
  for (const [name, [identity, refused, warned]] of Object.entries(cases)) {
    const verdict = refused ? 'is refused' : warned ? 'is accepted with a warning' : 'is accepted'
    test(`${name}: ${verdict}`, () => {
      const reasons = excessiveTrust(identity)
      if (refused === undefined) assert.deepEqual(reasons, [])
      else
        assert.ok(
          reasons.some((reason) => refused.test(reason)),
          reasons.join('\n'),
        )
      if (refused !== undefined) return
      const warnings = wideTrust(identity)
      if (warned === undefined) assert.deepEqual(warnings, [])
      else
        assert.ok(
          warnings.some((warning) => warned.test(warning)),
          warnings.join('\n'),
        )
    })
  }
})
