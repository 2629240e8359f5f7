/** What an update of a stack must find again (docs/compatibility.md): a resource with another logical id is another resource. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { synthesized } from './support/shapes.ts'

/** As in 0.1 and 0.2. Never edit a line: without its resource the update of a stack would lose data, or its address. */
const kept = {
  Table710B521B: 'AWS::DynamoDB::GlobalTable',
  TableKey3ED4BB3F: 'AWS::KMS::Key',
  SecretsKeyringB1EFCF26: 'AWS::SecretsManager::Secret',
  SecretsKey7A92DC94: 'AWS::KMS::Key',
  GatewayApi4EDF2151: 'AWS::ApiGateway::RestApi',
}

test('an update of a stack of 0.1 or 0.2 keeps the table, the keyring, their keys and the address of the API', () => {
  const { resources } = synthesized('with every default')
  for (const [id, type] of Object.entries(kept)) assert.equal(resources[id]?.Type, type, id)
})

test('an update of a stack of 0.2 keeps the names of its outputs', () => {
  const { template } = synthesized('with every default')
  const names = Object.keys(template.toJSON().Outputs)
  for (const name of [
    'Issuer',
    'TableName',
    'KeyringSecretName',
    'RotateKeysFunctionName',
    'SecretsKeyArn',
    'OpsPolicyArn',
  ]) {
    assert.ok(names.includes(name), name)
  }
})
