/** What a broker gives to the rest of an app. */

import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { Stack } from 'aws-cdk-lib'
import { Alarm } from 'aws-cdk-lib/aws-cloudwatch'
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import { deployedFunctions } from '../../infra/deployed-functions.ts'
import { TokenBroker } from '../../infra/index.ts'
import { type Resources, type Statement, statementsOf, synthesizeIn, text } from './support/template.ts'

let broker: TokenBroker
let stack: Stack
let resources: Resources

before(() => {
  const synthesized = synthesizeIn((app) => {
    stack = new Stack(app, 'Auth')
    broker = new TokenBroker(stack, 'Broker', {
      inFront: { url: 'https://auth.example.com', addressHeader: 'x-viewer' },
    })
    const role = (id: string) => new Role(stack, id, { assumedBy: new ServicePrincipal('ec2.amazonaws.com') })
    broker.grantOps(role('Operator')).assertSuccess()
    broker.grantApply(role('Pipeline')).assertSuccess()
    return stack
  })
  resources = synthesized.resources
})

const rightsOf = (role: string) =>
  statementsOf(resources, Object.keys(resources).find((id) => id.startsWith(role) && /Role|^\w+$/.test(id)) ?? '')
const inWords = ({ Action, Resource }: Statement) =>
  `${[Action].flat().join(' ')} on ${[Resource].flat().map(text).join(' ')}`

test('the issuer of an application follows from the broker’s address', () => {
  assert.equal(broker.issuer('demo'), 'https://auth.example.com/demo')
})

test('a broker has its functions by name, its API, table, dashboard and secrets key', () => {
  const always = deployedFunctions.filter((name) => name !== 'apply-registry')
  assert.deepEqual(Object.keys(broker.functions).sort(), always.sort())
  for (const member of [broker.api, broker.dashboard, broker.table, broker.secretsKey]) assert.ok(member !== undefined)
})

test('the alarms of both severities are all alarms, and none is in both', () => {
  const { page, ticket } = broker.alarms
  const all = stack.node.findAll().filter((one) => one instanceof Alarm)
  assert.equal(new Set([...page, ...ticket]).size, all.length)
  assert.equal(page.length + ticket.length, all.length)
})

test('grantOps lets a principal call the routes for ops and read the log', () => {
  const rights = rightsOf('Operator').map(inWords).join('\n')
  assert.match(rights, /^execute-api:Invoke on .*GET\/applications/)
  assert.match(rights, /logs:StartQuery on .*:log-group:\/token-broker\/auth-broker-[0-9a-f]{8}\/\*/)
  assert.doesNotMatch(rights, /dynamodb|secretsmanager/)
})

test('grantApply lets a principal write registrations, see whether secrets exist, and touch no session', () => {
  const [registry, ...others] = rightsOf('Pipeline')
  assert.deepEqual(registry?.Condition, {
    'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': ['application#*', 'registry', 'registry#history'] },
  })
  assert.deepEqual([...others.map(({ Action }) => [Action].flat()[0])].sort(), [
    'kms:Decrypt',
    'secretsmanager:DescribeSecret',
  ])
})
