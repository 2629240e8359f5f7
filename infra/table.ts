/**
 * The table, its key, and the rights to its items. Each right allows one action on a set of partition keys, so that a
 * function reaches only the items that it needs. No function may scan.
 */

import { RemovalPolicy, Stack, Token } from 'aws-cdk-lib'
import {
  type Attribute,
  AttributeType,
  Billing,
  type CfnGlobalTable,
  type ITableV2,
  ProjectionType,
  TableEncryptionV2,
  TableV2,
} from 'aws-cdk-lib/aws-dynamodb'
import { PolicyStatement } from 'aws-cdk-lib/aws-iam'
import type { IKey } from 'aws-cdk-lib/aws-kms'
import { Construct } from 'constructs'
import {
  clientIndex,
  emailIndex,
  type IndexSchema,
  indexes,
  type KeyAttribute,
  revocationsIndex,
  subjectIndex,
  tableKeys,
  timeToLiveAttribute,
} from '../shared/store/table-schema.ts'
import type { BrokerFunction } from './function.ts'
import { EncryptionKey, type KeyAction } from './key.ts'
import type { Settings } from './settings.ts'

/**
 * The caller of a table with a customer managed key needs these rights, because DynamoDB uses KMS in its name (Developer
 * Guide).
 */
const keyActionsToRead: readonly KeyAction[] = ['kms:Decrypt', 'kms:DescribeKey']
const keyActionsToWrite: readonly KeyAction[] = [
  'kms:Encrypt',
  'kms:GenerateDataKey',
  'kms:GenerateDataKeyWithoutPlaintext',
  'kms:ReEncryptFrom',
  'kms:ReEncryptTo',
]

const readActions = ['dynamodb:GetItem', 'dynamodb:BatchGetItem', 'dynamodb:Query'] as const
type ItemAction = (typeof readActions)[number] | 'dynamodb:PutItem' | 'dynamodb:UpdateItem' | 'dynamodb:DeleteItem'

export class BrokerTable extends Construct {
  /** The table that the functions use: the broker's own, an existing one, or a restored one. */
  readonly table: ITableV2
  /** Undefined for an existing table without a customer managed key. */
  private readonly key: EncryptionKey | undefined

  constructor(scope: Construct, id: string, settings: Settings) {
    super(scope, id)
    const { brokerName, keepData, restoredTable, table, encryptionKey } = settings
    const existing = table === undefined ? encryptionKey : table.encryptionKey
    if (table === undefined || existing !== undefined) {
      const alias = `token-broker/${brokerName}/table`
      this.key = new EncryptionKey(this, 'Key', { alias, usedBy: 'dynamodb', keepData, existing })
    }
    const used = table ?? this.create(this.key!.key, keepData)
    this.table = restoredTable === undefined ? used : TableV2.fromTableName(this, 'RestoredTable', restoredTable)
  }

  private create(key: IKey, keepData: boolean): ITableV2 {
    const isRegionKnown = !Token.isUnresolved(Stack.of(this).region)
    const own = new TableV2(this, 'Table', {
      ...keysOf(tableKeys),
      billing: Billing.onDemand(),
      encryption: isRegionKnown ? TableEncryptionV2.customerManagedKey(key) : TableEncryptionV2.awsManagedKey(),
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      deletionProtection: keepData,
      // Not `retainOnceCreated`: a failed first deployment could not delete the protected table. A table that stays does not
      // block the next deployment, because CloudFormation generates its name.
      removalPolicy: keepData ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY,
      timeToLiveAttribute,
      globalSecondaryIndexes: indexes.map((index) => ({
        indexName: index.name,
        ...keysOf(index),
        projectionType: ProjectionType.INCLUDE,
        nonKeyAttributes: [...index.projected],
      })),
    })
    return isRegionKnown ? own : this.withKey(own, key)
  }

  /** The CDK refuses a customer managed key for a replica whose region it does not know. CloudFormation accepts it. */
  private withKey(own: TableV2, key: IKey): ITableV2 {
    const resource = own.node.defaultChild as CfnGlobalTable
    resource.addPropertyOverride('Replicas.0.SSESpecification', { KMSMasterKeyId: key.keyArn })
    const globalIndexes = indexes.map(({ name }) => name)
    return TableV2.fromTableAttributes(this, 'TableWithKey', {
      tableArn: own.tableArn,
      encryptionKey: key,
      globalIndexes,
    })
  }

  /** Read an application or a client. */
  grantReadRegistrations(fn: BrokerFunction): void {
    this.grant(fn, 'dynamodb:GetItem', 'application#*')
  }

  /** Read a family: for an answer, or to check whether a write succeeded if its answer was lost. */
  grantReadFamilies(fn: BrokerFunction): void {
    this.grant(fn, 'dynamodb:GetItem', 'family#*')
  }

  /** Create a family. */
  grantCreateFamilies(fn: BrokerFunction): void {
    this.grant(fn, 'dynamodb:PutItem', 'family#*')
  }

  /** Apply a transition to a family. */
  grantUpdateFamilies(fn: BrokerFunction): void {
    this.grant(fn, 'dynamodb:UpdateItem', 'family#*')
  }

  /** Read a family and its vault in one request. */
  grantReadFamiliesWithVaults(fn: BrokerFunction): void {
    this.grant(fn, 'dynamodb:Query', 'family#*')
  }

  /** Create a vault. Its family may not exist yet. */
  grantCreateVaults(fn: BrokerFunction): void {
    this.grant(fn, 'dynamodb:PutItem', 'family#*')
  }

  /** Delete the vault of a family that has ended. */
  grantDeleteVaults(fn: BrokerFunction): void {
    this.grant(fn, 'dynamodb:DeleteItem', 'family#*')
  }

  /** Find ended families whose tokens still have to be revoked at the provider. */
  grantFindDueRevocations(fn: BrokerFunction): void {
    const query = new PolicyStatement({ actions: ['dynamodb:Query'], resources: [this.arnOfIndex(revocationsIndex)] })
    fn.allow([query, ...this.useKey(keyActionsToRead)], { TABLE_NAME: this.table.tableName })
  }

  /** Count wrong user codes. */
  grantCountWrongUserCodes(fn: BrokerFunction): void {
    this.grant(fn, 'dynamodb:UpdateItem', 'throttle#*')
  }

  /** Record a used assertion, or check whether that write succeeded if its answer was lost. */
  grantRecordAssertions(fn: BrokerFunction): void {
    this.grant(fn, 'dynamodb:PutItem', 'assertion#*')
    this.grant(fn, 'dynamodb:GetItem', 'assertion#*')
  }

  /** List the names of the applications. */
  grantListApplications(fn: BrokerFunction): void {
    this.grant(fn, 'dynamodb:GetItem', 'registry')
  }

  /** Read an application and all its clients. */
  grantListRegistrations(fn: BrokerFunction): void {
    this.grant(fn, 'dynamodb:Query', 'application#*')
  }

  /** Revoke all sessions of an application or a client, and change nothing else in its registration. */
  grantRevokeRegistrations(fn: BrokerFunction): void {
    this.grant(fn, 'dynamodb:UpdateItem', 'application#*', ['revokedBefore'])
  }

  /**
   * Find families. The keys of these indexes are people and clients without a common prefix, so the right cannot be
   * limited.
   */
  grantFindFamilies(fn: BrokerFunction): void {
    const resources = [subjectIndex, clientIndex, emailIndex].map((name) => this.arnOfIndex(name))
    fn.allow([new PolicyStatement({ actions: ['dynamodb:Query'], resources })])
    this.grant(fn, 'dynamodb:BatchGetItem', 'family#*')
  }

  private arnOfIndex(name: string): string {
    return `${this.table.tableArn}/index/${name}`
  }

  grantApply(fn: BrokerFunction): void {
    fn.allow(this.applyStatements(), { TABLE_NAME: this.table.tableName })
  }

  /** Read and write the registrations and their history, as `token-broker apply` does. */
  applyStatements(): PolicyStatement[] {
    const actions = ['GetItem', 'Query', 'PutItem', 'UpdateItem', 'DeleteItem'].map((name) => `dynamodb:${name}`)
    const registry = new PolicyStatement({
      actions,
      resources: [this.table.tableArn],
      conditions: {
        'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': ['application#*', 'registry', 'registry#history'] },
      },
    })
    return [registry, ...this.useKey([...keyActionsToRead, ...keyActionsToWrite])]
  }

  /** @param attributes beside the keys, a request may use and return only these @default - all */
  private grant(fn: BrokerFunction, action: ItemAction, partitionKeys: string, attributes?: readonly string[]): void {
    const items = new PolicyStatement({
      actions: [action],
      resources: [this.table.tableArn],
      conditions: {
        'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': [partitionKeys] },
        ...(attributes && {
          'ForAllValues:StringEquals': { 'dynamodb:Attributes': ['pk', 'sk', ...attributes] },
          StringEqualsIfExists: { 'dynamodb:ReturnValues': 'NONE' },
        }),
      },
    })
    const isReading = readActions.some((reading) => reading === action)
    const keyActions = isReading ? keyActionsToRead : [...keyActionsToRead, ...keyActionsToWrite]
    fn.allow([items, ...this.useKey(keyActions)], { TABLE_NAME: this.table.tableName })
  }

  private useKey(actions: readonly KeyAction[]): PolicyStatement[] {
    return this.key === undefined ? [] : [this.key.use(...actions)]
  }
}

function keysOf({ partitionKey, sortKey }: Pick<IndexSchema, 'partitionKey' | 'sortKey'>) {
  return { partitionKey: attribute(partitionKey), sortKey: attribute(sortKey) }
}

function attribute({ name, type }: KeyAttribute): Attribute {
  return { name, type: type === 'S' ? AttributeType.STRING : AttributeType.NUMBER }
}
