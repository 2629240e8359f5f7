/** Clients without secrets: IAM roles that prove who they are by a token of AWS (docs/registry.md, Workload identities). */

import { Effect, type IRole, Policy, PolicyStatement } from 'aws-cdk-lib/aws-iam'
import type { Construct } from 'constructs'

export interface TrustRoleProps {
  /** The application that the role becomes a client of. */
  readonly application: string
  /** The client id. A client of the registry that has it gets the role as one more identity. */
  readonly clientId: string
  /**
   * Further members of the client, as a registry file has them: `scopes`, `audiences`, `displayName` and so on. Only for a client
   * that the registry does not have.
   *
   * @default - grants: client_credentials
   */
  readonly registration?: Readonly<Record<string, unknown>>
  /**
   * The issuer of the role's account, `https://<id>.tokens.sts.global.api.aws`.
   *
   * @default - the prop `awsTokenIssuer` of the broker
   */
  readonly awsTokenIssuer?: string
}

export type TrustedRole = {
  readonly application: string
  readonly clientId: string
  readonly registration: Readonly<Record<string, unknown>>
  readonly identity: { readonly issuer: string; readonly subject: string }
}

/**
 * Lets the role ask AWS for tokens whose only audience is the issuer. The policy belongs to the broker's scope, so the role's
 * stack needs nothing of the broker's.
 */
export function letAskForTokens(scope: Construct, id: string, role: IRole, issuer: string): Policy {
  const policy = new Policy(scope, id, {
    statements: [
      new PolicyStatement({
        effect: Effect.ALLOW,
        actions: ['sts:GetWebIdentityToken'],
        // Supports no resources (Service Authorization Reference).
        resources: ['*'],
        conditions: {
          'ForAllValues:StringEquals': { 'sts:IdentityTokenAudience': issuer },
          // `ForAllValues` alone also holds without any audience.
          Null: { 'sts:IdentityTokenAudience': 'false' },
        },
      }),
    ],
  })
  role.attachInlinePolicy(policy)
  return policy
}

/** A registry file, so far as this module knows it. */
export type RegistryFile = { readonly applications?: readonly ApplicationInFile[] }
type ApplicationInFile = { readonly name?: unknown; readonly clients?: readonly ClientInFile[] }
type ClientInFile = Readonly<Record<string, unknown>> & { readonly clientId?: unknown }

/** The client of a role, as a registry file has it. */
export function clientOf({ clientId, registration, identity }: TrustedRole): ClientInFile {
  return {
    clientId,
    grants: ['client_credentials'],
    ...registration,
    auth: 'workload_identity',
    identities: [identity],
  }
}

export type Merged = { readonly file: RegistryFile; readonly mistakes: readonly string[] }

/** Adds the roles to the clients of a registry. */
export function withRoles(file: RegistryFile, roles: readonly TrustedRole[]): Merged {
  return roles.reduce<Merged>(
    (merged, role) => {
      const { file, mistake } = withRole(merged.file, role)
      return { file, mistakes: [...merged.mistakes, ...(mistake === undefined ? [] : [mistake])] }
    },
    { file, mistakes: [] },
  )
}

function withRole(file: RegistryFile, role: TrustedRole): { file: RegistryFile; mistake?: string } {
  const { application, clientId, registration, identity } = role
  const applications = listOf(file.applications)
  const found = applications.find(({ name }) => name === application)
  if (found === undefined) return { file, mistake: `trustRole: the registry has no application ${application}` }
  const clients = listOf(found.clients)
  const client = clients.find((one) => one.clientId === clientId)
  if (client !== undefined && client.auth !== 'workload_identity') {
    return { file, mistake: `trustRole: ${application}/${clientId} has another auth than "workload_identity"` }
  }
  if (client !== undefined && Object.keys(registration).length > 0) {
    return { file, mistake: `trustRole: ${application}/${clientId} is in the registry already; put its members there` }
  }
  const grown =
    client === undefined
      ? clientOf(role)
      : { ...client, identities: [...listOf(client.identities as readonly unknown[] | undefined), identity] }
  const others = clients.filter((one) => one !== client)
  const changed = { ...found, clients: [...others, grown] }
  return { file: { ...file, applications: applications.map((one) => (one === found ? changed : one)) } }
}

/** Mistakes of another kind are found by the registry's schema. */
function listOf<Value>(value: readonly Value[] | undefined): readonly Value[] {
  return Array.isArray(value) ? value : []
}
