/**
 * The rights of each function, as test/infra/rights.test.ts finds them in the template, and as the flows are held to
 * (test/support/rights-guard.ts).
 */

const registrations = 'dynamodb:GetItem application#*'
const read = 'dynamodb:GetItem family#*'
const open = 'dynamodb:PutItem family#*'
const move = 'dynamodb:UpdateItem family#*'
const list = 'dynamodb:Query application#*'
const end = 'dynamodb:UpdateItem application#* (pk sk revokedBefore)'
const find = ['dynamodb:Query index/by-subject, index/by-client, index/by-email', 'dynamodb:BatchGetItem family#*']
const applications = 'dynamodb:GetItem registry'
const session = 'dynamodb:Query family#*'
const forget = 'dynamodb:DeleteItem family#*'
const count = 'dynamodb:UpdateItem throttle#*'
const record = ['dynamodb:PutItem assertion#*', 'dynamodb:GetItem assertion#*']
const tableKey = 'kms:Decrypt, kms:DescribeKey through dynamodb'
const writeKey =
  'kms:Decrypt, kms:DescribeKey, kms:Encrypt, kms:GenerateDataKey, kms:GenerateDataKeyWithoutPlaintext, kms:ReEncryptFrom, kms:ReEncryptTo through dynamodb'
const keyring = 'secretsmanager:GetSecretValue keyring'
export const providers = 'secretsmanager:GetSecretValue provider/*'
const secretsKey = 'kms:Decrypt through secretsmanager'
const log = 'logs:CreateLogStream, logs:PutLogEvents own log'
const everyone = [registrations, tableKey, keyring, secretsKey, log]
const authenticating = [...everyone, ...record, writeKey]

/** To hand out the provider's tokens, and to take them away with their session. */
const vault = [session, forget, providers]
const due = 'dynamodb:Query index/revocations-due'

export const expectedRights: Readonly<Record<string, readonly string[]>> = {
  'start-device-flow': [...authenticating, open, read, providers],
  poll: [...authenticating, move, read, ...vault, open],
  'exchange-code': [...authenticating, move, read, ...vault],
  refresh: [...authenticating, move, read, ...vault],
  'client-credentials': authenticating,
  'exchange-token': [...authenticating, move, read, session, providers],
  token: [...authenticating, move, read, ...vault, open],
  revoke: [...authenticating, move, read, forget, providers],
  introspect: [...authenticating, read],
  userinfo: [...everyone, read],
  authorize: [...everyone, providers],
  callback: [...everyone, providers, open, move, read, writeKey],
  activate: [...everyone, providers, move, read, count, writeKey],
  metadata: everyone,
  'api-docs': [log],
  sessions: [...everyone, list, end, ...find, read, move, writeKey, applications],
  'retry-revocations': [...everyone, due, move, read, forget, providers, writeKey],
  'check-keys': [keyring, secretsKey, log],
  'create-keyring': [
    'secretsmanager:GetSecretValue, secretsmanager:PutSecretValue keyring',
    'kms:Decrypt, kms:GenerateDataKey through secretsmanager',
    log,
  ],
  'apply-registry': [
    'dynamodb:GetItem, dynamodb:Query, dynamodb:PutItem, dynamodb:UpdateItem, dynamodb:DeleteItem application#*,registry,registry#history',
    writeKey,
    log,
  ],
  'rotate-keys': [
    'secretsmanager:DescribeSecret, secretsmanager:GetSecretValue, secretsmanager:PutSecretValue, secretsmanager:UpdateSecretVersionStage keyring',
    'kms:Decrypt, kms:GenerateDataKey through secretsmanager',
    log,
  ],
}
