/**
 * The functions that the stack deploys, and the folders of their bundles.
 *
 * Does not import esbuild, because the published package contains the bundles.
 */

import { join } from 'node:path'
import type { Construct } from 'constructs'
import { type FunctionName, routes } from './routes.ts'

export type ScheduledFunction = 'retry-revocations' | 'check-keys'
/** Runs during deployments. */
export type DeploymentFunction = 'create-keyring' | 'apply-registry'
/** `rotate-keys` runs when Secrets Manager or an operator calls it. */
export type DeployedFunction = FunctionName | ScheduledFunction | DeploymentFunction | 'rotate-keys'

export const functionNames: readonly FunctionName[] = [...new Set(routes.map(({ functionName }) => functionName))]
export const scheduledFunctions: readonly ScheduledFunction[] = ['retry-revocations', 'check-keys']
export const deployedFunctions: readonly DeployedFunction[] = [
  ...functionNames,
  ...scheduledFunctions,
  'create-keyring',
  'apply-registry',
  'rotate-keys',
]

/** In the package, the bundles are beside the compiled construct. In a checkout, `bundle.ts` writes them to `dist/`. */
export const bundlesFolder = import.meta.filename.endsWith('.ts')
  ? join(import.meta.dirname, '..', 'dist', 'functions')
  : join(import.meta.dirname, 'functions')

/** A CDK context key: the folder of the bundles, for an app that bundles the functions itself. */
export const bundlesContext = 'token-broker:bundles'

/** The folder with the function's `index.mjs`. */
export function bundleOf(scope: Construct, name: DeployedFunction): string {
  return join(scope.node.tryGetContext(bundlesContext) ?? bundlesFolder, name)
}
