/**
 * The CDK app (`npm run synth`, `npx cdk`): synthesizes the stack of one stage, chosen by `-c stage=…` or STAGE, `dev` by
 * default.
 */

import { join, relative } from 'node:path'
import { App, type Stack, Validations } from 'aws-cdk-lib'
import { AwsSolutionsChecks } from 'cdk-nag'
import { type Bundles, bundleFunctions } from './bundle.ts'
import { stageStack } from './stages.ts'

const bundles = await bundleFunctions()
const app = new App({
  outdir: process.env.CDK_OUTDIR ?? join(import.meta.dirname, '..', 'cdk.out'),
  analyticsReporting: false,
  // Find violations of CloudFormation's resource schemas at synthesis, not during the deployment.
  context: { '@aws-cdk/core:validateAgainstDefaultRules': true, '@aws-cdk/core:strictCfnValidateErrors': true },
})
const stack = stackOrExit(app.node.tryGetContext('stage') ?? process.env.STAGE ?? 'dev')
const rules = new AwsSolutionsChecks(app)
Validations.of(app).addPlugins(rules)

// If a rule is violated, this prints each violation with its location and makes the exit code 1.
const { directory } = app.synth()

console.log(`Stack ${stack.stackName}, ${stack.region}: ${relative('', join(directory, stack.templateFile))}`)
console.log(`Functions, KB: ${sizes(bundles)}`)
console.log(
  `cdk-nag: AwsSolutions ${rules.validateScope(app).success ? 'passes' : 'FAILS'}; acknowledged ${acknowledged()}`,
)

/** Prints mistakes in the props without a stack trace. */
function stackOrExit(stage: string): Stack {
  try {
    return stageStack(app, stage)
  } catch (error) {
    console.error(error instanceof Error ? error.message : error)
    return process.exit(1)
  }
}

function sizes(all: Bundles): string {
  return Object.entries(all)
    .map(([name, { bytes }]) => `${name} ${Math.round(bytes / 1024)}`)
    .join(', ')
}

/** The rules that the code acknowledges with a reason. */
function acknowledged(): string {
  const ids = app.node
    .findAll()
    .flatMap(({ node }) => node.metadata)
    .filter(({ type }) => type === Validations.ACKNOWLEDGED_RULES_METADATA_KEY)
    .flatMap(({ data }) => Object.keys(data))
    .map((id) => /AwsSolutions-(\w+)/.exec(id)?.[1] ?? id)
  return [...new Set(ids)].sort().join(', ')
}
