/**
 * Stacks by the props of their broker. One synthesis takes half a second of CPU, so a shape sets many props, and many tests look at it.
 */

import { TableV2 } from 'aws-cdk-lib/aws-dynamodb'
import { InterfaceVpcEndpoint, Vpc } from 'aws-cdk-lib/aws-ec2'
import { Key } from 'aws-cdk-lib/aws-kms'
import { HostedZone } from 'aws-cdk-lib/aws-route53'
import { Topic } from 'aws-cdk-lib/aws-sns'
import { Registry, type TokenBrokerProps } from '../../../infra/index.ts'
import { stageStack, stages } from '../../../infra/stages.ts'
import { type Client, certificateIn, type PropsIn, registryWith, synthesize, synthesizeIn } from './template.ts'

/** Values other than the defaults. */
export const otherValues = {
  logRetention: 90,
  throttling: { ratePerSecond: 7, burst: 8 },
  requestsPerAddressIn5Minutes: 77,
  reservedConcurrency: { poll: 20 },
  provisionedConcurrency: { refresh: 2 },
  reauthenticationsIn5Minutes: 500,
  apiDocs: true,
  keyRotationDays: 30,
  restoredTable: 'restored',
  breakGlassRoleArn: 'arn:aws:iam::123456789012:role/break-glass',
} as const satisfies TokenBrokerProps

export const inFront = { url: 'https://auth.example.com/broker', addressHeader: 'X-Viewer-Address' }

export const arns = {
  pages: 'arn:aws:sns:eu-central-1:123456789012:page',
  tickets: 'arn:aws:sns:eu-central-1:123456789012:ticket',
  action: 'arn:of:an:action',
  key: 'arn:aws:kms:eu-central-1:123456789012:key/1',
  table: 'arn:aws:dynamodb:eu-central-1:123456789012:table/sessions',
  tableKey: 'arn:aws:kms:eu-central-1:123456789012:key/2',
}

/** A client without a secret. */
export const cli: Client = { clientId: 'cli', auth: 'none', grants: ['refresh_token'] }

/** The props of the stage prod. */
const { region: _, ...prod } = stages.prod!

const shapes = {
  'with every default': {},
  'with other values': otherValues,
  'without everything that can be left out': {
    ...{ keepData: false, keyRotationDays: 0, dashboard: false, outputs: false, gatewayLoggingRole: false },
  },
  'in maintenance': {
    ...{ maintenance: true, reservedConcurrency: { poll: 20, sessions: 5 } },
  },
  'behind a proxy': { inFront },
  'with a custom domain': (stack) => ({
    domain: {
      domainName: 'auth.example.com',
      certificate: certificateIn(stack),
      hostedZone: HostedZone.fromHostedZoneAttributes(stack, 'Zone', { hostedZoneId: 'Z123', zoneName: 'example.com' }),
    },
  }),
  'behind a proxy, with a custom domain whose DNS is elsewhere': (stack) => ({
    ...{ inFront, domain: { domainName: 'auth.example.com', certificate: certificateIn(stack) } },
  }),
  'in a VPC, with a private API and an existing key': (stack) => ({
    vpc: Vpc.fromVpcAttributes(stack, 'Vpc', {
      vpcId: 'vpc-1',
      availabilityZones: ['eu-central-1a', 'eu-central-1b'],
      privateSubnetIds: ['subnet-1', 'subnet-2'],
    }),
    vpcEndpoints: [
      InterfaceVpcEndpoint.fromInterfaceVpcEndpointAttributes(stack, 'Endpoint', {
        vpcEndpointId: 'vpce-1',
        port: 443,
      }),
    ],
    encryptionKey: Key.fromKeyArn(stack, 'Key', arns.key),
  }),
  'with an existing table': (stack) => ({
    table: TableV2.fromTableAttributes(stack, 'Sessions', {
      tableArn: arns.table,
      encryptionKey: Key.fromKeyArn(stack, 'Key', arns.tableKey),
    }),
  }),
  'with mail for alarms': {
    ...prod,
    alarms: { page: { emails: ['ops@example.com'] }, ticket: { emails: ['team@example.com'] } },
  },
  'with topics and actions for alarms': (stack) => ({
    alarms: {
      page: {
        topics: [Topic.fromTopicArn(stack, 'Pages', arns.pages), new Topic(stack, 'Pager', { enforceSSL: true })],
        actions: [{ bind: () => ({ alarmActionArn: arns.action }) }],
      },
      ticket: { topics: [Topic.fromTopicArn(stack, 'Tickets', arns.tickets)] },
    },
  }),
  'with a registry': { registry: Registry.fromObject(registryWith(cli)), provisionedConcurrency: { refresh: 2 } },
} as const satisfies Readonly<Record<string, PropsIn>>

export type Shape = keyof typeof shapes
export const shapeNames = Object.keys(shapes) as readonly Shape[]

/** The stack of a shape, synthesized once per process. Do not modify it. */
export const synthesized = memoized((shape: Shape) => synthesize(shapes[shape]))

/** The stack of a stage of our own app. Do not modify it. */
export const synthesizedStage = memoized((stage: 'dev' | 'prod') => synthesizeIn((app) => stageStack(app, stage)))

function memoized<Key, Value>(make: (key: Key) => Value): (key: Key) => Value {
  const made = new Map<Key, Value>()
  return (key) => {
    const value = made.get(key) ?? make(key)
    made.set(key, value)
    return value
  }
}
