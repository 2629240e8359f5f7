/** IAM roles as clients without secrets: they authenticate with a token from AWS (docs/registry.md, Workload identities). */

import { Effect, type IRole, Policy, PolicyStatement } from 'aws-cdk-lib/aws-iam'
import type { Construct } from 'constructs'

export interface TrustRoleProps {
  /** The application whose client the role becomes. */
  readonly application: string
  /** The client id. If the registry already has this client, the role is added to its identities. */
  readonly clientId: string
  /**
   * Other members of the client, as in a registry file: `scopes`, `audiences`, `displayName` and so on. Only for a client
   * that is not in the registry.
   *
   * @default - the grant client_credentials
   */
  readonly registration?: Readonly<Record<string, unknown>>
  /**
   * The token issuer of the role's account, `https://<id>.tokens.sts.global.api.aws`.
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
 * Lets the role ask AWS for tokens whose only audience is the issuer. The policy is created in the broker's scope, so the
 * role's stack does not depend on the broker's stack.
 */
export function letAskForTokens(scope: Construct, id: string, role: IRole, issuer: string): Policy {
  const policy = new Policy(scope, id, {
    statements: [
      new PolicyStatement({
        effect: Effect.ALLOW,
        actions: ['sts:GetWebIdentityToken'],
        // This action does not support resources (Service Authorization Reference).
        resources: ['*'],
        conditions: {
          'ForAllValues:StringEquals': { 'sts:IdentityTokenAudience': issuer },
          // `ForAllValues` alone is also true for a request without an audience.
          Null: { 'sts:IdentityTokenAudience': 'false' },
        },
      }),
    ],
  })
  role.attachInlinePolicy(policy)
  return policy
}

/** The parts of a registry file that this module uses. */
export type RegistryFile = { readonly applications?: readonly ApplicationInFile[] }
type ApplicationInFile = { readonly name?: unknown; readonly clients?: readonly ClientInFile[] }
type ClientInFile = Readonly<Record<string, unknown>> & { readonly clientId?: unknown }

/** The client of a role in the format of a registry file. */
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
  if (found === undefined) return { file, mistake: `trustRole: the registry has no application ${application}; add it` }
  const clients = listOf(found.clients)
  const client = clients.find((one) => one.clientId === clientId)
  if (client !== undefined && client.auth !== 'workload_identity') {
    return { file, mistake: `trustRole: ${application}/${clientId} must have "auth": "workload_identity"` }
  }
  if (client !== undefined && Object.keys(registration).length > 0) {
    return {
      file,
      mistake: `trustRole: ${application}/${clientId} is already in the registry; move \`registration\` there`,
    }
  }
  const grown =
    client === undefined
      ? clientOf(role)
      : { ...client, identities: [...listOf(client.identities as readonly unknown[] | undefined), identity] }
  const others = clients.filter((one) => one !== client)
  const changed = { ...found, clients: [...others, grown] }
  return { file: { ...file, applications: applications.map((one) => (one === found ? changed : one)) } }
}

/** Anything but an array becomes empty here. The registry's schema reports it. */
function listOf<Value>(value: readonly Value[] | undefined): readonly Value[] {
  return Array.isArray(value) ? value : []
}
