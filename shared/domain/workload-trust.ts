/** Whether a registered identity trusts more than the one workload that it is for. */

import type { RequiredClaims, WorkloadIdentity } from './registration.ts'
import { openToBranches, wideBranches } from './workload-branches.ts'
import {
  aws,
  awsClaims,
  claimAt,
  google,
  hasOwnerId,
  isSharedAudience,
  type Platform,
  platformOf,
  requirements,
} from './workload-platforms.ts'

/** @returns the reasons to refuse it */
export function excessiveTrust(identity: WorkloadIdentity): string[] {
  const { audience, subject, claims = {} } = identity
  const platform = platformOf(identity)
  const reasons: string[] = []
  if (audience !== undefined && isSharedAudience(audience, identity)) {
    reasons.push(
      "audience is a default of the platform, so tokens made for others would be accepted: leave it out, and ask the platform for a token whose audience is the application's issuer",
    )
  }
  if ([subject, ...valuesIn(claims)].some((value) => typeof value === 'string' && value.includes('*'))) {
    reasons.push('values are compared exactly, and * has no meaning: write each value out, in an identity of its own')
  }
  const open = platform === undefined ? openToAll(identity) : openToOthers(platform, identity)
  const branches = platform && openToBranches(platform, identity)
  return [...reasons, ...[open, branches].filter((reason) => reason !== undefined)]
}

function openToAll({ subject, claims = {} }: WorkloadIdentity): string | undefined {
  return subject === undefined && Object.keys(claims).length === 0
    ? 'every token of this issuer for this audience would be accepted: name a subject or a claim'
    : undefined
}

function openToOthers(platform: Platform, identity: WorkloadIdentity): string | undefined {
  const { name, others, ownerIds, ownerParts, exampleSubject } = platform
  const subjectParts = requirements({ ...identity, claims: {} }).map(([part]) => part)
  const namesOwner =
    identity.subject !== undefined &&
    (ownerParts === undefined || subjectParts.some((part) => ownerParts.includes(part)))
  if (namesOwner || hasOwnerId(platform, identity)) return undefined
  const ids = ownerIds.map((path) => path.join(' > ')).join(', ')
  return `${name} gives tokens to ${others}: name a subject such as "${exampleSubject}", or a claim that is an immutable id of the owner (${ids})`
}

/** @returns what is accepted, and wider than it may look */
export function wideTrust(identity: WorkloadIdentity): string[] {
  const { subject, claims = {} } = identity
  const platform = platformOf(identity)
  const warnings = platform === undefined ? [] : wideBranches(platform, identity)
  if (platform === undefined && subject === undefined) {
    warnings.push('every token of this issuer with these claims is accepted: name the subject as well')
  }
  const isAnyLambda = claimAt(claims, [awsClaims, 'lambda_source_function_arn']) === undefined
  if (platform === aws && subject === undefined && isAnyLambda) {
    warnings.push('every role and user of the account is accepted: name the role as subject')
  }
  if (platform === aws && claimAt(claims, [awsClaims, 'request_tags']) !== undefined) {
    warnings.push('request_tags are chosen by whoever asks for the token, so they prove nothing')
  }
  if (platform === google && subject === undefined) {
    warnings.push(
      'every virtual machine of the project is accepted: name the numeric id of its service account as subject',
    )
  }
  if (subject !== undefined && /^system:serviceaccount:[^:]+:default$/.test(subject)) {
    warnings.push('every pod of the namespace without a service account of its own has this subject')
  }
  return warnings
}

function valuesIn(claims: RequiredClaims): unknown[] {
  return Object.values(claims).flatMap((value) => (typeof value === 'object' ? valuesIn(value) : [value]))
}
