/**
 * The stack of one stage: creates the constructs and connects them.
 */

import { CfnOutput, Duration, Stack } from 'aws-cdk-lib'
import type { Construct } from 'constructs'
import { Alarms } from './alarms.ts'
import { Dashboard } from './dashboard.ts'
import { functionNames } from './deployed-functions.ts'
import { Firewall } from './firewall.ts'
import { FirstKeyring } from './first-keyring.ts'
import { BrokerFunction } from './function.ts'
import { Gateway } from './gateway.ts'
import { KeyRotation } from './key-rotation.ts'
import { Ops } from './ops.ts'
import { grantRights } from './rights.ts'
import type { FunctionName } from './routes.ts'
import { Scheduled } from './schedule.ts'
import { BrokerSecrets } from './secrets.ts'
import { concurrencyOf, publicUrlOf, type StageSettings } from './settings.ts'
import { BrokerTable } from './table.ts'

type Functions = Readonly<Record<FunctionName, BrokerFunction>>

export class BrokerStack extends Stack {
  constructor(scope: Construct, settings: StageSettings) {
    const { stage, region, keepData } = settings
    super(scope, `token-broker-${stage}`, {
      env: { region },
      description: `Token Broker (${stage}): an OAuth 2.0 authorization server in front of the organisation's identity providers`,
      terminationProtection: keepData,
      analyticsReporting: false,
    })
    const table = new BrokerTable(this, 'Table', settings)
    const secrets = new BrokerSecrets(this, 'Secrets', settings)
    const functions = this.createFunctions(settings)
    const firstKeyring = new FirstKeyring(this, 'FirstKeyring', {
      secrets,
      settings,
    })
    const rotation = new KeyRotation(this, 'KeyRotation', {
      after: firstKeyring,
      secrets,
      settings,
    })
    const retries = new Scheduled(this, 'RetryRevocations', {
      name: 'retry-revocations',
      settings,
      every: Duration.minutes(5),
      timeout: Duration.minutes(3),
    })
    const keyCheck = new Scheduled(this, 'CheckKeys', {
      name: 'check-keys',
      settings,
      every: Duration.hours(1),
    })
    const scheduled = { 'retry-revocations': retries.fn, 'check-keys': keyCheck.fn }
    grantRights({ ...functions, ...scheduled }, table, secrets)
    const gateway = new Gateway(this, 'Gateway', { settings, functions })
    new Firewall(this, 'Firewall', { ...settings, stageArn: gateway.stageArn })
    const observed = {
      api: gateway.api,
      table: table.table,
      functions: { ...functions, ...scheduled, 'rotate-keys': rotation.fn },
    }
    const alarms = new Alarms(this, 'Alarms', { settings, ...observed })
    if (settings.dashboard) new Dashboard(this, 'Dashboard', { stage, ...observed, alarms: alarms.all })
    const ops = new Ops(this, 'Ops', { stage, api: gateway.api, sessions: functions.sessions })
    this.addOutputs(settings, gateway, table, secrets, rotation, ops)
  }

  private createFunctions(settings: StageSettings): Functions {
    const baseUrl = publicUrlOf(settings)
    const addressHeader = settings.inFront?.addressHeader
    const environment = {
      ...(baseUrl !== undefined && { BASE_URL: baseUrl }),
      ...(addressHeader !== undefined && { ADDRESS_HEADER: addressHeader }),
    }
    const functions = functionNames.map((name): [FunctionName, BrokerFunction] => {
      const reservedConcurrency = concurrencyOf(settings, name)
      const fn = new BrokerFunction(this, name, { name, settings, reservedConcurrency })
      fn.allow([], environment)
      return [name, fn]
    })
    return Object.fromEntries(functions) as Functions
  }

  private addOutputs(
    settings: StageSettings,
    gateway: Gateway,
    table: BrokerTable,
    secrets: BrokerSecrets,
    rotation: KeyRotation,
    ops: Ops,
  ): void {
    const publicUrl = publicUrlOf(settings)
    const outputs: Readonly<Record<string, readonly [value: string | undefined, description: string]>> = {
      Issuer: [`${publicUrl ?? gateway.baseUrl}/{application}`, 'The issuer of each application'],
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
