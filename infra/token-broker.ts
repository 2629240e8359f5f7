/** The construct: creates the parts of a broker and connects them. */

import { CfnOutput, Duration } from 'aws-cdk-lib'
import { Construct } from 'constructs'
import { Alarms } from './alarms.ts'
import { Dashboard } from './dashboard.ts'
import { functionNames } from './deployed-functions.ts'
import { Firewall } from './firewall.ts'
import { FirstKeyring } from './first-keyring.ts'
import { BrokerFunction } from './function.ts'
import { Gateway } from './gateway.ts'
import { KeyRotation } from './key-rotation.ts'
import { Ops } from './ops.ts'
import type { TokenBrokerProps } from './props.ts'
import { grantRights } from './rights.ts'
import type { FunctionName } from './routes.ts'
import { Scheduled } from './schedule.ts'
import { BrokerSecrets } from './secrets.ts'
import { publicUrlOf, type Settings, settingsOf } from './settings.ts'
import { BrokerTable } from './table.ts'

type Functions = Readonly<Record<FunctionName, BrokerFunction>>

/**
 * An OAuth 2.0 authorization server in front of your identity providers: a REST API, a function per route, a table of sessions,
 * a keyring, a firewall, logs, alarms and a dashboard.
 *
 *     new TokenBroker(this, 'Broker', { domain: { domainName: 'auth.example.com', certificate, hostedZone } })
 */
export class TokenBroker extends Construct {
  private readonly baseUrl: string

  constructor(scope: Construct, id: string, props: TokenBrokerProps = {}) {
    super(scope, id)
    const settings = settingsOf(this, props)
    const { brokerName } = settings
    const table = new BrokerTable(this, 'Table', settings)
    const secrets = new BrokerSecrets(this, 'Secrets', settings)
    const functions = this.createFunctions(settings)
    const firstKeyring = new FirstKeyring(this, 'FirstKeyring', { secrets, settings })
    const rotation = new KeyRotation(this, 'KeyRotation', { after: firstKeyring, secrets, settings })
    const retries = new Scheduled(this, 'RetryRevocations', {
      name: 'retry-revocations',
      settings,
      every: Duration.minutes(5),
      timeout: Duration.minutes(3),
    })
    const keyCheck = new Scheduled(this, 'CheckKeys', { name: 'check-keys', settings, every: Duration.hours(1) })
    const scheduled = { 'retry-revocations': retries.fn, 'check-keys': keyCheck.fn }
    grantRights({ ...functions, ...scheduled }, table, secrets)
    const gateway = new Gateway(this, 'Gateway', { settings, functions })
    this.baseUrl = publicUrlOf(settings) ?? gateway.baseUrl
    new Firewall(this, 'Firewall', { ...settings, stageArn: gateway.stageArn })
    const observed = {
      api: gateway.api,
      table: table.table,
      functions: { ...functions, ...scheduled, 'rotate-keys': rotation.fn },
    }
    const alarms = new Alarms(this, 'Alarms', { settings, ...observed })
    if (settings.dashboard) new Dashboard(this, 'Dashboard', { brokerName, ...observed, alarms: alarms.all })
    const ops = new Ops(this, 'Ops', { brokerName, api: gateway.api, sessions: functions.sessions })
    this.addOutputs(settings, gateway, table, secrets, rotation, ops)
  }

  /** The issuer of an application: the address that clients are configured with. */
  issuer(application: string): string {
    return `${this.baseUrl}/${application}`
  }

  private createFunctions(settings: Settings): Functions {
    const baseUrl = publicUrlOf(settings)
    const addressHeader = settings.inFront?.addressHeader
    const environment = {
      ...(baseUrl !== undefined && { BASE_URL: baseUrl }),
      ...(addressHeader !== undefined && { ADDRESS_HEADER: addressHeader }),
    }
    const functions = functionNames.map((name): [FunctionName, BrokerFunction] => {
      const fn = new BrokerFunction(this, name, { name, settings })
      fn.allow([], environment)
      return [name, fn]
    })
    return Object.fromEntries(functions) as Functions
  }

  private addOutputs(
    settings: Settings,
    gateway: Gateway,
    table: BrokerTable,
    secrets: BrokerSecrets,
    rotation: KeyRotation,
    ops: Ops,
  ): void {
    const outputs: Readonly<Record<string, readonly [value: string | undefined, description: string]>> = {
      Issuer: [this.issuer('{application}'), 'The issuer of each application'],
      ApiUrl: [settings.inFront && gateway.baseUrl, 'The API behind the proxy; operators sign requests for it'],
      TableName: [table.table.tableName, 'The table of sessions and registrations'],
      KeyringSecretName: [secrets.keyringName, 'The secret that holds the signing, MAC and sealing keys'],
      RotateKeysFunctionName: [rotation.fn.lambda.functionName, 'The function that lists, rotates and retires keys'],
      SecretsKeyArn: [secrets.key.key.keyArn, 'The KMS key for the secrets of providers'],
      OpsPolicyArn: [ops.policy.managedPolicyArn, 'The policy for operators who may see and end sessions'],
      DomainTarget: [gateway.domainTarget, 'The target of the DNS record of the public name'],
    }
    for (const [name, [value, description]] of Object.entries(outputs)) {
      if (value !== undefined) new CfnOutput(this, name, { value, description })
    }
  }
}
