/**
 * The table, its key, and who may do what with which of its items.
 *
 * Owns the table's shape (shared/store/table.ts creates the same one locally) and the exact rights on it: each grant
 * names one action and the partition keys it holds for, so that a function cannot touch items that are not its business.
 * Nothing may scan. Must not know what the items hold.
 */

import { RemovalPolicy } from 'aws-cdk-lib'
import {
  AttributeType,
  Billing,
  type GlobalSecondaryIndexPropsV2,
  type ITableV2,
  ProjectionType,
  TableEncryptionV2,
  TableV2,
} from 'aws-cdk-lib/aws-dynamodb'
import { PolicyStatement } from 'aws-cdk-lib/aws-iam'
import { Construct } from 'constructs'
import type { BrokerFunction } from './function.ts'
import { EncryptionKey, type KeyAction } from './key.ts'
import type { StageSettings } from './settings.ts'

/**
 * What DynamoDB asks of KMS in the caller's name, as AWS documents it for tables with a key of one's own. None of it can
 * be used but through DynamoDB.
 */
const readingNeeds: readonly KeyAction[] = ['kms:Decrypt', 'kms:DescribeKey']
const writingNeeds: readonly KeyAction[] = [
  'kms:Encrypt',
  'kms:GenerateDataKey',
  'kms:GenerateDataKeyWithoutPlaintext',
  'kms:ReEncryptFrom',
  'kms:ReEncryptTo',
]

const readingActions = ['dynamodb:GetItem', 'dynamodb:BatchGetItem', 'dynamodb:Query'] as const
type ItemAction = (typeof readingActions)[number] | 'dynamodb:PutItem' | 'dynamodb:UpdateItem' | 'dynamodb:DeleteItem'

/** Only what a refresh never changes is in an index: otherwise each one would be written, and paid for, a second time. */
function index(
  indexName: string,
  partitionKey: string,
  sortKey: string,
  projected: string[],
): GlobalSecondaryIndexPropsV2 {
  return {
    indexName,
    partitionKey: { name: partitionKey, type: AttributeType.STRING },
    sortKey: { name: sortKey, type: AttributeType.NUMBER },
    projectionType: ProjectionType.INCLUDE,
    nonKeyAttributes: projected,
  }
}

/** Over what has ended here and is still to be ended at a provider. */
const revocationsIndex = 'revocations-due'

export class BrokerTable extends Construct {
  /** The one that functions work with. */
  readonly table: ITableV2
  private readonly key: EncryptionKey

  constructor(scope: Construct, id: string, { stage, keepData, restoredTable }: StageSettings) {
    super(scope, id)
    this.key = new EncryptionKey(this, 'Key', { alias: `token-broker/${stage}/table`, usedBy: 'dynamodb', keepData })
    const own = new TableV2(this, 'Table', {
      partitionKey: { name: 'pk', type: AttributeType.STRING },
      sortKey: { name: 'sk', type: AttributeType.STRING },
      billing: Billing.onDemand(),
      encryption: TableEncryptionV2.customerManagedKey(this.key.key),
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      deletionProtection: keepData,
      // Not `retainOnceCreated`: a failed first deployment could not delete a protected table, and its name is not ours, so
      // what stays blocks nothing.
      removalPolicy: keepData ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY,
      timeToLiveAttribute: 'expires',
      globalSecondaryIndexes: [
        index('by-subject', 'subject', 'createdAt', ['sid', 'application', 'clientId', 'flow']),
        index('by-client', 'clientId', 'createdAt', ['sid', 'application']),
        index('by-email', 'byEmail', 'createdAt', ['sid', 'clientId']),
        // Over what has ended here and is still to be ended at a provider, and nothing else.
        index(revocationsIndex, 'revocationDue', 'revokedAt', ['sid']),
      ],
    })
    this.table = restoredTable === undefined ? own : TableV2.fromTableName(this, 'RestoredTable', restoredTable)
  }

  /** Applications and clients. */
  grantReadRegistrations(fn: BrokerFunction): void {
    this.grant(fn, 'dynamodb:GetItem', 'application#*')
  }

  /** To see a family as it is: for answers, and to find out what became of a write whose answer was lost. */
  grantReadFamilies(fn: BrokerFunction): void {
    this.grant(fn, 'dynamodb:GetItem', 'family#*')
  }

  /** To put a new family. */
  grantOpenFamilies(fn: BrokerFunction): void {
    this.grant(fn, 'dynamodb:PutItem', 'family#*')
  }

  /** Every transition of a family that is there. */
  grantMoveFamilies(fn: BrokerFunction): void {
    this.grant(fn, 'dynamodb:UpdateItem', 'family#*')
  }

  /** To read a family together with the provider's tokens beside it. */
  grantReadSessions(fn: BrokerFunction): void {
    this.grant(fn, 'dynamodb:Query', 'family#*')
  }

  /** To put the provider's tokens beside a family, which may not be there yet. */
  grantKeepProviderTokens(fn: BrokerFunction): void {
    this.grant(fn, 'dynamodb:PutItem', 'family#*')
  }

  /** To take the provider's tokens out once their session has ended. */
  grantForgetProviderTokens(fn: BrokerFunction): void {
    this.grant(fn, 'dynamodb:DeleteItem', 'family#*')
  }

  /** To find what is still to be ended at a provider. */
  grantFindRevocationsDue(fn: BrokerFunction): void {
    const index = new PolicyStatement({
      actions: ['dynamodb:Query'],
      resources: [`${this.table.tableArn}/index/${revocationsIndex}`],
    })
    fn.allow([index, this.key.use(...readingNeeds)], { TABLE_NAME: this.table.tableName })
  }

  /** To count wrong user codes. */
  grantCountAttempts(fn: BrokerFunction): void {
    this.grant(fn, 'dynamodb:UpdateItem', 'throttle#*')
  }

  /** To keep in mind which assertions of clients were shown, and to find out what became of a write whose answer was lost. */
  grantRecordAssertions(fn: BrokerFunction): void {
    this.grant(fn, 'dynamodb:PutItem', 'replay#*')
    this.grant(fn, 'dynamodb:GetItem', 'replay#*')
  }

  /** To see which applications there are. */
  grantListApplications(fn: BrokerFunction): void {
    this.grant(fn, 'dynamodb:GetItem', 'registry')
  }

  /** To see an application with all of its clients. */
  grantListRegistrations(fn: BrokerFunction): void {
    this.grant(fn, 'dynamodb:Query', 'application#*')
  }

  /** To revoke all of an application or a client, and to change nothing else of it (shared/store/registered.ts). */
  grantRevokeRegistrations(fn: BrokerFunction): void {
    this.grant(fn, 'dynamodb:UpdateItem', 'application#*', ['revokedBefore'])
  }

  /** To find families, and to see many at once. The keys of an index are people and clients, which have no common prefix. */
  grantFindFamilies(fn: BrokerFunction): void {
    const indexes = ['by-subject', 'by-client', 'by-email'].map((name) => `${this.table.tableArn}/index/${name}`)
    fn.allow([new PolicyStatement({ actions: ['dynamodb:Query'], resources: indexes })])
    this.grant(fn, 'dynamodb:BatchGetItem', 'family#*')
  }

  /** @param attributes that a request may name, in its condition too, beside the keys; it gets none of the others back */
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
    const isReading = readingActions.some((reading) => reading === action)
    const keyActions = isReading ? readingNeeds : [...readingNeeds, ...writingNeeds]
    fn.allow([items, this.key.use(...keyActions)], { TABLE_NAME: this.table.tableName })
  }
}
