/**
 * `npm run synth`, and the app that `npx cdk` works with: from the settings of a stage to a CloudFormation template.
 *
 * Owns the steps, the rules that the whole is checked by, and what a person is told. Must not know the resources.
 * The stage is STAGE's or `-c stage=…`'s, else `dev`. Nothing is asked of a network or of docker.
 */

import { join, relative } from 'node:path'
import { App, Validations } from 'aws-cdk-lib'
import { AwsSolutionsChecks } from 'cdk-nag'
import { type Bundles, bundleFunctions } from './bundle.ts'
import { settingsFor } from './settings.ts'
import { BrokerStack } from './stack.ts'

const app = new App({
  outdir: process.env.CDK_OUTDIR ?? join(import.meta.dirname, '..', 'cdk.out'),
  analyticsReporting: false,
  // The template is also held against CloudFormation's own schemas; what they object to would fail the deployment later.
  context: { '@aws-cdk/core:validateAgainstDefaultRules': true, '@aws-cdk/core:strictCfnValidateErrors': true },
})
const settings = decidedSettings(app.node.tryGetContext('stage') ?? process.env.STAGE ?? 'dev')
const bundles = await bundleFunctions()
const stack = new BrokerStack(app, { settings, bundles })
const rules = new AwsSolutionsChecks(app)
Validations.of(app).addPlugins(rules)

// Violations are printed with where they are, and end the process here with an error.
const { directory } = app.synth()

console.log(`Stack ${stack.stackName}, ${stack.region}: ${relative('', join(directory, stack.templateFile))}`)
console.log(`Functions, KB: ${sizes(bundles)}`)
console.log(
  `cdk-nag: AwsSolutions ${rules.validateScope(app).success ? 'passes' : 'FAILS'}; acknowledged ${acknowledged()}`,
)

/** A mistake in the settings is a person's, who needs its words and no stack. */
function decidedSettings(stage: string) {
  try {
    return settingsFor(stage)
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

/** The rules that are not followed somewhere, each for a reason that stands in the code. */
function acknowledged(): string {
  const ids = app.node
    .findAll()
    .flatMap(({ node }) => node.metadata)
    .filter(({ type }) => type === Validations.ACKNOWLEDGED_RULES_METADATA_KEY)
    .flatMap(({ data }) => Object.keys(data))
    .map((id) => /AwsSolutions-(\w+)/.exec(id)?.[1] ?? id)
  return [...new Set(ids)].sort().join(', ')
}
