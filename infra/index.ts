/** The public API of the package for CDK apps. */

export * from './props.ts'
export { Registry, type RegistryOptions } from './registry.ts'
export { TokenBroker } from './token-broker.ts'
export type { TrustRoleProps } from './trusted-roles.ts'
