/**
 * The rights of a function, translated from IAM statements to short texts that tests compare.
 */

import assert from 'node:assert/strict'
import { functions, type Resources, referred, type Statement, statementsOf, text } from './template.ts'

/**
 * @property on partition keys of the table (`family#*`), with the attributes if limited to some; indexes (`index/by-subject`); a
 *   secret's name (`provider/*`); else a phrase
 */
export type Right = { readonly actions: readonly string[]; readonly on: string }

/** @param name of the file under `functions/` */
export function rightsOf(resources: Resources, name: string): readonly Right[] {
  const roleId = referred(functions(resources).get(name)?.Properties.Role) ?? ''
  assert.equal(resources[roleId]?.Properties.ManagedPolicyArns, undefined)
  assert.equal(resources[roleId]?.Properties.Policies, undefined)
  return statementsOf(resources, roleId).map(({ Effect, Action, Resource, Condition }) => {
    assert.equal(Effect, 'Allow')
    return { actions: [Action].flat(), on: on(resources, Resource, Condition, name) }
  })
}

function on(resources: Resources, resource: unknown, condition: Statement['Condition'], name: string): string {
  if (Array.isArray(resource)) return resource.map((one) => on(resources, one, condition, name)).join(', ')
  const id = referred(resource) ?? ''
  switch (resources[id]?.Type) {
    case 'AWS::DynamoDB::GlobalTable': {
      const keys = condition?.['ForAllValues:StringLike']?.['dynamodb:LeadingKeys']
      const attributes = condition?.['ForAllValues:StringEquals']?.['dynamodb:Attributes'] as string[] | undefined
      assert.deepEqual(condition, {
        'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': keys },
        ...(attributes && {
          'ForAllValues:StringEquals': { 'dynamodb:Attributes': attributes },
          StringEqualsIfExists: { 'dynamodb:ReturnValues': 'NONE' },
        }),
      })
      return attributes === undefined ? String(keys) : `${keys} (${attributes.join(' ')})`
    }
    case 'AWS::KMS::Key': {
      const service = String(condition?.StringEquals?.['kms:ViaService'])
      assert.deepEqual(condition, { StringEquals: { 'kms:ViaService': service } })
      assert.equal(service.slice(service.indexOf('.')), '.eu-central-1.amazonaws.com')
      return `through ${service.split('.')[0]}`
    }
    case 'AWS::SecretsManager::Secret':
      return String(resources[id].Properties.Name).replace('token-broker/test/', '')
    case 'AWS::Logs::LogGroup':
      assert.equal(resources[id].Properties.LogGroupName, `/token-broker/test/${name}`)
      return 'own log'
    default:
      return text(resource).replace(/^.*:secret:token-broker\/test\/|^<\w+>\/(?=index\/)/, '')
  }
}
