/** Identities that trust too much are refused with the reason, and those that are merely wide get a warning. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { WorkloadIdentity } from '../../shared/domain/registration.ts'
import { excessiveTrust, wideTrust } from '../../shared/domain/workload-trust.ts'

const github = 'https://token.actions.githubusercontent.com'
const gitlab = 'https://gitlab.com'
const aws = 'https://a1d2b0fd-1177-4468-9351-2f0000000723.tokens.sts.global.api.aws'
const google = 'https://accounts.google.com'
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
    { issuer: github, subject: 'repo:octo/app:environment:production' },
    undefined,
    /registered again/,
  ],
  'a GitHub repository id and a ref': [
    { issuer: github, claims: { repository_id: '34', ref: 'refs/heads/main' } },
    undefined,
    undefined,
  ],
  'a GitHub owner id alone': [{ issuer: github, claims: { repository_owner_id: '12' } }, undefined, /every branch/],
  'GitHub with neither': [{ issuer: github, claims: { ref: 'refs/heads/main' } }, /shared by many/, undefined],
  'GitHub with a repository name alone': [{ issuer: github, claims: { repository: 'octo/app' } }, /shared/, undefined],
  'GitHub and an enterprise issuer with neither': [{ issuer: `${github}/octo` }, /shared by many/, undefined],
  'a GitHub subject of a pull request': [
    { issuer: github, subject: 'repo:o/r:pull_request' },
    /pull request/,
    undefined,
  ],
  'the same with ids': [{ issuer: github, subject: 'repo:o@1/r@2:pull_request' }, /pull request/, undefined],
  "a pull request's ref": [
    { issuer: github, subject: 'repo:o@1/r@2:ref:refs/pull/7/merge' },
    /pull request/,
    undefined,
  ],
  'the event of a pull request': [
    { issuer: github, claims: { repository_id: '2', event_name: 'pull_request_target' } },
    /pull request/,
    undefined,
  ],
  'a GitHub subject without a branch': [{ issuer: github, subject: 'repo:o@1/r@2' }, /every branch/, undefined],
  'a GitHub subject of an owner': [{ issuer: github, subject: 'repository_owner_id:1' }, /every branch/, undefined],
  'the same with an environment as a claim': [
    { issuer: github, subject: 'repo:o@1/r@2', claims: { environment: 'production', repository_id: '2' } },
    undefined,
    undefined,
  ],
  'the audience that GitHub gives by default': [
    { issuer: github, subject: main, audience: 'https://github.com/octo' },
    /audience is a default/,
    undefined,
  ],
  "AWS's audience at GitHub": [{ issuer: github, subject: main, audience: 'sts.amazonaws.com' }, /default/, undefined],

  'a GitLab subject and the project id': [
    { issuer: gitlab, subject: 'project_path:g/p:ref_type:branch:ref:main', claims: { project_id: '7' } },
    undefined,
    undefined,
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
  'GitLab with neither': [{ issuer: gitlab, claims: { ref: 'main' } }, /shared by many/, undefined],
  "GitLab's own address as audience": [
    { issuer: gitlab, subject: 'project_path:g/p:ref_type:branch:ref:main', audience: gitlab },
    /default/,
    undefined,
  ],
  'merge requests of GitLab': [
    { issuer: gitlab, claims: { project_id: '7', pipeline_source: 'merge_request_event' } },
    /pull request/,
    undefined,
  ],

  'an AWS role': [{ issuer: aws, subject: 'arn:aws:iam::123456789012:role/nightly' }, undefined, undefined],
  'an AWS account': [{ issuer: aws, claims: awsClaims({ aws_account: '123456789012' }) }, undefined, /every role/],
  'an AWS region': [{ issuer: aws, claims: awsClaims({ source_region: 'eu-central-1' }) }, /shared/, undefined],
  'AWS with nothing': [{ issuer: aws }, /shared by many/, undefined],

  "a Google service account's id": [{ issuer: google, subject: '109876543210987654321' }, undefined, undefined],
  'a Google e-mail address': [
    { issuer: google, claims: { email: 'a@p.iam.gserviceaccount.com' } },
    /shared/,
    undefined,
  ],
  "an app's client id at Google": [
    { issuer: google, subject: '1', audience: '1-a.apps.googleusercontent.com' },
    /default/,
    undefined,
  ],

  'a service account on EKS': [{ issuer: eks, subject: 'system:serviceaccount:jobs:nightly' }, undefined, undefined],
  'EKS with nothing': [{ issuer: eks }, /shared by many/, undefined],
  'a namespace on GKE': [{ issuer: gke, claims: { 'kubernetes.io': { namespace: 'jobs' } } }, /shared/, undefined],
  'AKS with nothing': [{ issuer: aks }, /shared by many/, undefined],
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
